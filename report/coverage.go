package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Coverage says what a search has tried.
type Coverage struct {
	Sections []SectionCoverage `json:"sections"`
	Instrs   []InstrCoverage   `json:"instrs"`
	// NeverOverlapped are pairs of functions that two threads call, and that were
	// never under way at once; with reductions, in none of the runs that were looked at,
	// though they may be in others, each of which is as good as one of these.
	NeverOverlapped [][2]string `json:"never_overlapped,omitempty"`

	reduced bool
}

// SectionCoverage is in how many of a section's instructions it was interrupted:
// right before them.
type SectionCoverage struct {
	Name        string `json:"name"`
	Interrupted int    `json:"interrupted"`
	Of          int    `json:"of"`
}

// InstrCoverage is what was tried at an instruction.
type InstrCoverage struct {
	At    string `json:"at"`
	Instr string `json:"instr"`
	Steps int    `json:"steps"`
	// Events is how often each kernel event came right before it.
	Events map[string]int `json:"events,omitempty"`
	// Local: what an event would do before it, it does near by, where it was tried.
	Local bool `json:"local,omitempty"`
}

// newCoverage puts what was tried into words.
func newCoverage(p *ir.Program, k emu.Kernel, c *explore.Coverage, reduced emu.Reduction) (*Coverage, error) {
	im, err := ir.Link(p, k.Arch)
	if err != nil {
		return nil, err
	}
	out := &Coverage{Sections: []SectionCoverage{}, Instrs: []InstrCoverage{}, NeverOverlapped: c.NeverOverlapped(p), reduced: reduced != 0}
	for i := range im.Instrs {
		t := &c.Instrs[i]
		in := InstrCoverage{At: im.Where(im.Addrs[i]), Instr: im.Source[i].String(), Steps: t.Steps, Local: t.Local}
		for kind, n := range t.Events {
			if n > 0 {
				if in.Events == nil {
					in.Events = map[string]int{}
				}
				in.Events[emu.ChoiceKind(kind).String()] = n
			}
		}
		out.Instrs = append(out.Instrs, in)
	}
	for _, s := range im.Sections {
		sc := SectionCoverage{Name: s.Name}
		for i, a := range im.Addrs {
			if s.CS.Contains(uint64(a)) {
				if sc.Of++; c.Instrs[i].Local || len(out.Instrs[i].Events) > 0 {
					sc.Interrupted++
				}
			}
		}
		if sc.Of > 0 {
			out.Sections = append(out.Sections, sc)
		}
	}
	return out, nil
}

// Summary says it in a line or two; none if there is nothing to say.
func (c *Coverage) Summary() []string {
	var all, some []string
	for _, s := range c.Sections {
		if s.Interrupted == s.Of {
			all = append(all, fmt.Sprintf("%s (%d)", s.Name, s.Of))
		} else {
			some = append(some, fmt.Sprintf("%d of %d of %s", s.Interrupted, s.Of, s.Name))
		}
	}
	var out []string
	if len(all) > 0 {
		out = append(out, "interrupted before every instruction of "+and(all))
	}
	if len(some) > 0 {
		out = append(out, "interrupted before "+and(some))
	}
	var never []string
	for _, p := range c.NeverOverlapped {
		never = append(never, p[0]+" and "+p[1])
	}
	if len(never) > 0 {
		line := "never under way at once: "
		if c.reduced {
			line = "as good as never under way at once: "
		}
		out = append(out, line+strings.Join(never, "; "))
	}
	return out
}

// Matrix lists the instructions that were executed, with what came before each: the
// number of times by kind of event, and = where it came behind it instead, to the
// same effect.
func (c *Coverage) Matrix() []string {
	var kinds []string
	for k := range emu.NumChoiceKinds {
		if slices.ContainsFunc(c.Instrs, func(i InstrCoverage) bool { return i.Events[k.String()] > 0 }) {
			kinds = append(kinds, k.String())
		}
	}
	width := 0
	for _, i := range c.Instrs {
		width = max(width, len(i.At))
	}
	line := func(at, steps string, cells []string, instr string) string {
		s := fmt.Sprintf("%-*s %10s", width, at, steps)
		for i, cell := range cells {
			s += fmt.Sprintf(" %*s", max(len(kinds[i]), 8), cell)
		}
		return s + "  " + instr
	}
	out := []string{line("instruction", "steps", kinds, "")}
	for _, i := range c.Instrs {
		var cells []string
		for _, k := range kinds {
			switch n := i.Events[k]; {
			case n > 0:
				cells = append(cells, fmt.Sprint(n))
			case i.Local:
				cells = append(cells, "=")
			default:
				cells = append(cells, ".")
			}
		}
		out = append(out, line(i.At, fmt.Sprint(i.Steps), cells, i.Instr))
	}
	return out
}
