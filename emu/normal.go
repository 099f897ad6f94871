package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
)

// The normal form of a state: of all states with the same future, as far as that
// can be told, the one without leftovers. It is a state like any other, and the
// machine goes on from it.

// normalise puts the machine into normal form.
func (r *Reducer) normalise() {
	m := r.m
	if r.set&DeadValues == 0 {
		return
	}
	for i := range m.tasks {
		t := &m.tasks[i]
		switch {
		case t.state == taskUnused:
		case t.state == taskDead:
			if r.area {
				r.bury(t, i)
			}
		default:
			if r.area && t.rseq.area != 0 {
				r.normaliseArea(t)
			}
			if t.regs.Boundary() {
				r.normaliseRegs(t)
			}
		}
	}
	if r.set&Garbage != 0 {
		r.sweep()
	}
	if r.area && r.dead&live.MMCID != 0 {
		for i := range m.cids {
			m.cids[i] = none
		}
	}
}

// bury clears the area of a thread that has ended.
func (r *Reducer) bury(t *task, i int) {
	mem, a := r.m.memOf(t), r.m.im.TP(i)
	for off := ir.Addr(0); off < ir.RSeqSpace; off += 8 {
		mem.Store(none, a+off, 8, 0)
	}
}

// normaliseRegs clears the registers and flags that nothing reads before it
// writes them.
func (r *Reducer) normaliseRegs(t *task) {
	alive := r.facts.At(t.regs.IP)
	if alive&live.Set(ir.AllRegs) == live.Set(ir.AllRegs) {
		return
	}
	for i := range ir.TP {
		if alive>>i&1 == 0 {
			t.regs.R[i] = 0
		}
	}
	if alive&live.Set(ir.FlagsReg) == 0 {
		t.regs.Flags = 0
	}
	t.regs.R[ir.T0], t.regs.R[ir.T1] = 0, 0
}

// normaliseArea clears what can't be read any more of the words of struct rseq
// and of what the kernel notes of the thread:
//
//  1. ids that no instruction reads
//  2. those of a thread without a CPU. It gets one by a switch, whose work writes
//     what has changed (new rule), or all (old rule); so whatever was there
//     before, the CPU's ids are there after. Whether they had changed decides
//     about nothing else: rseq_cs is looked at if the thread was interrupted,
//     changed or not (notify_new.go).
//  3. the CPU that it had, if a migration is free
//  4. the event mask behind the work: nothing asks for work without an event of
//     its own
//  5. an rseq_cs that is sure to be cleared or overwritten before the thread is
//     in that section again
//  6. a section that is sure to be aborted: the abort happens now
func (r *Reducer) normaliseArea(t *task) {
	m, ids, cpu := r.m, t.rseq.ids, t.cpu
	if r.dead&live.MMCID != 0 { // 1
		ids.cid, t.cid, t.lastCID = 0, none, none
	}
	if r.dead&live.NodeID != 0 {
		ids.node = 0
	}
	off := t.state != taskRunning
	if off { // 2
		ids.cpu, ids.node, ids.cid = 0, 0, 0
		if m.budget[Migrations] == Unlimited { // 3
			cpu = 0
		}
	}
	if t.cpu < 0 {
		cpu = t.cpu // it never ran
	}
	t.cpu = cpu
	mem := m.memOf(t)
	if ids != t.rseq.ids || off {
		m.putIDs(t, ids.cpu, ids)
		t.rseq.ids = ids
	}
	if m.k.Notify == NotifyOld { // 4
		if t.rseq.notify {
			t.rseq.eventMask = min(t.rseq.eventMask, eventPreempt) // whichever
		} else {
			t.rseq.eventMask = 0
		}
	}
	if !t.regs.Boundary() {
		return
	}
	p, _ := mem.Load(t.rseq.area+abi.OffRSeqCS, 8)
	if p == 0 {
		return
	}
	s := r.facts.SectionAt(ir.Addr(p))
	switch {
	case s == nil || !s.Sound || t.rseq.sig != m.im.Arch.Signature():
	case !s.Contains(t.regs.IP):
		if r.facts.At(t.regs.IP)&live.CS == 0 { // 5
			mem.Store(none, t.rseq.area+abi.OffRSeqCS, 8, 0)
		}
	case off && m.willAbort(t): // 6
		mem.Store(none, t.rseq.area+abi.OffRSeqCS, 8, 0)
		t.regs.SetIP(s.Abort)
	}
}

// willAbort reports whether a thread without a CPU that is in a sound section
// is aborted when it gets one.
func (m *Machine) willAbort(t *task) bool {
	if t.deliverable() != 0 {
		return false
	}
	if m.k.Notify == NotifyOld {
		return t.rseq.notify && t.rseq.eventMask != 0
	}
	return m.interrupted(t)
}
