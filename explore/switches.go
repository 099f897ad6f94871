package explore

import (
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// switching is what a CPU has done last, as far as it matters to what is a context
// switch.
type switching struct {
	left  emu.TaskID // was preempted and hasn't been followed by another yet, or -1
	fresh bool       // its thread hasn't made a step yet
	other bool       // a thread that wasn't preempted there just now can get it
}

// onlySwitches leaves the choices of a machine on which a preemption is a context
// switch: to a thread that waits for the CPU, and then makes a step. That is what
// tools can do that run threads on a scheduler of their own and know of no timer. All
// that it looks at is the order of transitions on one CPU, which is the same in every
// run that differs only in the order of independent ones.
func (s *stateless) onlySwitches(n *junction) {
	n.cpus = n.cpus[:0]
	if s.depth == 0 {
		n.cpus = slices.Grow(n.cpus, s.m.CPUs())[:s.m.CPUs()]
		for c := range n.cpus {
			n.cpus[c] = switching{left: -1}
		}
	} else {
		last := s.path[s.depth-1]
		n.cpus = append(n.cpus, last.cpus...)
		for c := range n.cpus {
			n.cpus[c].other = false
		}
		switch c := last.options[last.at].choice; c.Kind() {
		case emu.Step:
			n.cpus[c.CPU()].fresh = false
		case emu.Run:
			n.cpus[c.CPU()] = switching{left: -1, fresh: true}
		case emu.Preempt:
			n.cpus[c.CPU()].left = s.left
		}
	}
	for _, c := range s.buf {
		if last := &n.cpus[c.CPU()]; c.Kind() == emu.Run && last.left != c.Task() {
			last.other = true
		}
	}
	s.buf = slices.DeleteFunc(s.buf, func(c emu.Choice) bool {
		switch c.Kind() {
		case emu.Preempt:
			return n.cpus[c.CPU()].fresh || !s.m.Contended(c.CPU())
		case emu.Run:
			return n.cpus[c.CPU()].left == c.Task() && n.cpus[c.CPU()].other
		}
		return false
	})
}
