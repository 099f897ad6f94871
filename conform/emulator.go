package conform

import (
	"context"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// Emulator returns the emulator as a target.
func Emulator(k emu.Kernel) Target { return emulator{k} }

type emulator struct{ k emu.Kernel }

func (e emulator) Name() string { return "emulated Linux " + e.k.String() }
func (e emulator) Tier() Tier   { return TierInject }

// unbounded lets a case do what it wants.
var unbounded = emu.Budget{emu.Unlimited, emu.Unlimited, emu.Unlimited, emu.Unlimited, emu.Unlimited, emu.Unlimited, emu.Unlimited}

// maxSteps bounds a run: no case is longer, but one that aborts for ever.
const maxSteps = 20_000

// Run drives a machine as a tracer drives a thread: to a stop, what is to be done
// there, and on. Where nothing is to be done the machine goes on by itself,
// children first.
func (e emulator) Run(ctx context.Context, c *Case) (Outcome, error) {
	if c.Needs == NeedsSlices && e.k.Slices != emu.SlicesOn {
		return Outcome{}, &Skip{Reason: "the kernel grants no time slices"}
	}
	m, err := emu.New(c.Program, emu.Config{Kernel: e.k, CPUs: CPUs, Budget: &unbounded, Traced: true})
	if err != nil {
		return Outcome{}, err
	}
	r := &emuRun{m: m, stops: c.Waits(), threads: len(c.Program.Threads), last: map[emu.TaskID]uint64{}}
	r.view = View{
		Image:   m.Image(),
		Load:    func(a ir.Addr, w ir.Width) (uint64, bool) { return m.Memory(0).Load(a, w) },
		HostCPU: func(c int) int { return c },
		Configuration: func() (abi.PtraceRSeqConfiguration, error) {
			if !e.k.PtraceConfig {
				return abi.PtraceRSeqConfiguration{}, abi.EIO
			}
			return m.RSeqConfiguration(0), nil
		},
		Auxv: func(entry uint64) (uint64, bool) {
			n := map[uint64]uint32{abi.AuxvRSeqFeatureSize: e.k.FeatureSize, abi.AuxvRSeqAlign: e.k.Align}[entry]
			return uint64(n), n != 0
		},
		Stat: func(name string) (uint64, bool) {
			counters := m.Counters()
			return counters.Stat(name)
		},
	}
	for _, s := range r.stops {
		a, err := s.At.Addr(m.Image())
		if err != nil {
			return Outcome{}, err
		}
		r.at = append(r.at, a)
	}
	for i := range c.Stops {
		s := &c.Stops[i]
		a, err := s.At.Addr(m.Image())
		switch {
		case err != nil:
			return Outcome{}, err
		case s.Has(IRQ):
			r.irqs = append(r.irqs, a)
		case s.Has(Resched), s.Has(Expire):
			r.timed = append(r.timed, timed{a, s.Has(Expire)})
		}
	}
	r.absent = c.UntouchedPages(m.Image())
	m.SetAbsent(r.absent)
	m.Observe(r.event)
	for n := 0; !m.Done(); n++ {
		if n == maxSteps {
			return Outcome{}, fmt.Errorf("%s: no end after %d steps", c.Name, maxSteps)
		}
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		if err := r.next(); err != nil {
			return Outcome{}, err
		}
	}
	return r.finish(c)
}

// emuRun is a run on the emulator.
type emuRun struct {
	m     *emu.Machine
	view  View
	stops []Stop // that are still to come
	at    []ir.Addr
	irqs  []ir.Addr // where an interrupt comes when the first thread does
	timed []timed   // and what it waits for, in order
	cpu   emu.CPUID // where the first thread is meant to be
	out   Outcome
	// last is r0 of each task before its latest step: what it returned.
	last    map[emu.TaskID]uint64
	choices []emu.Choice
	threads int
	turn    int  // the thread that goes on next
	execed  bool // the first thread runs a program of its own
	// absent are the pages that nobody has touched yet, and the first thread's area's
	// if nobody has written to it since a fork.
	absent emu.Absent
}

// timed is what the first thread waits for at an address: somebody who wants its CPU,
// or the end of its slice.
type timed struct {
	at     ir.Addr
	expire bool
}

// come lets the next of these come to the CPU.
func (r *emuRun) come(c emu.CPUID) error {
	next := r.timed[0]
	r.timed = r.timed[1:]
	granted, enabled := r.m.Slice(0)
	switch {
	case next.expire && !granted:
		return nil // there is nothing to wait for
	case next.expire:
		return r.m.Try(emu.SliceTimerOn(c))
	case enabled && r.m.Kernel().Preemption == emu.PreemptRT:
		return r.m.Try(emu.PreemptNowOn(c))
	}
	return r.m.Try(emu.PreemptOn(c))
}

// event notes what calls returned. An exec takes away what a real process would
// have noted in its memory.
func (r *emuRun) event(ev emu.Event) {
	switch {
	case ev.Kind == emu.EvReturn && ev.Task == 0:
		r.out.Calls = append(r.out.Calls, r.view.CallResult(0, len(r.out.Calls), ev.A))
	case ev.Kind == emu.EvReturn:
		r.out.Second = append(r.out.Second, r.view.CallResult(1, len(r.out.Second), ev.A))
	case ev.Kind == emu.EvSyscall && ev.Task == 0 && abi.Syscall(ev.A) == abi.SysExecve:
		r.execed = true
	case ev.Kind == emu.EvSysret && ev.Task == 0 && abi.Syscall(ev.B) == abi.SysExecve:
		r.execed = false // it failed
	case ev.Kind == emu.EvSysret && ev.Task == 0 && abi.Syscall(ev.B) == abi.SysFork:
		r.absent[pageOf(r.view.Image.TP(0))] = true // it is the child's too, until somebody writes to it
	}
}

// next makes one choice: an interrupt from another CPU is taken at once; then
// the youngest child goes on, on the first thread's CPU; then the threads, in
// turn.
func (r *emuRun) next() error {
	m := r.m
	r.choices = m.Progress(r.choices[:0])
	for c := range emu.CPUID(CPUs) {
		if r.can(emu.TakeIPI(c)) {
			m.Do(emu.TakeIPI(c))
			return nil
		}
	}
	for id := emu.TaskID(m.Tasks() - 1); int(id) >= r.threads; id-- {
		switch running, on := r.running(id); {
		case on && r.can(emu.StepOn(running)):
			r.last[id] = m.Regs(id).R[ir.R0]
			m.Do(emu.StepOn(running))
			return nil
		case r.can(emu.WakeTask(id)):
			m.Do(emu.WakeTask(id))
			return nil
		case r.can(emu.RunOn(r.cpu, id)):
			m.Do(emu.RunOn(r.cpu, id))
			return nil
		}
	}
	for range r.threads {
		id := emu.TaskID(r.turn)
		r.turn = (r.turn + 1) % r.threads
		if went, err := r.thread(id); went || err != nil {
			return err
		}
	}
	if len(r.choices) > 0 {
		m.Do(r.choices[0])
		return nil
	}
	return fmt.Errorf("the emulator is stuck: %s", m.Blocked())
}

// thread lets a thread go on by a step, and reports whether it could. The first
// one comes by stops.
func (r *emuRun) thread(id emu.TaskID) (bool, error) {
	m, home := r.m, emu.CPUID(id)
	if id == 0 {
		home = r.cpu
	}
	running, on := r.running(id)
	if id == 0 && on {
		if i := slices.Index(r.irqs, m.Next(0)); i >= 0 && r.atBoundary() {
			r.irqs = slices.Delete(r.irqs, i, i+1)
			return true, m.Try(emu.IRQOn(running))
		}
		if len(r.timed) > 0 && r.timed[0].at == m.Next(0) && r.atBoundary() {
			return true, r.come(running)
		}
	}
	stops := id == 0 && on && len(r.stops) > 0 && r.atBoundary() && m.Next(0) == r.at[0]
	switch {
	case stops && !r.stops[0].Has(Schedule):
		return true, r.stop(running)
	case on && r.can(emu.StepOn(running)):
		r.last[id] = m.Regs(id).R[ir.R0]
		r.touch(running)
		m.Do(emu.StepOn(running))
		if stops {
			return true, r.slept()
		}
		return true, nil
	}
	for _, c := range []emu.Choice{emu.WakeTask(id), emu.RunOn(home, id)} {
		if r.can(c) {
			m.Do(c)
			return true, nil
		}
	}
	return false, nil
}

// touch brings in what a CPU's next step touches. Loads from the area change nothing.
func (r *emuRun) touch(c emu.CPUID) {
	if len(r.absent) == 0 {
		return
	}
	accesses, _ := r.m.NextAccess(c, nil)
	for _, a := range accesses {
		if a.Store || pageOf(a.Addr) != pageOf(r.view.Image.TP(0)) {
			r.absent.Touch(a.Addr, uint64(a.Width.Bytes()))
		}
	}
}

func (r *emuRun) can(c emu.Choice) bool { return slices.Contains(r.choices, c) }

func (r *emuRun) running(id emu.TaskID) (emu.CPUID, bool) {
	for c := range emu.CPUID(r.m.CPUs()) {
		if t, ok := r.m.Running(c); ok && t == id {
			return c, true
		}
	}
	return 0, false
}

// atBoundary reports whether the first thread is between two instructions.
func (r *emuRun) atBoundary() bool {
	regs := r.m.Regs(0)
	return regs.Boundary()
}

// stop is an exception at the point: the thread leaves the CPU, things are done
// to it, and it comes back.
func (r *emuRun) stop(on emu.CPUID) error {
	s := r.stops[0]
	r.stops, r.at = r.stops[1:], r.at[1:]
	if err := r.m.Trap(on); err != nil {
		return err
	}
	return r.act(&s)
}

// slept is what is done to the thread while it sleeps.
func (r *emuRun) slept() error {
	s := r.stops[0]
	r.stops, r.at = r.stops[1:], r.at[1:]
	return r.act(&s)
}

func (r *emuRun) act(s *Stop) error {
	for i := range s.Actions {
		a := &s.Actions[i]
		switch a.Kind {
		case Migrate:
			r.cpu = 1 - r.cpu
		case Signal:
			if err := r.m.Try(emu.SignalTask(0, a.Signal)); err != nil {
				return err
			}
		case Write:
			at, w, n, err := a.Written(r.view)
			if err != nil {
				return err
			}
			// A debugger's access, which is no part of the machine.
			r.m.Memory(0).Store(-1, at, w, n)
			r.absent.Touch(at, uint64(w.Bytes()))
		case Look:
			saw, err := r.view.Observe(a.Look)
			if err != nil {
				return err
			}
			r.out.Looks = append(r.out.Looks, Looked{At: s.At.String(), Seen: saw})
		}
	}
	return nil
}

// finish adds what is to be seen at the end.
func (r *emuRun) finish(c *Case) (Outcome, error) {
	for _, s := range r.stops {
		r.out.Missed = append(r.out.Missed, s.At.String())
	}
	end, killed := r.m.Killed()
	killed = killed && int(end.Task) < r.threads
	if r.execed {
		r.out.Calls = nil
		if !killed {
			r.out.Calls = []string{r.view.CallResult(0, 0, r.last[0])}
		}
	}
	for id := emu.TaskID(r.threads); int(id) < r.m.Tasks(); id++ {
		if n, ran := r.last[id]; ran {
			r.out.Children = append(r.out.Children, r.view.Result(n))
		}
	}
	if killed {
		r.out.Second = nil // who knows how far it came
		r.out.End = end.Signal.String() + " at " + r.view.Value(uint64(end.IP))
	}
	var err error
	r.out.Seen, err = r.view.Observe(c.See)
	return r.out, err
}
