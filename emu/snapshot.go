package emu

import (
	"slices"

	"github.com/rseqemu/rseqemu/vcpu"
)

// Snapshot holds a machine's whole state. It is filled and refilled without
// allocating, belongs to the kind of machine that it was made by, and can
// restore any other of the same program and configuration.
type Snapshot struct {
	s state
}

// NewSnapshot returns a snapshot of the machine as it is.
func (m *Machine) NewSnapshot() *Snapshot {
	s := &Snapshot{s: state{
		tasks: make([]task, len(m.tasks)), cpus: make([]cpu, len(m.cpus)), procs: make([]process, len(m.procs)),
		mms: make([]mm, len(m.mms)), cids: make([]int8, len(m.cids)), mem: make([]*vcpu.Memory, len(m.mem)),
		order: slices.Clone(m.order), // nil under SC
	}}
	for i := range m.mem {
		s.s.mem[i] = m.mem[i].Clone()
	}
	m.Save(s)
	return s
}

// Save stores the state in a snapshot that [Machine.NewSnapshot] made.
func (m *Machine) Save(s *Snapshot) { copyState(&s.s, &m.state) }

// Restore goes back to a snapshot.
func (m *Machine) Restore(s *Snapshot) { copyState(&m.state, &s.s) }

// copyState copies what is in use: an address space without users is dead.
func copyState(dst, src *state) {
	copy(dst.tasks, src.tasks)
	copy(dst.cpus, src.cpus)
	copy(dst.procs, src.procs)
	copy(dst.mms, src.mms)
	copy(dst.cids, src.cids)
	for i := range src.mem {
		if i == 0 || src.mms[i].users > 0 {
			copy(dst.mem[i].Mutable(), src.mem[i].Mutable())
			copy(dst.mem[i].Reservations(), src.mem[i].Reservations())
		}
	}
	dst.budget, dst.counters = src.budget, src.counters
	if len(src.order) > 0 {
		copy(dst.order, src.order)
		dst.writes = src.writes
	}
}

// Fork returns a machine of its own in the same state. It shares the program
// and has no observer.
func (m *Machine) Fork() *Machine {
	f := *m
	f.observer, f.listens, f.accesses, f.absent = nil, 0, nil, nil
	f.state = m.NewSnapshot().s
	return &f
}
