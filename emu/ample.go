package emu

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// One CPU at a time. What happens on a CPU (its thread's steps, and the kernel's
// events there) and what happens on the others can't tell each other's order, as
// long as the thread touches only its registers, its area, the CPU's own per-CPU
// data and objects that only these lead to (seclusion.go): the two leave the same state in either order, and neither makes the other
// possible or impossible. For runs that fit into the budget, that goes for events
// too. So if the next step of a CPU is such a step it is enough to look at what can
// happen on that CPU, and at the others later: of the runs that differ only in
// order, one is left, with the same number of events. (The CPU's choices are a
// persistent set.)
//
// Nothing may be put off forever, round and round a cycle of states. A cycle with
// one of the CPU's events in it has a state in which the CPU is idle, where all CPUs
// are looked at. One of steps alone has no events, and a step to a state that was
// known before the state in front of it; a search that makes such a step follows the
// other choices of that state after all.

// Ample returns how many of the choices, which it puts first, a search has to
// follow: all, or those of one CPU.
func (r *Reducer) Ample(choices []Choice) int {
	m := r.m
	if r.set&ClaimedCPU != 0 {
		choices = choices[:r.unclaimed(choices)]
	}
	if r.set&OneCPU == 0 {
		return len(choices)
	}
	for i := range m.cpus {
		c := CPUID(i)
		if cur := m.cpus[c].cur; cur < 0 || !r.own(c, &m.tasks[cur]) {
			continue
		}
		n := 0
		for j, choice := range choices {
			if k := choice.Kind(); k != Wake && k != Signal && choice.CPU() == c {
				choices[n], choices[j] = choice, choices[n]
				n++
			}
		}
		return n
	}
	return len(choices)
}

// own reports whether the CPU's next step is nobody's but its own. The first one of
// an operation isn't, if somebody watches the history.
func (r *Reducer) own(c CPUID, t *task) bool {
	if !t.user() || t.rseq.area == 0 || r.m.cpus[c].ipi != 0 {
		return false
	}
	regs, ok := r.begins(t)
	if !ok || !r.facts.Stays(regs.IP) {
		return false
	}
	return r.m.code.Fits(r.inside[c], int(c), &regs) || r.secluded(c, t, &regs, true)
}

// begins returns the registers with which a thread makes its next step. It is not ok
// if that is the first one of an operation, and somebody may see when it is.
func (r *Reducer) begins(t *task) (regs vcpu.Regs, ok bool) {
	if t.regs.IP != ir.ReturnIP {
		return t.regs, true
	}
	if r.set&EagerCalls == 0 || t.inCall || t.script < 0 {
		return t.regs, false
	}
	return r.m.invoked(t), true
}
