package emu

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Choices appends everything that can happen next to buf, in a fixed order:
// first the machine going on by itself, then the events that the budget
// allows.
func (m *Machine) Choices(buf []Choice) []Choice {
	buf = m.Progress(buf)
	for i := range m.cpus {
		c, cpu := CPUID(i), &m.cpus[i]
		if cpu.cur >= 0 && m.interruptible(&m.tasks[cpu.cur]) {
			if m.budget.has(Preemptions) {
				buf = append(buf, PreemptOn(c))
			}
			if m.k.Slices == SlicesOn {
				buf = m.sliceChoices(buf, c)
			}
			if m.budget.has(IRQs) {
				buf = append(buf, IRQOn(c))
			}
			if m.budget.has(Faults) && m.touchesMemory(&m.tasks[cpu.cur]) {
				buf = append(buf, FaultOn(c), FaultSleepOn(c))
			}
			if m.budget.has(Membarriers) {
				buf = append(buf, MembarrierOn(c))
			}
		}
		switch {
		case !cpu.online:
			buf = append(buf, OnlineCPU(c))
		case m.budget.has(Unplugs) && m.online() > 1 && (cpu.cur < 0 || m.interruptible(&m.tasks[cpu.cur])):
			buf = append(buf, OfflineCPU(c))
		}
	}
	if m.budget.has(Signals) && m.sendable != 0 {
		for i := range m.tasks {
			if t := &m.tasks[i]; t.alive() && (t.state != taskRunning || m.interruptible(t)) {
				for s := abi.Signal(1); s < 32; s++ {
					if m.sendable&^t.pending&sigBit(s) != 0 {
						buf = append(buf, SignalTask(TaskID(i), s))
					}
				}
			}
		}
	}
	return buf
}

// Progress appends the choices that are no events: what the machine does if
// nobody disturbs it. If there are none and it isn't done, it is deadlocked.
func (m *Machine) Progress(buf []Choice) []Choice {
	for i := range m.cpus {
		c, cpu := CPUID(i), &m.cpus[i]
		if cpu.cur >= 0 {
			t := &m.tasks[cpu.cur]
			switch {
			case t.wait != waitNone:
			case m.order != nil:
				buf = m.orderedSteps(buf, c, t)
			default:
				buf = append(buf, StepOn(c))
			}
			if cpu.ipi != 0 && (t.wait != waitNone || m.interruptible(t)) {
				buf = append(buf, TakeIPI(c))
			}
			continue
		}
		if cpu.ipi != 0 {
			buf = append(buf, TakeIPI(c))
		}
		for j := range m.tasks {
			if t := &m.tasks[j]; t.state == taskRunnable && m.mayRun(c, t) {
				buf = append(buf, RunOn(c, TaskID(j)))
			}
		}
	}
	for j := range m.tasks {
		if t := &m.tasks[j]; t.state == taskBlocked && (t.wait == waitSleep || t.wait == waitPage) {
			buf = append(buf, WakeTask(TaskID(j)))
		}
	}
	return buf
}

// Do makes one transition, which must be one of [Machine.Choices]. If it reports
// false the choices are the same as before it, as they are behind most steps;
// whoever makes long runs need not list them again.
func (m *Machine) Do(c Choice) (changed bool) {
	if c.Kind() == Step {
		if m.order == nil {
			return m.step(c.CPU())
		}
		m.orderedStep(c.CPU(), Step, 0)
		return true
	}
	m.event(c)
	return true
}

// event makes a transition that is no step.
func (m *Machine) event(c Choice) {
	switch c.Kind() {
	case Delay, Stale:
		m.orderedStep(c.CPU(), c.Kind(), c.Nth())
	case Flush:
		m.flush(c.CPU(), c.Nth()-1)
	case Run:
		m.run(c.CPU(), &m.tasks[c.Task()])
	case Wake:
		m.wake(&m.tasks[c.Task()])
	case IPI:
		m.takeIPI(c.CPU())
	case Preempt:
		m.budget.spend(Preemptions)
		m.reschedule(c.CPU(), false)
	case PreemptNow:
		m.budget.spend(Preemptions)
		m.reschedule(c.CPU(), true)
	case SliceTimer:
		m.budget.spend(Expiries)
		m.expire(c.CPU())
	case IRQ:
		m.budget.spend(IRQs)
		m.exitToUser(m.interrupt(c.CPU()))
	case Fault:
		m.budget.spend(Faults)
		m.exitToUser(m.interrupt(c.CPU()))
	case FaultSleep:
		m.budget.spend(Faults)
		m.interrupt(c.CPU()).wait = waitPage
		m.switchOut(c.CPU(), taskBlocked)
	case Membarrier:
		m.budget.spend(Membarriers)
		t := m.interrupt(c.CPU())
		m.rseqIPI(t)
		m.exitToUser(t)
	case Signal:
		m.budget.spend(Signals)
		m.sendNow(&m.tasks[c.Task()], c.Signal())
	case Offline:
		m.budget.spend(Unplugs)
		m.offline(c.CPU())
	case Online:
		m.cpus[c.CPU()].online = true
	default:
		panic("emu: BUG: " + c.String())
	}
	if m.order != nil {
		m.forget()
	}
}

// ErrNotEnabled is what [Machine.Try] returns, wrapped, for a choice that
// can't happen.
var ErrNotEnabled = errors.New("can't happen now")

// Try is [Machine.Do] for a choice from outside: it is checked first, and the
// error says what could happen instead. Any signal may be sent, whether the
// program has a handler or not.
func (m *Machine) Try(c Choice) error {
	if !slices.Contains(m.Choices(nil), c) && !m.allowsSignal(c) {
		return m.NotEnabled(c)
	}
	m.Do(c)
	return nil
}

// NotEnabled is the error for a choice that can't happen now: it names those
// that can.
func (m *Machine) NotEnabled(c Choice) error {
	var names []string
	for _, e := range m.Choices(nil) {
		names = append(names, e.String())
	}
	could := "nothing can: the run is over"
	if len(names) > 0 {
		could = "enabled: " + strings.Join(names, ", ")
	}
	return fmt.Errorf("%s %w; %s", c, ErrNotEnabled, could)
}

func (m *Machine) allowsSignal(c Choice) bool {
	if c.Kind() != Signal || int(c.Task()) >= len(m.tasks) || c.Signal() == 0 || c.Signal() >= 32 {
		return false
	}
	t := &m.tasks[c.Task()]
	return m.budget.has(Signals) && t.alive() && (t.state != taskRunning || m.interruptible(t))
}

// step runs the CPU's task, beginning its next call if it is between calls. It
// reports whether the choices may have changed: those there are depend on where a
// task is only if a fault may come, or if an instruction has a middle.
func (m *Machine) step(c CPUID) (changed bool) {
	t := &m.tasks[m.cpus[c].cur]
	if t.regs.IP == ir.ReturnIP && !t.inCall && t.script >= 0 {
		m.invoke(t)
	}
	mem := m.memOf(t)
	mem.Enter(int(c))
	trap := m.code.Step(mem, int(c), &t.regs)
	if trap.Kind == vcpu.TrapNone && t.regs.IP != ir.ReturnIP {
		return m.code.Splits || m.budget.has(Faults)
	}
	m.leave(c, t, trap)
	return true
}

// leave goes on behind a step that has left the call's code.
func (m *Machine) leave(c CPUID, t *task, trap vcpu.Trap) {
	switch trap.Kind {
	case vcpu.TrapNone:
		m.returned(t)
	case vcpu.TrapSyscall:
		m.syscall(c, t, trap.Arg)
	default:
		m.exception(c, t, trap)
	}
}

// invoke begins the next call of the script: this is where its interval in the
// history begins, not at the end of the call before.
func (m *Machine) invoke(t *task) {
	m.emit(EvInvoke, t.cpu, t, uint64(t.call), 0)
	t.regs = m.invoked(t)
	t.inCall = true
}

// invoked returns the registers of a task that is between calls as the next one finds
// them.
func (m *Machine) invoked(t *task) vcpu.Regs {
	next, regs := &m.calls[t.script][t.call], t.regs
	copy(regs.R[:], next.args)
	regs.SetIP(next.entry)
	return regs
}

// returned ends a call. Its registers are dead, and cleared, so that runs that
// differ only in them meet again.
func (m *Machine) returned(t *task) {
	if t.script < 0 {
		if m.settled(t.cpu) {
			m.exitTask(t, 0)
		}
		return
	}
	m.emit(EvReturn, t.cpu, t, t.regs.R[ir.R0], t.regs.R[ir.R1])
	t.inCall = false
	t.call++
	if int(t.call) == len(m.calls[t.script]) && m.settled(t.cpu) {
		m.exitTask(t, 0)
		return
	}
	tp, sp := t.regs.R[ir.TP], t.regs.R[ir.SP]
	t.regs = vcpu.Regs{IP: ir.ReturnIP}
	t.regs.R[ir.TP], t.regs.R[ir.SP], t.regs.R[ir.LR] = tp, sp, uint64(ir.ReturnIP)
}

// exception is a fault of the guest's own instruction.
func (m *Machine) exception(c CPUID, t *task, trap vcpu.Trap) {
	m.interrupt(c)
	sig, reason := abi.SIGSEGV, ReasonFetch
	switch trap.Kind {
	case vcpu.TrapLoad:
		reason = ReasonLoad
	case vcpu.TrapStore:
		reason = ReasonStore
	case vcpu.TrapAlign:
		sig, reason = abi.SIGBUS, ReasonAlign
	case vcpu.TrapUD:
		sig, reason = abi.SIGILL, ReasonUD
	case vcpu.TrapBrk:
		sig, reason = abi.SIGTRAP, ReasonBrk
	}
	t.reasonAt = trap.Addr
	m.force(t, sig, reason)
	m.exitToUser(t)
}

// interrupt enters the kernel from user mode by interrupt or exception, and
// returns the task that was interrupted.
func (m *Machine) interrupt(c CPUID) *task {
	t := &m.tasks[m.cpus[c].cur]
	m.memOf(t).Unreserve(int(c))
	if m.k.Notify == NotifyNew {
		m.newUserEntry(t)
	}
	return t
}

// touchesMemory reports whether the task's next instruction accesses memory.
func (m *Machine) touchesMemory(t *task) bool {
	i := m.im.Index(m.nextIP(t))
	if i < 0 {
		return false
	}
	for _, o := range m.im.Instrs[i].Micro() {
		if o.Loads() || o.Stores() {
			return true
		}
	}
	return false
}

func (m *Machine) online() int {
	n := 0
	for i := range m.cpus {
		if m.cpus[i].online {
			n++
		}
	}
	return n
}
