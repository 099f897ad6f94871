package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Time slice extensions (7.0, CONFIG_RSEQ_SLICE_EXTENSION). A thread that holds a
// lock asks not to be preempted just now, by a byte in its area, and a reschedule
// that finds it in user mode is put off for some microseconds:
//
//	asks      it stores 1 in slice_ctrl.request
//	granted   the reschedule that would have preempted it is dropped; request 0,
//	          granted 1, and a timer runs
//	gives up  rseq_slice_yield gives the CPU up and returns 1; any other system call
//	          gives it up as well, before it does what it is for
//	expires   the timer takes the CPU away
//	revoked   a second reschedule, a switch for another reason or a membarrier ends it
//
// What is dropped is dropped: a grant that a membarrier ends has no reschedule
// behind it any more, and the thread goes on until the next one. That is how the
// kernel's source reads; it comes too rarely to be recorded.
//
// The time is a choice, [SliceTimer], which can come at any point in a grant, and
// need not. A real one comes after 5 to 50 µs, on its way to user mode already if
// that takes longer: such a grant is revoked without a word of its having expired.
// Here that is a timer that comes at once. A CPU that is unplugged takes its thread
// off at once, too.

// Slices says whether the kernel has time slice extensions.
type Slices uint8

// The ways. They are built in with CONFIG_RSEQ_SLICE_EXTENSION, and then on unless
// the command line has rseq_slice_ext=0.
const (
	SlicesNone Slices = iota
	SlicesOff
	SlicesOn
)

func (s Slices) String() string { return [...]string{"none", "off", "on"}[s] }

// Preemption is when a kernel reschedules, as far as a slice can tell: the way back
// to user mode, where grants are made, is the same in all of them, and so is the
// entry of a system call, which gives the CPU up at once in each. PREEMPT_RT only
// puts off what is lazy, which is what the scheduler does for the sake of fairness:
// for a real-time thread, or one that stops the CPU to migrate the thread, nobody
// waits.
type Preemption uint8

// The models.
const (
	PreemptLazy Preemption = iota
	PreemptFull
	PreemptVoluntary
	PreemptNone
	PreemptRT
	numPreemptions
)

var preemptionNames = [numPreemptions]string{"lazy", "full", "voluntary", "none", "rt"}

func (p Preemption) String() string { return preemptionNames[p] }

// slices are a thread's bits.
const (
	sliceEnabled uint8 = 1 << iota // by prctl, or at registration
	sliceGranted                   // it has a slice
	sliceYielded                   // what rseq_slice_yield will return
	sliceWatched                   // it had one: the next system call is looked at
)

// reschedule is an interrupt after which somebody else is to have the CPU. Urgent
// is what PREEMPT_RT doesn't put off.
func (m *Machine) reschedule(c CPUID, urgent bool) {
	t := m.interrupt(c)
	if m.k.Slices == SlicesOn && m.grant(t, urgent) {
		m.exitToUser(t)
		return
	}
	m.switchOut(c, taskRunnable)
}

// grant is the reschedule of a thread on its way to user mode, and reports whether
// it is put off:
//
//  1. only for one that has slices enabled and was interrupted in user mode
//  2. not if there is other work on the way, nor for one that has a slice already:
//     that one is revoked, and in both cases the request is gone
//  3. if it asks: granted
func (m *Machine) grant(t *task, urgent bool) bool {
	r := &t.rseq
	if r.slice&sliceGranted == 0 && (r.slice&sliceEnabled == 0 || !r.userIRQ) { // 1
		return false
	}
	if m.order != nil {
		m.kernelBarrier(t.cpu)
	}
	mem, at := m.memOf(t), r.area+abi.OffSliceCtrl
	if r.slice&sliceGranted != 0 || t.deliverable() != 0 || r.schedSwitch || urgent && m.k.Preemption == PreemptRT { // 2
		if !mem.Store(int(t.cpu), at, 4, 0) {
			m.force(t, abi.SIGSEGV, ReasonAreaFault)
		}
		m.revoke(t)
		return false
	}
	request, ok := mem.Load(r.area+abi.OffSliceRequest, 1)
	if ok && request == 0 {
		return false
	}
	ok = ok && mem.Store(int(t.cpu), r.area+abi.OffSliceRequest, 1, 0) && mem.Store(int(t.cpu), r.area+abi.OffSliceGranted, 1, 1) // 3
	if !ok {
		m.force(t, abi.SIGSEGV, ReasonAreaFault)
		return false
	}
	m.counters.SliceGranted++
	r.slice |= sliceGranted | sliceWatched
	m.emit(EvGrant, t.cpu, t, 0, 0)
	return true
}

// revoke takes a slice away, if there is one.
func (m *Machine) revoke(t *task) {
	if t.rseq.slice&sliceGranted != 0 {
		m.counters.SliceRevoked++
		t.rseq.slice &^= sliceGranted
		m.emit(EvRevoke, t.cpu, t, 0, 0)
	}
}

// clearSlice is what the notify rule's work does to a slice: a thread that has been
// switched, or was treated as if, has none. It reports whether the area could be
// written.
func (m *Machine) clearSlice(t *task) bool {
	if m.k.Slices != SlicesOn {
		return true
	}
	ok := t.rseq.version != 2 || m.memOf(t).Store(int(t.cpu), t.rseq.area+abi.OffSliceCtrl, 4, 0)
	m.revoke(t)
	return ok
}

// expire is the timer of a slice: a reschedule, and the second one, so that it
// isn't put off.
func (m *Machine) expire(c CPUID) {
	t := &m.tasks[m.cpus[c].cur]
	m.counters.SliceExpired++
	m.emit(EvExpire, c, t, 0, 0)
	m.reschedule(c, true)
}

// stays reports whether a thread goes on on a CPU that it may not have any more: in
// a slice, since what would move it was put off.
func (m *Machine) stays(t *task) bool {
	if m.k.Slices != SlicesOn || !t.alive() {
		return false
	}
	if t.rseq.slice&sliceGranted != 0 {
		return true
	}
	if !m.grant(t, true) {
		return false
	}
	m.cpus[t.cpu].ipi &^= ipiResched // the same
	return true
}

// giveUp is the entry of a system call of a thread that has a slice, or had one: it
// gives the CPU up to whom it was kept from, and makes the call when it is back. It
// reports whether it has.
func (m *Machine) giveUp(c CPUID, t *task, sys abi.Syscall) bool {
	r := &t.rseq
	if r.slice&sliceWatched == 0 {
		return false
	}
	r.slice &^= sliceWatched
	granted := r.slice&sliceGranted != 0
	if m.k.Debug && !m.intact(t, granted) {
		m.force(t, abi.SIGSEGV, ReasonSliceCtrl)
	}
	if !granted {
		return false
	}
	yields := uint64(0)
	if sys == abi.SysRSeqSliceYield {
		m.counters.SliceYielded++
		r.slice |= sliceYielded
		yields = 1
	} else {
		m.counters.SliceAborted++
	}
	m.emit(EvGiveUp, c, t, yields, 0)
	t.entering = 1 + uint8(sys)
	m.switchOut(c, taskRunnable)
	return true
}

// enter goes on with the system call that a thread gave its CPU up for, when it is
// back.
func (m *Machine) enter(c CPUID, t *task) {
	sys := abi.Syscall(t.entering - 1)
	t.entering = 0
	t.rseq.slice &^= sliceGranted
	if !m.memOf(t).Store(int(c), t.rseq.area+abi.OffSliceCtrl, 4, 0) {
		m.force(t, abi.SIGSEGV, ReasonAreaFault)
	}
	m.serve(c, t, sys)
}

// intact reports whether slice_ctrl is as the kernel left it: nothing asked for or
// written beside it.
func (m *Machine) intact(t *task, granted bool) bool {
	mem, want := m.memOf(t), uint64(0)
	if granted {
		want = 1
	}
	for _, f := range [...]struct {
		off  ir.Addr
		w    ir.Width
		want uint64
	}{{abi.OffSliceRequest, 1, 0}, {abi.OffSliceGranted, 1, want}, {abi.OffSliceReserved, 2, 0}} {
		if v, ok := mem.Load(t.rseq.area+f.off, f.w); !ok || v != f.want {
			return false
		}
	}
	return true
}

// sliceFlags are the bits of rseq.flags that tell a version 2 of slices.
func (m *Machine) sliceFlags(version int, flags uint32) uint32 {
	switch {
	case m.k.Slices != SlicesOn || version != 2:
		return 0
	case flags&abi.RSeqFlagSliceExtDefaultOn != 0:
		return abi.RSeqCSFlagSliceExtAvailable | abi.RSeqCSFlagSliceExtEnabled
	}
	return abi.RSeqCSFlagSliceExtAvailable
}

// sysSliceYield returns whether the thread gave its slice up just now. That was
// done on the way in.
func (m *Machine) sysSliceYield(t *task) uint64 {
	if m.k.Slices == SlicesNone {
		return abi.ENOSYS.Ret()
	}
	yielded := t.rseq.slice&sliceYielded != 0
	t.rseq.slice &^= sliceYielded
	return uint64(bit(yielded))
}

// sysPrctl knows PR_RSEQ_SLICE_EXTENSION. Where slices aren't built in it looks at
// nothing but the arguments that it has no use for.
func (m *Machine) sysPrctl(t *task, a [6]uint64) uint64 {
	switch {
	case a[0] != abi.PrctlRSeqSliceExtension || !m.k.SliceSyscall || a[3] != 0 || a[4] != 0:
		return abi.EINVAL.Ret()
	case m.k.Slices == SlicesNone:
		return abi.ENOTSUPP.Ret()
	case a[1] == abi.PrctlRSeqSliceExtensionGet && a[2] == 0:
		return uint64(t.rseq.slice & sliceEnabled)
	case a[1] == abi.PrctlRSeqSliceExtensionSet && a[2]&^abi.PrctlRSeqSliceExtEnable == 0:
		if errno := m.enableSlices(t, a[2] != 0); errno != 0 {
			return errno.Ret()
		}
		return 0
	}
	return abi.EINVAL.Ret()
}

// enableSlices turns them on or off for a thread. The bits in rseq.flags are the
// kernel's: one that is gone is fatal, but only if there is something to change.
func (m *Machine) enableSlices(t *task, on bool) abi.Errno {
	r := &t.rseq
	switch {
	case m.k.Slices != SlicesOn:
		return abi.ENOTSUPP
	case r.area == 0:
		return abi.ENXIO
	case r.version != 2:
		return abi.ENOTSUPP
	case on == (r.slice&sliceEnabled != 0):
		return 0
	}
	const available, enabled = abi.RSeqCSFlagSliceExtAvailable, abi.RSeqCSFlagSliceExtEnabled
	mem, at := m.memOf(t), r.area+abi.OffFlags
	must, reason := uint64(available), ReasonAreaFault
	if !on {
		must |= enabled
	}
	flags, ok := mem.Load(at, 4)
	if ok && flags&must != must {
		ok, reason = false, ReasonSliceFlags
	}
	flags = flags&^enabled | available
	if on {
		flags |= enabled
	}
	if !ok || !mem.Store(int(t.cpu), at, 4, flags) {
		m.force(t, abi.SIGSEGV, reason)
		return abi.EFAULT
	}
	r.slice ^= sliceEnabled
	return 0
}

// Trap has the CPU's thread stop for its tracer, as at a breakpoint: an exception
// after which it is off its CPU until [Machine.Do] runs it again. It is a preemption
// in all but one thing: nobody wants the CPU, so that no slice is granted. The
// error is that there is nobody to stop.
func (m *Machine) Trap(c CPUID) error {
	if cur := m.cpus[c].cur; cur < 0 || !m.interruptible(&m.tasks[cur]) {
		return m.NotEnabled(PreemptOn(c))
	}
	m.interrupt(c)
	m.switchOut(c, taskRunnable)
	if m.order != nil {
		m.forget()
	}
	return nil
}

// Slice reports whether a task has a slice, and whether it may ask for one.
func (m *Machine) Slice(id TaskID) (granted, enabled bool) {
	s := m.tasks[id].rseq.slice
	return s&sliceGranted != 0, s&sliceEnabled != 0
}

// sliceChoices are the events of a CPU that only slices make different.
func (m *Machine) sliceChoices(buf []Choice, c CPUID) []Choice {
	s := m.tasks[m.cpus[c].cur].rseq.slice
	if s&sliceGranted != 0 && m.budget.has(Expiries) {
		buf = append(buf, SliceTimerOn(c))
	}
	if m.k.Preemption == PreemptRT && s&sliceEnabled != 0 && m.budget.has(Preemptions) {
		buf = append(buf, PreemptNowOn(c))
	}
	return buf
}

// hasSlices reports whether the kernel's source has slices for the architecture. How
// they were before there were versions was not looked at.
func (k *Kernel) hasSlices() bool {
	switch k.Arch {
	case abi.I386, abi.AMD64, abi.LoongArch64, abi.RISCV64, abi.S390X:
		return k.Versions
	}
	return false
}
