package emu

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// NextAccess appends what the CPU's next [Step] would read and write in memory,
// in order, and returns the trap that the step would end in: TrapNone if it ends
// in user mode, else the step enters the kernel, by a system call or an
// exception. Where the CPU has no step, because no task is on it or the task
// waits in the kernel, there is no access and no trap. It changes nothing.
//
// Of a step without a trap the accesses are all that it reads and writes
// besides registers, but for ll and sc, which see other stores to the eight
// bytes around them ([vcpu.Access]). What the kernel reads and writes, in a
// system call or on its way to user mode, is not among them. Tasks of different
// processes may have different memory at an address: compare [Machine.Memory].
// The step's first instruction is at [Machine.Next] of the task.
func (m *Machine) NextAccess(c CPUID, buf []vcpu.Access) ([]vcpu.Access, vcpu.Trap) {
	id := m.cpus[c].cur
	if id < 0 || m.tasks[id].wait != waitNone {
		return buf, vcpu.Trap{}
	}
	t := &m.tasks[id]
	if t.regs.IP != ir.ReturnIP || t.inCall || t.script < 0 {
		return m.code.Peek(m.memOf(t), int(c), &t.regs, buf)
	}
	regs := m.invoked(t)
	return m.code.Peek(m.memOf(t), int(c), &regs, buf)
}
