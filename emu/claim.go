package emu

// Preemptions that tell nothing new. Between the instruction that reads an id and the
// section that asks first of all whether it has changed (live.Facts.Claimed) a thread
// has only registers of its own. Say it is preempted there, others go on, and then it
// gets a CPU again:
//
//   - If the id is the same as before, the section will be entered. The same had come of
//     a preemption before the id was read, which is in no section either: the thread
//     reads the same now.
//   - If it is another one, the section will be entered and left for abort_ip, by its own
//     question. The same had come of a preemption as soon as the section was entered:
//     the kernel sends the thread to abort_ip.
//
// Both are other runs with the same events, in which the thread leaves its CPU some
// instructions earlier or later; nobody else can tell. In both the thread is at its place with
// the registers that are read there, as no instruction of the section up to its question
// writes one that abort_ip needs. So it needn't be preempted in between at all, if no
// other section is armed around all this.
//
// Something else may take it off its CPU there: a fault that sleeps, a CPU that goes away.
// If it is preempted after that, with its old id, it is off its CPU where it was off it
// already, with fewer events. And a kernel that doesn't abort what it preempts leaves it in
// front of the section's question, which sends it to abort_ip all the same.

// unclaimed puts those choices first that aren't such preemptions, and returns their
// number.
func (r *Reducer) unclaimed(choices []Choice) int {
	n, m := len(choices), r.m
	for i := n - 1; i >= 0; i-- {
		c := choices[i]
		if c.Kind() != Preempt {
			continue
		}
		if t := &m.tasks[m.cpus[c.CPU()].cur]; r.claimed(t) {
			r.local[m.im.Index(t.regs.IP)] = true
			n--
			choices[i], choices[n] = choices[n], choices[i]
		}
	}
	return n
}

// claimed reports whether a thread is where it needn't be preempted.
func (r *Reducer) claimed(t *task) bool {
	if !t.user() || t.rseq.area == 0 || t.rseq.sig != r.m.im.Arch.Signature() || !t.regs.Boundary() || !r.facts.Claimed(t.regs.IP) {
		return false
	}
	s, ok := r.armed(t)
	return ok && (s == nil || !s.Contains(t.regs.IP))
}
