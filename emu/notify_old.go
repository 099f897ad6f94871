package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The rule of Linux 4.18 to 6.18: events are noted in a mask as they happen,
// and whenever the task is told to (notify, the kernel's TIF_NOTIFY_RESUME), it
// looks at everything on its way to user mode.

// Bits of the event mask.
const (
	eventPreempt uint8 = 1 << iota
	eventSignal
	eventMigrate
)

// oldEvent notes an event, and asks for the work if the thread is registered. An
// event from before the registration stays noted (booted: 5.10, where a section
// that is entered before the thread registers is aborted by it).
func (m *Machine) oldEvent(t *task, event uint8) {
	t.rseq.eventMask |= event
	if t.rseq.area != 0 {
		t.rseq.notify = true
	}
}

// oldSignal looks at the section before a signal's frame is built, so that the
// frame saves the ip after the abort. What was due anyway is still due after it,
// from the handler.
func (m *Machine) oldSignal(t *task) {
	if t.rseq.area != 0 {
		t.rseq.eventMask |= eventSignal
		m.counters.Signal++
		m.oldUpdate(t)
	}
}

// oldWork is what the loop on the way to user mode does when it is told to.
func (m *Machine) oldWork(t *task) {
	m.counters.SlowPath++
	m.oldUpdate(t)
}

// oldUpdate is the work on the way to user mode, for a registered thread:
//
//  1. read rseq_cs and, unless it is 0, the descriptor, and validate all of it,
//     whether the thread is inside or not
//  2. outside: clear rseq_cs and leave the event mask as it is
//  3. inside: the flags decide if a restart is due; clear and abort
//  4. write the ids, always
//
// Whatever fails is SIGSEGV.
func (m *Machine) oldUpdate(t *task) {
	if reason := m.oldFixup(t); reason != ReasonNone {
		m.force(t, abi.SIGSEGV, reason)
		return
	}
	if !m.writeIDs(t) {
		m.force(t, abi.SIGSEGV, ReasonAreaFault)
	}
}

func (m *Machine) oldFixup(t *task) Reason {
	m.counters.CS++
	ptr, cs, reason := m.oldDescriptor(t)
	if reason != ReasonNone {
		return reason
	}
	if ptr == 0 {
		// It is cleared all the same, which is a store that nobody can see.
		m.counters.Clear++
		m.stores(FieldRSeqCS, 1)
		return ReasonNone
	}
	if !cs.Contains(uint64(t.regs.IP)) {
		// The mask keeps its bits: a stale one can abort a later section that
		// was never interrupted, when something else asks for the work.
		if m.k.MaskCleared {
			t.rseq.eventMask = 0
		}
		m.counters.Clear++
		return m.clearCS(t, ptr)
	}
	restart, reason := m.oldRestart(t, &cs)
	if reason != ReasonNone || !restart {
		return reason
	}
	return m.abort(t, ptr, ir.Addr(cs.AbortIP))
}

// oldDescriptor reads and validates the descriptor. ptr is 0 if there is none.
func (m *Machine) oldDescriptor(t *task) (ptr ir.Addr, cs abi.RSeqCS, reason Reason) {
	mem := m.memOf(t)
	p, ok := mem.Load(t.rseq.area+abi.OffRSeqCS, 8)
	m.loads(FieldRSeqCS, 1)
	if !ok {
		return 0, cs, ReasonAreaFault
	}
	if p == 0 {
		return 0, cs, ReasonNone
	}
	if p >= m.taskSize {
		return 0, cs, ReasonCSAddress
	}
	m.loads(FieldDescriptor, 5)
	if cs, ok = mem.LoadRSeqCS(ir.Addr(p)); !ok {
		return 0, cs, ReasonCSFault
	}
	end := cs.StartIP + cs.PostCommitOffset
	switch {
	case cs.Version != 0:
		return 0, cs, ReasonVersion
	case cs.StartIP >= m.taskSize, end >= m.taskSize, cs.AbortIP >= m.taskSize, end < cs.StartIP:
		return 0, cs, ReasonRange
	case cs.Contains(cs.AbortIP):
		return 0, cs, ReasonAbortInside
	}
	return ir.Addr(p), cs, m.checkSignature(t, cs.AbortIP)
}

// oldRestart decides whether an interrupted section restarts, by the flags of
// the descriptor and the area, and empties the event mask.
func (m *Machine) oldRestart(t *task, cs *abi.RSeqCS) (bool, Reason) {
	v, ok := m.memOf(t).Load(t.rseq.area+abi.OffFlags, 4)
	m.loads(FieldFlags, 1)
	if !ok {
		return false, ReasonAreaFault
	}
	flags := cs.Flags | uint32(v)
	masked := uint8(0)
	switch m.k.Flags {
	case FlagsFatal:
		if flags != 0 {
			return false, ReasonFlags
		}
	case FlagsNoRestartFatal:
		if flags&abi.RSeqCSFlagNoRestartMask != 0 {
			return false, ReasonFlags
		}
	case FlagsHonoured:
		// A section that isn't restarted on a signal must not be restarted on
		// the preemption that comes with it either.
		const others = abi.RSeqCSFlagNoRestartOnPreempt | abi.RSeqCSFlagNoRestartOnMigrate
		if flags&abi.RSeqCSFlagNoRestartOnSignal != 0 && flags&others != others {
			return false, ReasonFlags
		}
		masked = uint8(flags & abi.RSeqCSFlagNoRestartMask)
	}
	events := t.rseq.eventMask
	t.rseq.eventMask = 0
	return events&^masked != 0, ReasonNone
}

// oldSyscallExit is CONFIG_DEBUG_RSEQ's check: the descriptor must be valid and
// the thread outside of it whenever a system call returns.
func (m *Machine) oldSyscallExit(t *task) {
	ptr, cs, reason := m.oldDescriptor(t)
	if reason == ReasonNone && ptr != 0 && cs.Contains(uint64(t.regs.IP)) {
		reason = ReasonSyscall
	}
	if reason != ReasonNone {
		m.force(t, abi.SIGSEGV, reason)
	}
}
