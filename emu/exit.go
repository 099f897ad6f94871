package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// exitToUser is the way back to user mode of a task on its CPU:
//
//  1. debug, and proposals: a system call must not return into a section
//  2. a task that may not be on this CPU any more leaves it instead, unless it has
//     a slice
//  3. signals, then the notify rule's work, again while either asks for more
//  4. the new rule forgets what it noted
//
// All that is a full barrier where CPUs have views of memory.
func (m *Machine) exitToUser(t *task) {
	if !t.alive() {
		return
	}
	if m.order != nil {
		m.kernelBarrier(t.cpu)
	}
	if t.inSyscall && m.k.Debug && t.rseq.area != 0 {
		m.debugSyscallExit(t)
	}
	if m.k.SyscallInside != SyscallAllowed && t.inSyscall && !m.k.Debug && t.rseq.area != 0 {
		m.proposedSyscallExit(t)
	}
	if t.affinity&(1<<t.cpu) == 0 && !m.stays(t) {
		m.switchOut(t.cpu, taskRunnable)
		return
	}
	m.counters.Exit++
	before := m.counters.Work()
	for {
		if s := t.deliverable(); s != 0 {
			m.deliver(t, nextSignal(s))
			if !t.alive() {
				return
			}
			continue
		}
		if t.rseq.area == 0 || !m.notifyWork(t) {
			break
		}
	}
	if m.counters.Work() == before {
		m.counters.NoWork++
	}
	m.newForget(t)
	t.inSyscall = false
}

func (m *Machine) debugSyscallExit(t *task) {
	if m.k.Notify == NotifyOld {
		m.oldSyscallExit(t)
	} else {
		m.newSyscallExit(t)
	}
}

// proposedSyscallExit is what proposals want without debug mode: a system call that
// returns into a section kills. What else may be wrong with the descriptor is found
// out when something else looks at it.
func (m *Machine) proposedSyscallExit(t *task) {
	if m.k.SyscallInside == SyscallKillsV2 && t.rseq.version != 2 {
		return
	}
	mem := m.memOf(t)
	p, ok := mem.Load(t.rseq.area+abi.OffRSeqCS, 8)
	if !ok || p == 0 || p >= m.taskSize {
		return
	}
	if cs, ok := mem.LoadRSeqCS(ir.Addr(p)); ok && cs.Contains(uint64(t.regs.IP)) {
		m.force(t, abi.SIGSEGV, ReasonSyscall)
	}
}

// notifyWork does what the notify rule has left to do and reports whether
// there was any.
func (m *Machine) notifyWork(t *task) bool {
	switch {
	case m.k.Notify == NotifyOld && t.rseq.notify:
		t.rseq.notify = false
		m.oldWork(t)
	case m.k.Notify == NotifyNew && t.rseq.schedSwitch:
		m.newWork(t)
	default:
		return false
	}
	return true
}

// force sends the task a signal that it can't refuse: one that is blocked, or
// SIGSEGV while SIGSEGV is being delivered, kills.
func (m *Machine) force(t *task, s abi.Signal, reason Reason) {
	m.emit(EvFatal, t.cpu, t, uint64(s), uint64(reason))
	p := &m.procs[t.proc]
	if t.blocked&sigBit(s) != 0 || p.handlers[s] == sigIgnore {
		p.handlers[s] = sigDefault
	}
	t.blocked &^= sigBit(s)
	t.pending |= sigBit(s)
	t.reason = reason
}
