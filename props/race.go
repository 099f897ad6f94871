package props

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// NoRace demands that no two threads access the named data at once, unless both
// only load or neither access is plain. At once means: a state in which the next
// steps of two CPUs' threads touch the same bytes, one of them stores, and one is
// neither ordered (ld.acq, st.rel) nor indivisible. Whatever puts the two in an
// order makes that impossible: a section that is entered on one CPU only and
// checks which, a membarrier that aborts it, a lock, a flag.
//
// So memory of a CPU that only sections on that CPU access has no race, and what
// a remote CPU does to it has one until the sections there are over. Threads that
// take turns on one CPU don't race, as each instruction there is whole. What the
// kernel accesses in system calls is not looked at.
//
// It asks about one state, so it remembers nothing. It speaks of memory in which
// stores are seen at once: where an order comes from plain loads and stores that
// a processor may swap, look at the program under a weaker memory.
func NoRace(decl ir.NoRace) explore.Factory {
	return func(m *emu.Machine) (explore.Property, error) {
		r := &races{name: decl.String(), next: make([]next, m.CPUs())}
		for _, name := range decl.Data {
			r.add(m, name)
		}
		r.first = r.ask(m)
		return r, nil
	}
}

type races struct {
	name  string
	spans []span
	next  []next // by CPU
	first *explore.Violation
}

// span is where data lies.
type span struct {
	from, to ir.Addr
}

// next is what a CPU's next step does.
type next struct {
	task     emu.TaskID
	accesses []vcpu.Access // to the spans
	buf      []vcpu.Access
}

// add looks up where data lies, on all CPUs or in all threads.
func (r *races) add(m *emu.Machine, name string) {
	im := m.Image()
	for i := range im.Prog.Data {
		d := &im.Prog.Data[i]
		if d.Name != name {
			continue
		}
		at, n := im.Symbols[name], 1
		place := func(int) ir.Addr { return at }
		switch d.Kind {
		case ir.PerCPU:
			n, place = m.CPUs(), func(cpu int) ir.Addr { return at + ir.Addr(cpu)<<im.PerCPUShift }
		case ir.PerThread:
			n, place = m.Tasks(), func(task int) ir.Addr { return im.TP(task) + at }
		}
		for i := range n {
			r.spans = append(r.spans, span{place(i), place(i) + ir.Addr(d.Count*d.Width.Bytes())})
		}
	}
}

func (r *races) Observe(emu.Event) {}

// After asks about the state behind a transition. That of the state before the
// first one was asked at the beginning.
func (r *races) After(m *emu.Machine, _ emu.Choice) *explore.Violation {
	if r.first != nil {
		return r.first
	}
	return r.ask(m)
}

func (r *races) ask(m *emu.Machine) *explore.Violation {
	for c := range r.next {
		a := &r.next[c]
		if a.look(m, emu.CPUID(c), r.spans); len(a.accesses) == 0 {
			continue
		}
		for d := range c {
			if v := r.meet(m, &r.next[d], a); v != nil {
				return v
			}
		}
	}
	return nil
}

// look sees which of the spans the CPU's next step accesses.
func (n *next) look(m *emu.Machine, c emu.CPUID, spans []span) {
	n.accesses = n.accesses[:0]
	task, ok := m.Running(c)
	if !ok {
		return
	}
	n.task = task
	n.buf, _ = m.NextAccess(c, n.buf[:0])
	for _, a := range n.buf {
		for _, s := range spans {
			if a.Addr < s.to && s.from < a.Addr+ir.Addr(a.Width) {
				n.accesses = append(n.accesses, a)
				break
			}
		}
	}
}

func (r *races) meet(m *emu.Machine, one, two *next) *explore.Violation {
	for _, a := range one.accesses {
		for _, b := range two.accesses {
			if a.Conflicts(b) && (a.Plain() || b.Plain()) && m.Memory(one.task) == m.Memory(two.task) {
				return &explore.Violation{Property: r.name, Message: fmt.Sprintf("at the same time %s and %s",
					does(m, one.task, a), does(m, two.task, b))}
			}
		}
	}
	return nil
}

// does says what a thread's next step does.
func does(m *emu.Machine, t emu.TaskID, a vcpu.Access) string {
	how := "loads from"
	switch {
	case a.Load && a.Store:
		how = "loads from and stores to"
	case a.Store:
		how = "stores to"
	}
	return fmt.Sprintf("t%d %s %s at %s", t, how, m.Image().DataName(a.Addr), m.Image().Where(m.Next(t)))
}

func (r *races) AtEnd(*emu.Machine) *explore.Violation      { return nil }
func (r *races) AppendState(b []byte) []byte                { return b }
func (r *races) SetState(b []byte) (rest []byte, err error) { return b, nil }
