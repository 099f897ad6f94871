package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Starve finds out which functions kernel events can keep from ever ending, under
// the first of the kernels.
func (c *Check) Starve(p *ir.Program, cfg emu.Config, k emu.Kernel) error {
	cfg.Kernel = k
	calls, err := explore.Starve(p, cfg)
	if err != nil {
		return err
	}
	for i := range calls {
		s := &calls[i]
		if s.Events == 0 {
			continue
		}
		by := Count(s.Events, "kernel event")
		if s.Events == 1 {
			by = starvers[s.Event()]
		}
		at := slices.IndexFunc(c.Starved, func(o Starved) bool { return o.By == by })
		if at < 0 {
			at = len(c.Starved)
			c.Starved = append(c.Starved, Starved{By: by})
		}
		if f := p.Threads[s.Thread].Calls[s.Call].Func; !slices.Contains(c.Starved[at].Funcs, f) {
			c.Starved[at].Funcs = append(c.Starved[at].Funcs, f)
		}
	}
	return nil
}

// starvers are kernel events in words.
var starvers = map[emu.ChoiceKind]string{emu.Preempt: "a preemption", emu.PreemptNow: "a preemption", emu.SliceTimer: "the end of a slice", emu.IRQ: "an interrupt", emu.Fault: "a page fault",
	emu.FaultSleep: "a page fault", emu.Membarrier: "a membarrier", emu.Signal: "a signal"}

// Text is a line for a person.
func (s *Starved) Text() string {
	verb := "never ends"
	if len(s.Funcs) > 1 {
		verb = "never end"
	}
	return fmt.Sprintf("%s %s if there is %s each time around (no bug: any retry loop can be starved)", strings.Join(s.Funcs, ", "), verb, s.By)
}
