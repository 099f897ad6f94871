package report

import (
	"fmt"
	"io"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Diff is one schedule under two kernels, and what happens behind its end if
// nothing more disturbs the program.
type Diff struct {
	// Parts is the transition with which the runs part, and Message in what.
	Parts   int    `json:"parts"`
	Message string `json:"message"`
	// Schedule is up to there, with the first kernel's name.
	Schedule string `json:"schedule"`
	From     *Story `json:"from"`
	To       *Story `json:"to"`
}

// afterwards bounds how far a run is followed behind the place where it parts.
const afterwards = 5000

// TellDiff makes the runs that [explore.Diff] found to part. The schedule is for
// the first kernel and ends with the transition with which they part.
func TellDiff(p *ir.Program, s *explore.Schedule, to emu.Kernel, message string) (*Diff, error) {
	d := &Diff{Parts: len(s.Choices), Message: message, Schedule: s.String()}
	for _, k := range []struct {
		kernel emu.Kernel
		story  **Story
	}{{s.Kernel, &d.From}, {to, &d.To}} {
		cfg := s.Config()
		cfg.Kernel = k.kernel
		m, err := emu.New(p, cfg)
		if err != nil {
			return nil, err
		}
		if *k.story, err = tellOn(m, s.Choices); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// tellOn follows a schedule for as long as it fits, and then lets the machine go
// on by itself.
func tellOn(m *emu.Machine, schedule []emu.Choice) (*Story, error) {
	follow, rest := &explore.Follower{Choices: schedule}, explore.Undisturbed()
	ch := explore.ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
		if i := follow.Choose(m, choices); i >= 0 {
			return i
		}
		return rest.Choose(m, choices)
	})
	s, _, err := TellRun(m, nil, ch, len(schedule)+afterwards, nil)
	return s, err
}

// contextSteps is how many common steps stand before the one that parts.
const contextSteps = 10

// Text writes the common steps, the step with which the kernels part under each
// of them, and how it ends; a brief one leaves out the steps long before.
func (d *Diff) Text(w io.Writer, st Style) error {
	common := d.Parts - 1
	t := newPrinter(w, d.From, st)
	u := newPrinter(w, d.To, st)
	t.where, t.instr = max(t.where, u.where), max(t.instr, u.instr)
	u.where, u.instr = t.where, t.instr
	t.head()
	from := 0
	if st.Brief && common > contextSteps+1 {
		from = common - contextSteps
		t.part(part{steps: d.From.Steps[:from], kind: leftOut})
	}
	for i := from; i < common; i++ {
		t.step(&d.From.Steps[i])
	}
	for _, p := range []*printer{t, u} {
		p.err = t.err
		p.line("%s", st.Bad("under "+p.s.Kernel))
		if d.Parts > len(p.s.Steps) {
			p.line("%severy thread has ended", p.blank())
		} else {
			p.step(&p.s.Steps[d.Parts-1])
		}
		t.err = p.err
	}
	t.line("")
	t.line("%s", d.Message)
	t.line("")
	t.line("Left alone from there:")
	width := max(len(d.From.Kernel), len(d.To.Kernel))
	for _, s := range []*Story{d.From, d.To} {
		for _, end := range s.ends(d.Parts) {
			t.line("  %s%s", pad(s.Kernel, width), end)
		}
	}
	return t.err
}

// ends says what became of the calls that hadn't ended before a step, and of
// the processes.
func (s *Story) ends(before int) []string {
	var out []string
	for i := before - 1; i >= 0 && i < len(s.Steps); i++ {
		out = append(out, s.Steps[i].kills...)
	}
	killed := len(out) > 0
	for _, c := range s.Calls {
		switch {
		case c.Last >= before:
			out = append(out, fmt.Sprintf("t%d's %s returns %s", c.Thread, c.Name, c.Returns))
		case c.Last == 0 && s.Done && !killed:
			out = append(out, fmt.Sprintf("t%d's %s never returns", c.Thread, c.Name))
		case c.Last == 0 && !s.Done:
			out = append(out, fmt.Sprintf("t%d's %s goes on", c.Thread, c.Name))
		}
	}
	if len(out) == 0 {
		out = append(out, "every thread has ended")
	}
	return out
}
