package explore

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir/symmetry"
)

// Property is something that must hold on every run. What it remembers of the
// run is part of the state that a search tells apart: two prefixes of runs are
// the same only if both the machine's and every property's bytes are.
//
// A property sees each transition's events as they happen and is asked after
// the transition. Its methods are called for one machine at a time.
type Property interface {
	// Observe takes in an event.
	Observe(e emu.Event)
	// After is asked after each transition, which was c; the first violation
	// ends the run.
	After(m *emu.Machine, c emu.Choice) *Violation
	// AtEnd is asked once no transition is left, after After.
	AtEnd(m *emu.Machine) *Violation
	// AppendState appends the canonical bytes of what it remembers.
	AppendState(b []byte) []byte
	// SetState goes back to what AppendState wrote and returns the bytes that
	// follow.
	SetState(b []byte) (rest []byte, err error)
}

// Selective is a property that can say no beforehand to most of what happens,
// which makes runs several times as fast: it sees only some kinds of event, and
// unless it is asked after every transition, it is asked after those in which one
// of these happened.
type Selective interface {
	Property
	Selects() (kinds emu.EventSet, every bool)
}

// Factory makes a property for a machine in its initial state. Every worker of
// a search has properties of its own.
type Factory func(m *emu.Machine) (Property, error)

// Violation is how a run broke a property.
type Violation struct {
	// Property is its name, which is the same for every run that breaks it.
	Property string
	// Message says what happened, in words that differ from run to run.
	Message string
}

func (v *Violation) Error() string { return v.Property + ": " + v.Message }

// world is a machine with the properties that watch it.
type world struct {
	m     *emu.Machine
	props []Property
	kinds []emu.EventSet // by property: the events that it sees
	every []bool         // by property: it is asked after every transition
	any   bool           // one of them is

	heard   emu.EventSet // what has happened since the properties were asked
	changed bool         // what the last transition reported, see [emu.Machine.Do]
	// mayBlock lets a deadlock pass.
	mayBlock bool
}

func newWorld(m *emu.Machine, factories []Factory) (*world, error) {
	w := &world{m: m}
	for _, f := range factories {
		p, err := f(m)
		if err != nil {
			return nil, err
		}
		kinds, every := emu.AllEvents, true
		if s, ok := p.(Selective); ok {
			kinds, every = s.Selects()
		}
		w.props, w.kinds, w.every, w.any = append(w.props, p), append(w.kinds, kinds), append(w.every, every), w.any || every
	}
	var all emu.EventSet
	for _, kinds := range w.kinds {
		all |= kinds
	}
	m.ObserveOnly(all, w.observe)
	return w, nil
}

func (w *world) observe(e emu.Event) {
	w.heard |= emu.SetOf(e.Kind)
	for i, p := range w.props {
		if w.kinds[i].Has(e.Kind) {
			p.Observe(e)
		}
	}
}

// Reducible is a property that can do with fewer states. One that can't has a
// search make none of the reductions, since it may ask for anything.
//
// A property that looks at nothing but data at the end, the ends of processes, and how
// many calls returned what, allows them all. One that asks which calls were over before
// which others began doesn't allow [emu.EagerCalls]; one that wants to see a return in
// no other order than that of the run doesn't allow [emu.EagerReturns] either, which
// moves returns before other transitions. One that looks at data that no list and no
// pointer leads to doesn't allow [emu.Garbage]; one that looks at data on the way
// none of [emu.OneCPU] and [emu.OwnObjects].
type Reducible interface {
	Allows() emu.Reduction
}

// Symmetric is a Reducible property that doesn't care which thread is which, nor
// which CPU. One that does leaves no symmetry.
type Symmetric interface {
	Reducible
	// CanRename reports whether that is so for threads and CPUs that can change
	// places in the program.
	CanRename(f *symmetry.Facts) bool
	// AppendRenamed is AppendState of what it would remember if they had.
	AppendRenamed(b []byte, n *emu.Renaming) []byte
}

// do makes a transition and asks the properties.
func (w *world) do(c emu.Choice) *Violation {
	w.changed = w.m.Do(c)
	return w.ask(c)
}

// ask asks the properties after transition c.
func (w *world) ask(c emu.Choice) *Violation {
	heard := w.heard
	if heard == 0 && !w.any {
		return nil
	}
	w.heard = 0
	for i, p := range w.props {
		if !w.every[i] && w.kinds[i]&heard == 0 {
			continue
		}
		if v := p.After(w.m, c); v != nil {
			return v
		}
	}
	return nil
}

// end is asked in a state without a choice that goes on.
func (w *world) end() *Violation {
	if !w.m.Done() {
		if w.mayBlock {
			return nil
		}
		return &Violation{Property: Deadlock, Message: "no thread can go on: " + w.m.Blocked()}
	}
	for _, p := range w.props {
		if v := p.AtEnd(w.m); v != nil {
			return v
		}
	}
	return nil
}

// Deadlock is the name of the property that every run has.
const Deadlock = "deadlock"

// rewind returns a function that goes back to the state that the world is in
// now.
func (w *world) rewind() func() {
	start := w.m.NewSnapshot()
	var props []byte
	for _, p := range w.props {
		props = p.AppendState(props)
	}
	return func() {
		w.m.Restore(start)
		w.mustSetProps(props)
	}
}

func (w *world) appendState(b []byte) []byte {
	b = w.m.AppendState(b)
	for _, p := range w.props {
		b = p.AppendState(b)
	}
	return b
}

// setState goes to a state that appendState wrote and returns the properties'
// part of it.
func (w *world) setState(b []byte) (props []byte) {
	props, err := w.m.SetState(b)
	if err != nil {
		panic("explore: BUG: a state that was written can't be read: " + err.Error())
	}
	w.mustSetProps(props)
	return props
}

func (w *world) mustSetProps(b []byte) {
	var err error
	for _, p := range w.props {
		if b, err = p.SetState(b); err != nil {
			break
		}
	}
	if err != nil || len(b) != 0 {
		panic(fmt.Sprintf("explore: BUG: a property's state that was written can't be read: %v, %d bytes left", err, len(b)))
	}
}
