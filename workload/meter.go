package workload

import "github.com/rseqemu/rseqemu/emu"

// Meter has several kernels do the work that a workload makes.
type Meter struct {
	flows  []*emu.Flow
	events uint64
}

// NewMeter returns a meter for these kernels.
func NewMeter(ks []emu.Kernel) (*Meter, error) {
	m := &Meter{}
	for _, k := range ks {
		f, err := emu.NewFlow(k)
		if err != nil {
			return nil, err
		}
		m.flows = append(m.flows, f)
	}
	return m, nil
}

// Apply lets events happen on every kernel. They must make sense, as those of this
// package do: a thread that isn't there can't do anything. The error is always nil.
func (m *Meter) Apply(events []Event) error {
	m.events += uint64(len(events))
	for _, f := range m.flows {
		for i := range events {
			apply(f, &events[i])
		}
	}
	return nil
}

func apply(f *emu.Flow, e *Event) {
	t := int(e.Thread)
	switch e.Kind {
	case Start:
		f.Start(t, int(e.CPU))
	case Adopt:
		f.Adopt(t, int(e.CPU))
	case Syscall:
		f.Syscall(t, e.Did)
	case Interrupt:
		f.Interrupt(t, e.Did)
	case Out:
		f.Out(t)
	case In:
		f.In(t, int(e.CPU))
	case Signal:
		f.Signal(t)
	case Notify:
		f.Notify(t)
	case Exit:
		f.Exit(t)
	case End:
		f.End(t)
	}
}

// Events is the number of events so far.
func (m *Meter) Events() uint64 { return m.events }

// Result is what one kernel had to do.
type Result struct {
	Kernel   emu.Kernel
	Counters emu.Counters
	Accesses emu.Accesses
	Killed   uint64 // SIGSEGVs, which only kernels with a bug send
}

// Results returns what each kernel had to do so far, in the order of [NewMeter].
func (m *Meter) Results() []Result {
	out := make([]Result, len(m.flows))
	for i, f := range m.flows {
		out[i] = Result{f.Kernel(), f.Counters(), f.Accesses(), f.Killed()}
	}
	return out
}
