package emu

import "github.com/rseqemu/rseqemu/ir"

// One CPU at a time. What happens on a CPU (its thread's steps, and the kernel's
// events there) and what happens on the others can't tell each other's order, as
// long as the thread touches only its registers, its area and the CPU's own per-CPU
// data: the two leave the same state in either order, and neither makes the other
// possible or impossible. For runs that fit into the budget, that goes for events
// too. So if the next step of a CPU is such a step it is enough to look at what can
// happen on that CPU, and at the others later: of the runs that differ only in
// order, one is left, with the same number of events. (The CPU's choices are a
// persistent set.)
//
// Nothing is put off forever. A CPU's choices lead to a state in which it is idle,
// or has a step of another kind before it, since steps that go backwards don't
// count; there all CPUs are looked at.

// Ample returns those of the choices that a search has to follow: all, or those of
// one CPU.
func (r *Reducer) Ample(choices []Choice) []Choice {
	if r.set&OneCPU == 0 {
		return choices
	}
	m := r.m
	for i := range m.cpus {
		c := CPUID(i)
		if cur := m.cpus[c].cur; cur < 0 || !r.own(c, &m.tasks[cur]) {
			continue
		}
		n := 0
		for _, choice := range choices {
			if k := choice.Kind(); k != Wake && k != Signal && choice.CPU() == c {
				choices[n] = choice
				n++
			}
		}
		return choices[:n]
	}
	return choices
}

// own reports whether the CPU's next step is nobody's but its own. The first one of
// an operation isn't: who watches the history sees it.
func (r *Reducer) own(c CPUID, t *task) bool {
	if !t.user() || t.regs.IP == ir.ReturnIP || t.rseq.area == 0 || r.m.cpus[c].ipi != 0 || !r.facts.Forward(t.regs.IP) {
		return false
	}
	return r.m.code.Fits(r.inside[c], int(c), &t.regs)
}
