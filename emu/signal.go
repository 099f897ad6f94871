package emu

import (
	"math/bits"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The signal frame, at the stack pointer while a handler runs: what a handler
// can read and change, and what rt_sigreturn restores. The layout is the
// machine's own, as every architecture has one; the order of events isn't.
const (
	FrameRegs  = 0 // r0..r31
	FrameIP    = FrameRegs + 8*32
	FrameFlags = FrameIP + 8    // N Z C V in the low bits
	FrameMask  = FrameFlags + 8 // the signals that were blocked
	FrameSigno = FrameMask + 8
	FrameSize  = FrameSigno + 8 // 288 bytes
)

// Sets of signals.
const (
	// What a thread's own instruction, or a rule that it broke, brings on.
	synchronous uint64 = 1<<abi.SIGSEGV | 1<<abi.SIGBUS | 1<<abi.SIGILL | 1<<abi.SIGTRAP | 1<<abi.SIGFPE | 1<<abi.SIGSYS
	// What nothing can block.
	unblockable uint64 = 1<<abi.SIGKILL | 1<<abi.SIGSTOP
	// What does nothing without a handler. Stopping isn't built in: a thread is
	// continued as soon as it stops.
	harmless uint64 = 1<<abi.SIGCHLD | 1<<abi.SIGCONT | 1<<abi.SIGURG | 1<<abi.SIGWINCH |
		1<<abi.SIGSTOP | 1<<abi.SIGTSTP | 1<<abi.SIGTTIN | 1<<abi.SIGTTOU

	allSignals uint64 = 1<<32 - 1
)

// nextSignal is the one of a set that is delivered first: a synchronous one,
// else the lowest.
func nextSignal(s uint64) abi.Signal {
	if first := s & synchronous; first != 0 {
		s = first
	}
	return abi.Signal(bits.TrailingZeros64(s))
}

// ignored reports whether the signal would do nothing to the process.
func (p *process) ignored(s abi.Signal) bool {
	return p.handlers[s] == sigIgnore || p.handlers[s] == sigDefault && harmless&sigBit(s) != 0
}

// deliver delivers a pending signal to a task on its way to user mode:
//
//  1. a tracer is told, unless it was the one who sent it
//  2. the default action, if there is no handler
//  3. the notify rule looks at the interrupted section, so that the frame
//     holds the ip after an abort
//  4. the frame goes on the stack; no room is SIGSEGV
//  5. the handler is entered with r0 = signal, r1 = frame, r30 = the restorer
func (m *Machine) deliver(t *task, s abi.Signal) {
	given := t.pending&(sigBit(s)<<32) != 0
	t.pending &^= sigBit(s) | sigBit(s)<<32
	p := &m.procs[t.proc]
	h := p.handlers[s]
	switch {
	case p.ignored(s):
		return
	case m.cfg.Traced && !given:
		m.tracerStop(t)
	}
	if h == sigDefault {
		e := Exit{Signal: s, Reason: t.reason, Task: m.id(t), IP: t.regs.IP, Addr: t.reasonAt}
		if t.reason == ReasonNone {
			e.Reason = ReasonSent
		}
		m.exitProcess(t.proc, e)
		return
	}
	t.reason, t.reasonAt = ReasonNone, 0
	m.signalWork(t)
	if t.deliverable()&sigBit(abi.SIGSEGV) != 0 && t.reason != ReasonNone {
		// The frame is built all the same, and the handler entered. SIGSEGV
		// strikes there, unless it is SIGSEGV's own handler: that blocks it, and
		// it kills when the handler returns.
		m.failedDelivery(t, s)
	}
	frame := ir.Addr(t.regs.R[ir.SP]-FrameSize) &^ 15
	if !m.pushFrame(t, frame, s) {
		m.force(t, abi.SIGSEGV, ReasonFrame)
		m.failedDelivery(t, s)
		return
	}
	m.emit(EvSignal, t.cpu, t, uint64(s), uint64(h))
	t.blocked |= sigBit(s)
	t.regs.R[ir.R0], t.regs.R[ir.R1] = uint64(s), uint64(frame)
	t.regs.R[ir.SP], t.regs.R[ir.LR] = uint64(frame), uint64(m.im.Restorer)
	t.regs.SetIP(ir.Addr(h))
}

// signalWork is what the notify rule does before a signal's frame is built.
func (m *Machine) signalWork(t *task) {
	if m.k.Notify == NotifyOld {
		m.oldSignal(t)
	} else {
		m.newSignal(t)
	}
}

// failedDelivery: SIGSEGV that strikes while SIGSEGV is delivered is final.
func (m *Machine) failedDelivery(t *task, s abi.Signal) {
	if s == abi.SIGSEGV {
		m.procs[t.proc].handlers[s] = sigDefault
	}
}

// tracerStop is a thread that stops for its tracer and goes on on the same CPU.
func (m *Machine) tracerStop(t *task) {
	if m.k.Notify == NotifyOld {
		m.oldEvent(t, eventPreempt)
	} else {
		m.newSwitch(t)
	}
}

func (m *Machine) pushFrame(t *task, frame ir.Addr, s abi.Signal) bool {
	mem, c := m.memOf(t), int(t.cpu)
	for i := range 32 {
		if !mem.Store(c, frame+FrameRegs+ir.Addr(8*i), 8, t.regs.R[i]) {
			return false
		}
	}
	return mem.Store(c, frame+FrameIP, 8, uint64(t.regs.IP)) &&
		mem.Store(c, frame+FrameFlags, 8, uint64(t.regs.Flags)) &&
		mem.Store(c, frame+FrameMask, 8, t.blocked) &&
		mem.Store(c, frame+FrameSigno, 8, uint64(s))
}

// sigreturn restores what the frame holds. The handler may have changed it;
// the kernel doesn't care. It zeroes the frame, which is dead, so that runs that
// differ only in it meet again.
func (m *Machine) sigreturn(t *task) {
	mem, c := m.memOf(t), int(t.cpu)
	frame := ir.Addr(t.regs.R[ir.SP])
	var b [FrameSize]byte
	if !mem.ReadBytes(frame, b[:]) {
		m.force(t, abi.SIGSEGV, ReasonFrame)
		return
	}
	word := func(off ir.Addr) uint64 {
		v, _ := mem.Load(frame+off, 8)
		return v
	}
	for i := range 32 {
		t.regs.R[i] = word(FrameRegs + ir.Addr(8*i))
	}
	t.regs.SetIP(ir.Addr(word(FrameIP)))
	t.regs.Flags = uint8(word(FrameFlags)) & 15
	t.blocked = word(FrameMask) & allSignals &^ unblockable
	m.emit(EvSigreturn, t.cpu, t, word(FrameSigno), 0)
	clear(b[:])
	mem.WriteBytes(c, frame, b[:])
}

// post makes a signal pending, unless it is ignored, and wakes a task that it
// interrupts.
func (m *Machine) post(t *task, s abi.Signal) {
	if t.blocked&sigBit(s) == 0 && m.procs[t.proc].ignored(s) {
		return
	}
	t.pending |= sigBit(s)
	if t.state == taskBlocked && t.deliverable() != 0 {
		switch t.wait {
		case waitSleep, waitPause, waitFutex:
			t.regs.R[ir.R0] = abi.EINTR.Ret()
			m.wake(t)
		}
	}
}

// sendNow is a signal from outside: a running task is interrupted at once.
func (m *Machine) sendNow(t *task, s abi.Signal) {
	m.post(t, s)
	if m.cfg.Traced {
		t.pending |= t.pending & sigBit(s) << 32
	}
	if t.state == taskRunning {
		m.exitToUser(m.interrupt(t.cpu))
	}
}

// send is a signal from a task on CPU c: another CPU hears of it by an
// interrupt that takes its time.
func (m *Machine) send(c CPUID, t *task, s abi.Signal) {
	m.post(t, s)
	if t.state == taskRunning && t.cpu != c {
		m.cpus[t.cpu].ipi |= ipiKick
	}
}

func (m *Machine) sysTgkill(c CPUID, tgid, n int64, sig uint64) abi.Errno {
	var t *task
	if n > 0 {
		t = m.taskByTID(nil, n)
	}
	switch {
	case n <= 0 || sig >= 32:
		return abi.EINVAL
	case t == nil, tgid != -1 && tgid != int64(pid(t.proc)):
		return abi.ESRCH
	case sig == 0:
		return 0
	}
	m.send(c, t, abi.Signal(sig))
	return 0
}

func (m *Machine) sysKill(c CPUID, n int64, sig uint64) abi.Errno {
	if sig >= 32 {
		return abi.EINVAL
	}
	for i := range m.tasks {
		if t := &m.tasks[i]; t.alive() && int64(pid(t.proc)) == n {
			if sig != 0 {
				m.send(c, t, abi.Signal(sig))
			}
			return 0
		}
	}
	return abi.ESRCH
}

// sysSigaction is rt_sigaction with a handler's address, 0 or 1 instead of a
// structure: r0 = signal, r1 = handler.
func (m *Machine) sysSigaction(t *task, a [6]uint64) abi.Errno {
	s := a[0]
	if s == 0 || s >= 32 || s == uint64(abi.SIGKILL) || s == uint64(abi.SIGSTOP) || a[1] > 1<<32-1 {
		return abi.EINVAL
	}
	if a[1] > sigIgnore && m.im.Restorer == 0 {
		return abi.EINVAL
	}
	m.procs[t.proc].handlers[s] = uint32(a[1])
	return 0
}

// sysSigprocmask is rt_sigprocmask with the mask itself: r0 = how, r1 = mask with
// bit n for signal n.
func (m *Machine) sysSigprocmask(t *task, a [6]uint64) abi.Errno {
	const block, unblock, set = 0, 1, 2
	mask := a[1] & allSignals &^ unblockable
	switch a[0] {
	case block:
		t.blocked |= mask
	case unblock:
		t.blocked &^= mask
	case set:
		t.blocked = mask
	default:
		return abi.EINVAL
	}
	return 0
}
