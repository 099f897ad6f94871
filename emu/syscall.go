package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// System calls: the arguments are in r0..r5, the result in r0, -errno for an
// error. A number in r8 is the architecture's.

// syscall runs a system call of the CPU's task and returns to user mode, unless
// the call blocks, waits or ends the task.
func (m *Machine) syscall(c CPUID, t *task, nr int64) {
	sys := abi.Syscall(nr)
	if nr == ir.SyscallInR8 {
		sys, _ = m.k.Arch.Syscall(int(int32(t.regs.R[ir.SysReg])))
	}
	m.memOf(t).Unreserve(int(c))
	m.emit(EvSyscall, c, t, uint64(sys), 0)
	t.inSyscall = true
	if !m.giveUp(c, t, sys) {
		m.serve(c, t, sys)
	}
}

// serve does what a system call is for.
func (m *Machine) serve(c CPUID, t *task, sys abi.Syscall) {
	id := m.id(t)
	a := [6]uint64(t.regs.R[:6])
	switch sys {
	case abi.SysRtSigreturn:
		m.sigreturn(t)
		m.exitToUser(t)
		return
	case abi.SysExit:
		m.exitTask(t, uint8(a[0]))
		return
	case abi.SysExitGroup:
		m.exitProcess(t.proc, Exit{Code: uint8(a[0]), Task: id, IP: t.regs.IP})
		return
	case abi.SysExecve:
		if m.exec(t, ir.Addr(a[0])) {
			m.exitToUser(t)
			return
		}
	}
	ret, block := m.call(c, t, sys, a)
	if _, failed := abi.ErrnoOf(ret); m.cfg.Traced && (sys == abi.SysFork || sys == abi.SysClone) && !failed {
		block = waitYield // its tracer hears of the child first
	}
	t.regs.R[ir.R0] = ret
	if block == waitNone || block == waitYield {
		m.emit(EvSysret, c, t, ret, uint64(sys))
	}
	switch {
	case block == waitFences:
		t.wait = waitFences
	case block == waitYield:
		m.switchOut(c, taskRunnable)
	case block != waitNone && t.deliverable() != 0 && block != waitVfork:
		// A signal that is pending already ends the wait before it begins.
		t.regs.R[ir.R0] = abi.EINTR.Ret()
		m.exitToUser(t)
	case block != waitNone:
		t.wait = block
		m.switchOut(c, taskBlocked)
	default:
		m.exitToUser(t)
	}
}

// waitYield is call's answer for a task that stays runnable.
const waitYield = waitKind(255)

// call computes the result of a system call, and what the task waits for before
// it has it.
func (m *Machine) call(c CPUID, t *task, sys abi.Syscall, a [6]uint64) (ret uint64, block waitKind) {
	var errno abi.Errno
	switch sys {
	case abi.SysRSeq:
		errno = m.sysRSeq(t, ir.Addr(a[0]), uint32(a[1]), uint32(a[2]), uint32(a[3]))
	case abi.SysMembarrier:
		return m.sysMembarrier(c, t, int32(a[0]), uint32(a[1]), int32(a[2]))
	case abi.SysPrctl:
		return m.sysPrctl(t, a), waitNone
	case abi.SysRSeqSliceYield:
		return m.sysSliceYield(t), waitNone
	case abi.SysSchedYield:
		if m.Contended(c) {
			return 0, waitYield
		}
	case abi.SysSchedSetaffinity:
		errno = m.sysSetaffinity(t, a)
	case abi.SysSchedGetaffinity:
		return m.sysGetaffinity(t, a), waitNone
	case abi.SysGetCPU:
		errno = m.sysGetCPU(t, a)
	case abi.SysGetpid:
		return uint64(pid(t.proc)), waitNone
	case abi.SysGettid:
		return uint64(tid(m.id(t))), waitNone
	case abi.SysNanosleep:
		return 0, waitSleep
	case abi.SysPause:
		return abi.EINTR.Ret(), waitPause
	case abi.SysClone:
		return m.clone(t, a[0], a[1], a[3])
	case abi.SysFork:
		return m.clone(t, 0, 0, 0)
	case abi.SysVfork:
		return m.clone(t, abi.CloneVM|abi.CloneVfork, 0, 0)
	case abi.SysExecve:
		errno = m.execFails(t, ir.Addr(a[0])) // exec has returned
	case abi.SysTgkill:
		errno = m.sysTgkill(c, int64(a[0]), int64(a[1]), a[2])
	case abi.SysKill:
		errno = m.sysKill(c, int64(a[0]), a[1])
	case abi.SysRtSigaction:
		errno = m.sysSigaction(t, a)
	case abi.SysRtSigprocmask:
		errno = m.sysSigprocmask(t, a)
	case abi.SysFutex:
		return m.sysFutex(t, ir.Addr(a[0]), a[1], uint32(a[2]))
	default:
		errno = abi.ENOSYS
	}
	if errno != 0 {
		return errno.Ret(), waitNone
	}
	return 0, waitNone
}

// Contended reports whether another task waits for this CPU, so that a yield
// switches; on a CPU with nobody waiting it doesn't.
func (m *Machine) Contended(c CPUID) bool {
	for i := range m.tasks {
		if t := &m.tasks[i]; t.state == taskRunnable && m.cpus[c].online && t.affinity&(1<<c) != 0 &&
			(t.cpu == c || t.cpu < 0 || m.budget.has(Migrations)) {
			return true
		}
	}
	return false
}

// The numbers that user space sees: never 0, and the first thread's is its
// process's.
func tid(t TaskID) int32 { return 1000 + int32(t) }
func pid(p int8) int32   { return 1000 + int32(p)*MaxTasks }

// taskByTID finds a live task; 0 is the caller.
func (m *Machine) taskByTID(self *task, n int64) *task {
	if n == 0 {
		return self
	}
	if i := n - 1000; i >= 0 && i < int64(len(m.tasks)) && m.tasks[i].alive() {
		return &m.tasks[i]
	}
	return nil
}

func (m *Machine) sysSetaffinity(self *task, a [6]uint64) abi.Errno {
	t := m.taskByTID(self, int64(a[0]))
	if t == nil {
		return abi.ESRCH
	}
	if a[1] < 8 {
		return abi.EINVAL
	}
	mask, ok := m.memOf(self).Load(ir.Addr(a[2]), 8)
	if !ok {
		return abi.EFAULT
	}
	return m.setAffinity(t, mask)
}

func (m *Machine) sysGetaffinity(self *task, a [6]uint64) uint64 {
	t := m.taskByTID(self, int64(a[0]))
	switch {
	case t == nil:
		return abi.ESRCH.Ret()
	case a[1] < 8:
		return abi.EINVAL.Ret()
	case !m.memOf(self).Store(int(self.cpu), ir.Addr(a[2]), 8, t.affinity):
		return abi.EFAULT.Ret()
	}
	return 8
}

func (m *Machine) sysGetCPU(t *task, a [6]uint64) abi.Errno {
	mem, c := m.memOf(t), int(t.cpu)
	if a[0] != 0 && !mem.Store(c, ir.Addr(a[0]), 4, uint64(t.cpu)) ||
		a[1] != 0 && !mem.Store(c, ir.Addr(a[1]), 4, uint64(m.NodeOf(t.cpu))) {
		return abi.EFAULT
	}
	return 0
}

// sysFutex knows wait and wake, without timeouts.
func (m *Machine) sysFutex(t *task, a ir.Addr, op uint64, val uint32) (uint64, waitKind) {
	const wait, wake, private = 0, 1, 128
	if a&3 != 0 {
		return abi.EINVAL.Ret(), waitNone
	}
	switch op &^ private {
	case wait:
		v, ok := m.memOf(t).Load(a, 4)
		switch {
		case !ok:
			return abi.EFAULT.Ret(), waitNone
		case uint32(v) != val:
			return abi.EAGAIN.Ret(), waitNone
		}
		t.waitAddr = a
		return 0, waitFutex
	case wake:
		n := uint32(0)
		for i := range m.tasks {
			w := &m.tasks[i]
			if n < val && w.state == taskBlocked && w.wait == waitFutex && w.waitAddr == a &&
				m.procs[w.proc].mm == m.procs[t.proc].mm {
				m.wake(w)
				n++
			}
		}
		return uint64(n), waitNone
	}
	return abi.ENOSYS.Ret(), waitNone
}
