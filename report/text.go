package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/rseqemu/rseqemu/explore"
)

// Text writes the story for a person: a heading for each stretch of one thread
// on one CPU, an instruction a line with what it changed, and kernel events
// between them.
//
//	t0 on c0
//	   1  push(n1)
//	      push.retry    ld.4 r2, [tp + cpu_id_start]     r2 = 0
//	 ! 9  c0 preempt
//	      t0 leaves c0 before "st.8 [r3], r0" at push.start+16, inside push_cs
func (s *Story) Text(w io.Writer, p Palette) error {
	t := printer{w: w, p: p}
	for i := range s.Steps {
		t.step(&s.Steps[i])
	}
	if s.Broken != "" {
		t.line("")
		t.line("%s", p.Bad("broken: "+s.Broken))
		t.line("  %s", s.Message)
	}
	return t.err
}

// Palette colours words; the zero Palette leaves them plain.
type Palette struct{ Color bool }

// Bad, Good, Event and Dim colour what a reader looks for.
func (p Palette) Bad(s string) string   { return p.paint("31;1", s) }
func (p Palette) Good(s string) string  { return p.paint("32;1", s) }
func (p Palette) Event(s string) string { return p.paint("33;1", s) }
func (p Palette) Dim(s string) string   { return p.paint("2", s) }

func (p Palette) paint(code, s string) string {
	if !p.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

type printer struct {
	w        io.Writer
	p        Palette
	err      error
	cpu, thr int
	started  bool
}

func (t *printer) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *printer) step(s *Step) {
	if s.Instr == "" {
		t.line("%s", t.p.Event(fmt.Sprintf("%4d  %s", s.N, s.Choice)))
		t.notes(s)
		t.started = false
		return
	}
	if !t.started || t.cpu != s.CPU || t.thr != s.Thread {
		t.line("%s", t.p.Dim(fmt.Sprintf("      t%d on c%d", s.Thread, s.CPU)))
		t.started, t.cpu, t.thr = true, s.CPU, s.Thread
	}
	if s.Begins != "" {
		t.line("      %s", s.Begins)
	}
	t.line("%s", strings.TrimRight(fmt.Sprintf("%4d    %-18s %-38s %s", s.N, s.Where, s.Instr, changes(s.Changes)), " "))
	t.notesOf(s.Notes)
}

// notes tells an event, and what it changed as far as its notes don't.
func (t *printer) notes(s *Step) { t.notesOf(s.Notes) }

func (t *printer) notesOf(notes []string) {
	for _, n := range notes {
		t.line("        → %s", n)
	}
}

func changes(cs []Change) string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Place+" = "+c.Value)
	}
	return strings.Join(out, ", ")
}

// Verdict is what a result says about the program, in a few words: that it is
// broken, that it holds for all runs within the bounds, or how far the search
// got.
func Verdict(r *explore.Result) string {
	switch {
	case r.Failure != nil:
		return fmt.Sprintf("broken: %s (%s, %s)", r.Failure.Property, plural(explore.Events(r.Failure.Schedule), "kernel event"),
			plural(len(r.Failure.Schedule), "transition"))
	case r.Complete:
		return "holds, for all schedules within " + r.Budget.String()
	case r.Runs > 0:
		return fmt.Sprintf("not broken in %s (%s)", plural(r.Runs, "run"), r.Why)
	}
	return fmt.Sprintf("not broken so far: %s", r.Why)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
