package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The rule of Linux 6.19 and later: three facts are noted, sched_switch,
// ids_changed and user_irq, the exit does only the work that they call for,
// and every return to user mode forgets them. Registrations of version 1 (32
// bytes, from 7.0.10) get back what history promised: ids rewritten at every
// switch and signal.

// newUserEntry notes that an interrupt or exception, not a syscall, has taken
// the thread out of user mode. On arm64 it was forgotten until 7.1.
func (m *Machine) newUserEntry(t *task) {
	if m.k.Entry != EntryNone && !m.k.NoUserIRQ {
		t.rseq.userIRQ = true
	}
}

// interrupted reports whether the thread can have been interrupted inside a
// section. Where the entry code doesn't tell (EntryNone) it always can.
func (m *Machine) interrupted(t *task) bool {
	return t.rseq.userIRQ || m.k.Entry == EntryNone
}

// historic reports whether the registration is a version 1, or one to which its
// promise was given.
func (m *Machine) historic(t *task) bool { return m.k.IDsAlways || m.k.Versions && t.rseq.version == 1 }

// newSwitch notes that the thread was switched in, or that another thread's
// membarrier treats it as if.
func (m *Machine) newSwitch(t *task) {
	if t.rseq.area == 0 {
		return
	}
	if m.historic(t) {
		t.rseq.idsChanged = true
	}
	if m.interrupted(t) || t.rseq.idsChanged {
		t.rseq.schedSwitch = true
	}
}

// newForce asks for all the work at the next exit: after registration, and
// after an execve that failed.
func (m *Machine) newForce(t *task) {
	t.rseq.schedSwitch, t.rseq.idsChanged = true, true
}

// newSignal looks at the section before a signal's frame is built, if the
// signal interrupted user code; version 1 always does, and has its ids
// rewritten.
func (m *Machine) newSignal(t *task) {
	if t.rseq.area == 0 || !m.historic(t) && !m.interrupted(t) {
		return
	}
	m.counters.Signal++
	if reason := m.evaluate(t); reason != ReasonNone {
		m.force(t, abi.SIGSEGV, reason)
		return
	}
	if m.historic(t) {
		m.newForce(t)
	}
}

// newWork is the work on the way to user mode, due if sched_switch is set:
//
//   - ids not changed: look at rseq_cs, nothing else
//   - ids changed: version 2, or debug: the four fields must still hold what
//     the kernel wrote last; write them; look at rseq_cs only if the thread was
//     interrupted (or debug)
//
// That is the fast path, which only the generic entry code has. Whatever it fails
// at, a fault or what is fatal, is tried again in the slow path, and is SIGSEGV if
// it fails there too. The slow path makes no difference: whenever it has work it
// writes the ids, changed or not, and before it looks at rseq_cs (booted, 6.19.14:
// a thread that dies of its rseq_cs has the ids back that it had overwritten).
func (m *Machine) newWork(t *task) {
	t.rseq.schedSwitch = false
	if m.k.Entry == EntryGeneric {
		m.counters.FastPath++
		m.fast = true
		failed := m.newUpdate(t)
		m.fast = false
		if failed == ReasonNone {
			return
		}
	}
	m.counters.SlowPath++
	t.rseq.idsChanged = true
	if reason := m.newUpdate(t); reason != ReasonNone {
		m.force(t, abi.SIGSEGV, reason)
	}
}

func (m *Machine) newUpdate(t *task) Reason {
	if !t.rseq.idsChanged && !m.debugUpdatesAll(t) {
		if !m.clearSlice(t) {
			return ReasonAreaFault
		}
		return m.evaluate(t)
	}
	if !t.rseq.idsChanged { // debug: the fast path has looked and faulted
		m.counters.CS++
		m.counters.SlowPath++
	}
	t.rseq.idsChanged = false
	if m.k.Debug || m.k.Versions && t.rseq.version == 2 {
		if reason := m.checkIDs(t); reason != ReasonNone {
			return reason
		}
	}
	if !m.writeIDs(t) || !m.clearSlice(t) {
		return ReasonAreaFault
	}
	if m.interrupted(t) || m.k.Debug {
		return m.evaluate(t)
	}
	if m.k.Entry == EntryGeneric {
		m.loads(FieldRSeqCS, 1) // read in one go with the ids, and not looked at
	}
	return ReasonNone
}

// debugUpdatesAll reports whether debug does all the work although no id has
// changed. Booted: the fast path looks for a descriptor even where rseq_cs is 0,
// faults, and the slow path checks and writes the ids.
func (m *Machine) debugUpdatesAll(t *task) bool {
	p, ok := m.memOf(t).Load(t.rseq.area+abi.OffRSeqCS, 8)
	return m.k.Debug && ok && p == 0
}

// newForget ends the exit: nothing of what was noted outlives it.
func (m *Machine) newForget(t *task) {
	t.rseq.schedSwitch, t.rseq.idsChanged, t.rseq.userIRQ = false, false, false
}

// evaluate looks at rseq_cs with the checks of production, which read no more
// of the descriptor than they need:
//
//  1. rseq_cs is 0: nothing to do; not a user address: fatal
//  2. outside: clear it, without a look at the rest
//  3. inside: abort_ip must be in [4, TASK_SIZE) behind the signature; clear and
//     abort. Version and flags are not looked at.
//
// Debug has checks of its own.
func (m *Machine) evaluate(t *task) Reason {
	mem := m.memOf(t)
	p, ok := mem.Load(t.rseq.area+abi.OffRSeqCS, 8)
	m.loads(FieldRSeqCS, 1)
	switch {
	case !ok:
		return ReasonAreaFault
	case p == 0:
		return ReasonNone
	}
	m.counters.CS++
	if p >= m.taskSize {
		return ReasonCSAddress
	}
	if m.k.Debug {
		return m.debugEvaluate(t, ir.Addr(p))
	}
	m.loads(FieldDescriptor, 3) // start_ip, post_commit_offset, abort_ip
	cs, ok := mem.LoadRSeqCS(ir.Addr(p))
	switch {
	case !ok, !m.reaches(t, ir.Addr(p)+abi.OffCSStartIP, 24):
		return ReasonCSFault
	case !cs.Contains(uint64(t.regs.IP)):
		m.counters.Clear++
		return m.clearCS(t, ir.Addr(p))
	case cs.AbortIP < abi.RSeqSigSize || cs.AbortIP >= m.taskSize:
		return ReasonAbortAddress
	}
	if reason := m.checkSignature(t, cs.AbortIP); reason != ReasonNone {
		return reason
	}
	return m.abort(t, ir.Addr(p), ir.Addr(cs.AbortIP))
}

// debugEvaluate reads the descriptor field by field, so that a thread that is
// outside finds out about as much of it as it takes to see that: start_ip, and
// post_commit_offset if the thread is behind it. One that is inside may only be
// if it was interrupted there.
func (m *Machine) debugEvaluate(t *task, p ir.Addr) Reason {
	mem, ip := m.memOf(t), uint64(t.regs.IP)
	start, ok := mem.Load(p+abi.OffCSStartIP, 8)
	m.loads(FieldDescriptor, 1)
	switch {
	case !ok, !m.reaches(t, p+abi.OffCSStartIP, 8):
		return ReasonCSFault
	case start >= m.taskSize:
		return ReasonRange
	case ip < start:
		m.counters.Clear++
		return m.clearCS(t, p)
	}
	offset, ok := mem.Load(p+abi.OffCSPostCommitOffset, 8)
	m.loads(FieldDescriptor, 1)
	switch end := start + offset; {
	case !ok, !m.reaches(t, p+abi.OffCSPostCommitOffset, 8):
		return ReasonCSFault
	case end >= m.taskSize, end < start:
		return ReasonRange
	case ip >= end:
		m.counters.Clear++
		return m.clearCS(t, p)
	}
	m.loads(FieldDescriptor, 3) // abort_ip, version, flags
	cs, ok := mem.LoadRSeqCS(p)
	switch {
	case !ok, !m.reaches(t, p, abi.RSeqCSSize):
		return ReasonCSFault
	case cs.AbortIP >= m.taskSize:
		return ReasonRange
	case cs.AbortIP < abi.RSeqSigSize:
		return ReasonAbortAddress
	case cs.Contains(cs.AbortIP):
		return ReasonAbortInside
	case cs.Version != 0:
		return ReasonVersion
	case cs.Flags != 0:
		return ReasonFlags
	}
	if reason := m.checkSignature(t, cs.AbortIP); reason != ReasonNone {
		return reason
	}
	if !m.interrupted(t) {
		return ReasonSyscall
	}
	return m.abort(t, p, ir.Addr(cs.AbortIP))
}

// newSyscallExit is rseq_debug='s check: a system call returns outside of any
// section, and a stale rseq_cs is cleared. That it looks isn't counted.
func (m *Machine) newSyscallExit(t *task) {
	looked := m.counters.CS
	if reason := m.evaluate(t); reason != ReasonNone {
		m.force(t, abi.SIGSEGV, reason)
	}
	m.counters.CS = looked
}
