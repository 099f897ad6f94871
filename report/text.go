package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Text writes the story for a person to read from top to bottom. In front are
// the transition's number and a column for each CPU: the thread that acts, ! for
// a kernel event, | for a thread that runs meanwhile, and . for none. Then comes
// what happened, an instruction with what it changed or a kernel event with what
// the kernel did:
//
//	   c0 c1
//	              pop()
//	12 t0 |         pop.retry     ld.4 r2, [tp + cpu_id_start]  r2 = 0
//	13 !  |       c0 preempt      t0 leaves c0 before "mov r4, pop_cs" at pop.retry+8
//	14 .  t0      c1 run t0       t0 gets c1, was on c0
//	                              the kernel writes the ids: cpu_id 1, node_id 0, mm_cid 0
func (s *Story) Text(w io.Writer, st Style) error {
	t := newPrinter(w, s, st)
	t.head()
	for _, p := range s.parts(st.Brief) {
		t.part(p)
	}
	if s.Broken != "" {
		t.line("")
		t.line("%s: %s", st.Bad(s.Broken+" is broken"), s.Message)
		t.calls()
	}
	return t.err
}

// StepText writes one step, for a story that is still going on.
func (s *Story) StepText(w io.Writer, st Style, step *Step) error {
	t := newPrinter(w, s, st)
	t.where, t.instr = 20, 44
	if step.N == 1 {
		t.head()
	}
	t.step(step)
	return t.err
}

// maxGutter is the number of CPUs up to which each has a column.
const maxGutter = 8

type printer struct {
	w            io.Writer
	st           Style
	s            *Story
	where, instr int // widths of columns
	err          error
}

func newPrinter(w io.Writer, s *Story, st Style) *printer {
	t := &printer{w: w, st: st, s: s}
	for i := range s.Steps {
		step := &s.Steps[i]
		t.where = max(t.where, utf8.RuneCountInString(step.Where)+2, len(step.Choice)+2)
		t.instr = max(t.instr, utf8.RuneCountInString(step.words()))
	}
	t.where, t.instr = min(t.where, 28), min(t.instr, 64)
	return t
}

func (t *printer) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintln(t.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

func (t *printer) head() {
	var cells []string
	for c := range t.gutterCPUs() {
		cells = append(cells, fmt.Sprintf("%-2s", fmt.Sprintf("c%d", c)))
	}
	t.line("%s", t.st.Dim("     "+strings.Join(cells, " ")))
}

func (t *printer) gutterCPUs() int {
	if t.s.CPUs > maxGutter {
		return 0
	}
	return t.s.CPUs
}

// gutter is what stands in front of a step: its number and the CPUs.
func (t *printer) gutter(s *Step) string {
	var b strings.Builder
	b.WriteString(t.st.Dim(fmt.Sprintf("%4d", s.N)) + " ")
	for c := range t.gutterCPUs() {
		switch {
		case c == s.CPU && (s.Instr != "" || s.Running[c] >= 0):
			fmt.Fprintf(&b, "%-2s ", fmt.Sprintf("t%d", s.Thread))
		case c == s.CPU:
			b.WriteString("!  ")
		case s.Running[c] >= 0:
			b.WriteString(t.st.Dim("|  "))
		default:
			b.WriteString(t.st.Dim(".  "))
		}
	}
	if t.gutterCPUs() == 0 && s.Instr != "" {
		fmt.Fprintf(&b, "t%d on c%d ", s.Thread, s.CPU)
	}
	return b.String() + " "
}

// blank is as wide as the gutter.
func (t *printer) blank() string { return strings.Repeat(" ", 6+3*t.gutterCPUs()) }

// pad fills text up to a width in runes; longer text gets two spaces.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(2, width-utf8.RuneCountInString(text)+2))
}

func (t *printer) step(s *Step) {
	if s.Begins != "" {
		t.line("%s%s", t.blank(), t.st.Bold(s.Begins))
	}
	notes := s.Notes
	if s.Returns != "" {
		notes = append([]string{"returns " + s.Returns}, notes...)
	}
	if s.Instr == "" {
		event, first := pad(s.Choice, t.where), ""
		if len(notes) > 0 {
			first, notes = notes[0], notes[1:]
		}
		t.line("%s%s%s", t.gutter(s), t.st.Event(event), first)
		t.notes(notes, t.where+2)
		return
	}
	what := append(append([]Change{}, s.Registers...), s.Memory...)
	effect := changes(what)
	if s.Goes != "" {
		effect = "goes to " + s.Goes
	}
	if effect == "" && len(notes) > 0 {
		effect, notes = notes[0], notes[1:]
	}
	t.line("%s  %s%s%s", t.gutter(s), pad(s.Where, t.where-2), pad(s.words(), t.instr), effect)
	t.notes(notes, t.where+2+t.instr+2)
}

// notes writes what didn't fit on the line, under what did.
func (t *printer) notes(notes []string, indent int) {
	for _, n := range notes {
		t.line("%s%s%s", t.blank(), strings.Repeat(" ", indent), n)
	}
}

// calls lists the calls as a history: it is what linearizability is about.
func (t *printer) calls() {
	if len(t.s.Calls) < 2 {
		return
	}
	name := 0
	for _, c := range t.s.Calls {
		name = max(name, len(c.Name))
	}
	t.line("")
	t.line("The calls:")
	for _, c := range t.s.Calls {
		last, returns := fmt.Sprint(c.Last), "returned "+c.Returns
		if c.Last == 0 {
			last, returns = "", "not returned"
		}
		t.line("  t%d %s  %4d–%-4s  %s", c.Thread, pad(c.Name, name), c.First, last, returns)
	}
}

func changes(cs []Change) string {
	var out []string
	for _, c := range cs {
		text := c.Place + " = " + c.Value
		if c.Same {
			text += ", as before"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
