package emu

import "math/bits"

// Concurrency ids: a thread has one while it runs, unique among the running
// threads of its memory and below min(threads, CPUs). Which free one it gets is
// the kernel's choice, and differs by release (CIDPolicy). Package mmcid has the
// algorithm of 6.19 by which it comes to that.

// assignCID gives a task that gets a CPU its id.
func (m *Machine) assignCID(t *task) {
	if m.k.CID == CIDNone {
		return
	}
	space := int(m.procs[t.proc].mm)
	used := m.usedCIDs(space)
	bound := min(int(m.mms[space].users), bits.OnesCount64(t.affinity))
	want := t.lastCID
	if m.k.CID == CIDPerCPU {
		want = m.cids[space*len(m.cpus)+int(t.cpu)]
	}
	if want < 0 || int(want) >= bound || used&(1<<want) != 0 {
		want = int8(bits.TrailingZeros64(^used))
	}
	t.cid, t.lastCID = want, want
	m.cids[space*len(m.cpus)+int(t.cpu)] = want
}

// resetCIDs forgets which CPU used which id, for an address space that is new.
func (m *Machine) resetCIDs(space int8) {
	for i := range m.cpus {
		m.cids[int(space)*len(m.cpus)+i] = none
	}
}

// releaseCID takes it back.
func (m *Machine) releaseCID(t *task) { t.cid = none }

func (m *Machine) usedCIDs(space int) uint64 {
	var used uint64
	for i := range m.cpus {
		if c := m.cpus[i].cur; c >= 0 {
			if t := &m.tasks[c]; int(m.procs[t.proc].mm) == space && t.cid >= 0 {
				used |= 1 << t.cid
			}
		}
	}
	return used
}
