package explore

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// failure turns the violation that was found into a schedule:
//
//  1. the choices on the way to its state, from the nodes
//  2. with the local steps between them, which a reduced machine makes again
//  3. without what it doesn't take to break the property, and in an order that
//     changes CPUs as seldom as possible, on a machine that isn't reduced
func (s *search) failure(f *violation, m *emu.Machine, factories []Factory, mayBlock bool) (*Failure, error) {
	choices := s.choices(f)
	r, reducer, err := newReduced(m, factories, s.lim.Without)
	if err != nil {
		return nil, err
	}
	r.mayBlock = mayBlock
	way := r.unreduced(choices, reducer)
	w, err := newWorld(m, factories)
	if err != nil {
		return nil, err
	}
	w.mayBlock = mayBlock
	reset := w.rewind()
	v, way, _ := w.walk(tolerant(way), len(way)+1, nil, nil)
	if v == nil || v.Property != f.found.Property {
		panic(fmt.Sprintf("explore: BUG: %v was found with reductions %s, and is not there without", &f.found, s.res.Reduced))
	}
	if s.res.Reduced != 0 {
		way = w.minimise(v, way, len(way)+1, reset)
	}
	out := &Failure{Violation: *v, Schedule: way}
	w.tidy(out, reset)
	return out, nil
}

// choices are those on the way to a violation.
func (s *search) choices(f *violation) []emu.Choice {
	var out []emu.Choice
	if s.bits != nil {
		for b := f.path; len(b) > 0; {
			c, n := binary.Uvarint(b)
			out, b = append(out, emu.Choice(bits.ReverseBytes32(uint32(c)))), b[n:]
		}
	} else {
		for nd, ok := s.seen.half(f.key.lo, f.at+1); ok && nd.cost > 0; nd, ok = s.seen.half(nd.parent, nd.cost) {
			out = append(out, emu.Choice(nd.choice))
		}
		slices.Reverse(out)
	}
	if !f.ended {
		out = append(out, f.choice)
	}
	return out
}

// unreduced turns the choices of a reduced search into a schedule: with the local
// steps between them, and under the names that threads and CPUs have, not those of
// the states in order.
func (w *world) unreduced(choices []emu.Choice, r *emu.Reducer) []emu.Choice {
	names := newNames(w.m)
	way := r.Settle(nil)
	for _, c := range choices {
		if state, n := w.appendReduced(nil, r); n != nil {
			names.then(n)
			w.setState(state)
		}
		from := len(way)
		way = append(way, c)
		v := w.do(c)
		if v == nil {
			way = r.Settle(way)
		}
		for i := range way[from:] {
			way[from+i] = names.original(way[from+i])
		}
		if v != nil {
			break
		}
	}
	return way
}

// names are the original numbers of threads and CPUs.
type names struct {
	tasks []emu.TaskID
	cpus  []emu.CPUID
}

func newNames(m *emu.Machine) *names {
	n := &names{}
	for i := range m.Tasks() {
		n.tasks = append(n.tasks, emu.TaskID(i))
	}
	for i := range m.CPUs() {
		n.cpus = append(n.cpus, emu.CPUID(i))
	}
	return n
}

// then renames them.
func (n *names) then(r *emu.Renaming) {
	tasks, cpus := slices.Clone(n.tasks), slices.Clone(n.cpus)
	for old, now := range r.Tasks {
		n.tasks[now] = tasks[old]
	}
	for old, now := range r.CPUs {
		n.cpus[now] = cpus[old]
	}
}

func (n *names) original(c emu.Choice) emu.Choice {
	return (&emu.Renaming{Tasks: n.tasks, CPUs: n.cpus}).Choice(c)
}
