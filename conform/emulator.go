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
	m, err := emu.New(c.Program, emu.Config{Kernel: e.k, CPUs: CPUs, Budget: &unbounded})
	if err != nil {
		return Outcome{}, err
	}
	r := &emuRun{m: m, stops: c.Waits(), last: map[emu.TaskID]uint64{}}
	r.view = View{
		Image:   m.Image(),
		Load:    func(a ir.Addr, w ir.Width) (uint64, bool) { return m.Memory(0).Load(a, w) },
		HostCPU: func(c int) int { return c },
		Configuration: func() (abi.PtraceRSeqConfiguration, error) {
			return m.RSeqConfiguration(0), nil
		},
	}
	for _, s := range r.stops {
		a, err := s.At.Addr(m.Image())
		if err != nil {
			return Outcome{}, err
		}
		r.at = append(r.at, a)
	}
	m.Observe(func(ev emu.Event) {
		if ev.Kind == emu.EvReturn && ev.Task == 0 {
			r.out.Calls = append(r.out.Calls, r.view.Result(ev.A))
		}
	})
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
	cpu   emu.CPUID // where the first thread is meant to be
	out   Outcome
	// last is r0 of each child before its latest step: what it returned.
	last    map[emu.TaskID]uint64
	choices []emu.Choice
}

// next makes one choice: that of the youngest task that can go on, on the first
// thread's CPU.
func (r *emuRun) next() error {
	m := r.m
	r.choices = m.Progress(r.choices[:0])
	for id := emu.TaskID(m.Tasks() - 1); id > 0; id-- {
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
		case r.can(emu.RunOn(1-r.cpu, id)) && !on:
			// The child is where its parent is, which has to make room.
			return m.Try(emu.PreemptOn(r.cpu))
		}
	}
	running, on := r.running(0)
	switch {
	case on && len(r.stops) > 0 && r.atStop() && !r.stops[0].Has(Schedule):
		return r.stop(running)
	case on && r.can(emu.StepOn(running)):
		sleeps := len(r.stops) > 0 && r.atStop()
		m.Do(emu.StepOn(running))
		if sleeps {
			return r.slept()
		}
		return nil
	case r.can(emu.WakeTask(0)):
		m.Do(emu.WakeTask(0))
		return nil
	case r.can(emu.RunOn(r.cpu, 0)):
		m.Do(emu.RunOn(r.cpu, 0))
		return nil
	case len(r.choices) > 0:
		m.Do(r.choices[0])
		return nil
	}
	return fmt.Errorf("the emulator is stuck: %s", m.Blocked())
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

func (r *emuRun) atStop() bool {
	regs := r.m.Regs(0)
	return r.m.Next(0) == r.at[0] && regs.Boundary()
}

// stop is an exception at the point: the thread leaves the CPU, things are done
// to it, and it comes back.
func (r *emuRun) stop(on emu.CPUID) error {
	s := r.stops[0]
	r.stops, r.at = r.stops[1:], r.at[1:]
	if s.Has(IRQ) {
		return r.m.Try(emu.IRQOn(on))
	}
	if err := r.m.Try(emu.PreemptOn(on)); err != nil {
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
	for id := emu.TaskID(1); int(id) < r.m.Tasks(); id++ {
		if n, ran := r.last[id]; ran {
			r.out.Children = append(r.out.Children, r.view.Result(n))
		}
	}
	if e, ok := r.m.Killed(); ok && e.Task == 0 {
		r.out.End = e.Signal.String() + " at " + r.view.Value(uint64(e.IP))
	}
	var err error
	r.out.Seen, err = r.view.Observe(c.See)
	return r.out, err
}
