package emu

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// upcoming is what a CPU's task would do next.
type upcoming struct {
	vcpu.Effect
	ops     []ir.Op // of the step
	regs    vcpu.Regs
	barrier bool // it needs everything performed, and sees everything
	private bool // it is an access to the thread's own struct rseq
}

// next finds out what a task's next step is.
func (m *Machine) next(c CPUID, t *task) (u upcoming) {
	u.regs = t.regs
	if t.betweenCalls() {
		if m.parked(t) {
			u.barrier = true // it exits
			return u
		}
		next := &m.calls[t.script][t.call]
		copy(u.regs.R[:], next.args)
		u.regs.SetIP(next.entry)
	}
	var trap vcpu.Trap
	u.Effect, trap = m.code.Foresee(m.memOf(t), int(c), u.regs)
	if trap.Kind != vcpu.TrapNone {
		u.barrier = true
		return u
	}
	in := &m.im.Instrs[m.im.Index(u.regs.IP)]
	u.ops = in.Ops[u.regs.Micro:u.To]
	u.Op -= int(u.regs.Micro)
	switch u.Code {
	case ir.Nop:
	case ir.Fence:
		u.barrier = u.Order == ir.FenceFull
	case ir.Xadd, ir.Xchg, ir.Cmpxchg:
		u.barrier = true
	default:
		u.barrier = in.Locked || m.cfg.Memory == TSO && u.Code != ir.Ld && u.Code != ir.St
		u.private = within(u.Addr, u.Width, ir.Addr(t.regs.R[ir.TP]), ir.RSeqSpace)
	}
	return u
}

// betweenCalls reports whether the task's next step begins a call of its
// script, or ends the task.
func (t *task) betweenCalls() bool { return t.regs.IP == ir.ReturnIP && !t.inCall }

// parked reports whether the task has nothing left to do but to exit, which it
// does when its stores are performed.
func (m *Machine) parked(t *task) bool {
	return t.regs.IP == ir.ReturnIP && (t.script < 0 || !t.inCall && int(t.call) == len(m.calls[t.script]))
}
