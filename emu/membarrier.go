package emu

import "github.com/rseqemu/rseqemu/abi"

// sysMembarrier is membarrier(2), as far as restartable sequences go. The
// caller waits on its CPU until every other CPU that runs a thread of its memory
// has taken an interrupt; its own thread is left alone. The other commands order
// memory only: where accesses take effect in order (SC) they are immediate.
func (m *Machine) sysMembarrier(c CPUID, t *task, cmd int32, flags uint32, cpuID int32) (uint64, waitKind) {
	space := &m.mms[m.procs[t.proc].mm]
	const immediate = abi.MembarrierGlobal | abi.MembarrierGlobalExpedited | abi.MembarrierRegisterGlobalExpedited |
		abi.MembarrierPrivateExpedited | abi.MembarrierRegisterPrivateExpedited
	supported := uint64(immediate)
	if m.k.MembarrierRSeq {
		supported |= abi.MembarrierPrivateExpeditedRSeq | abi.MembarrierRegisterPrivateExpeditedRSeq
	}
	if flags != 0 && (cmd != abi.MembarrierPrivateExpeditedRSeq || flags != abi.MembarrierCmdFlagCPU) {
		return abi.EINVAL.Ret(), waitNone
	}
	switch {
	case cmd == abi.MembarrierQuery:
		return supported, waitNone
	case cmd < 0 || uint64(cmd)&supported == 0 || cmd&(cmd-1) != 0:
		return abi.EINVAL.Ret(), waitNone
	case cmd == abi.MembarrierRegisterPrivateExpeditedRSeq:
		space.membarrier = true
		return 0, waitNone
	case cmd == abi.MembarrierPrivateExpedited && m.order != nil:
		return m.orderMemory(c, t, true)
	case (cmd == abi.MembarrierGlobal || cmd == abi.MembarrierGlobalExpedited) && m.order != nil:
		return m.orderMemory(c, t, false)
	case cmd != abi.MembarrierPrivateExpeditedRSeq:
		return 0, waitNone
	case !space.membarrier:
		return abi.EPERM.Ret(), waitNone
	}
	if flags == 0 || cpuID < 0 {
		cpuID = none
	} else if int(cpuID) >= len(m.cpus) {
		return 0, waitNone
	}
	return m.fence(c, t, CPUID(cpuID))
}

// fence sends the interrupts, to one CPU or all. A caller that asks for its own
// CPU by number gets what it asked for; else it is left alone.
func (m *Machine) fence(c CPUID, t *task, only CPUID) (uint64, waitKind) {
	if only == c {
		if m.mms[m.procs[t.proc].mm].users > 1 && m.online() > 1 {
			m.rseqIPI(t)
		}
		return 0, waitNone
	}
	if m.k.MembarrierSelf && only < 0 {
		m.rseqIPI(t)
	}
	t.fences = 0
	for i := range m.cpus {
		cpu := &m.cpus[i]
		if CPUID(i) == c || only >= 0 && CPUID(i) != only || cpu.cur < 0 {
			continue
		}
		if m.procs[m.tasks[cpu.cur].proc].mm == m.procs[t.proc].mm {
			cpu.ipi |= ipiRSeq
			t.fences |= 1 << i
		}
	}
	if t.fences == 0 {
		return 0, waitNone
	}
	return 0, waitFences
}

// orderMemory has every other CPU that runs a thread, or a thread of the caller's
// memory (private), take an interrupt that is a barrier and nothing else.
func (m *Machine) orderMemory(c CPUID, t *task, private bool) (uint64, waitKind) {
	t.fences = 0
	for i := range m.cpus {
		cpu := &m.cpus[i]
		if CPUID(i) == c || cpu.cur < 0 || private && m.procs[m.tasks[cpu.cur].proc].mm != m.procs[t.proc].mm {
			continue
		}
		cpu.ipi |= ipiBarrier
		t.fences |= 1 << i
	}
	if t.fences == 0 {
		return 0, waitNone
	}
	return 0, waitFences
}

// rseqIPI treats the task that the interrupt found as preempted. One that isn't
// registered gets nothing but the memory barrier.
func (m *Machine) rseqIPI(t *task) {
	if m.k.Notify == NotifyOld {
		m.oldEvent(t, eventPreempt)
	} else {
		m.newSwitch(t)
	}
}

// acknowledge tells every waiting membarrier that CPU c has taken its
// interrupt; the last acknowledgement lets the caller return.
func (m *Machine) acknowledge(c CPUID, why uint8) {
	if why&(ipiRSeq|ipiBarrier) == 0 {
		return
	}
	for i := range m.tasks {
		t := &m.tasks[i]
		if t.wait != waitFences || t.fences&(1<<c) == 0 {
			continue
		}
		if t.fences &^= 1 << c; t.fences == 0 {
			t.wait = waitNone
			m.exitToUser(t)
		}
	}
}
