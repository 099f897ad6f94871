package explore

import (
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// failure turns the violation that was found into a schedule:
//
//  1. the choices on the way to its state, from the nodes
//  2. with the local steps between them, which a reduced machine makes again
//  3. without what it doesn't take to break the property, and in an order that
//     changes CPUs as seldom as possible, on a machine that isn't reduced
func (s *search) failure(m *emu.Machine, factories []Factory, mayBlock bool) (*Failure, error) {
	var choices []emu.Choice
	if !s.failed.ended {
		choices = append(choices, s.failed.choice)
	}
	for n := s.failed.node; ; {
		nd := s.seen.at(n)
		if nd.parent == noNode {
			break
		}
		choices = append(choices, emu.Choice(nd.choice))
		n = nd.parent
	}
	slices.Reverse(choices)
	r, reducer, err := newReduced(m, factories, s.lim.Without)
	if err != nil {
		return nil, err
	}
	r.mayBlock = mayBlock
	way := reducer.Settle(nil)
	for _, c := range choices {
		way = append(way, c)
		if r.do(c) != nil {
			break
		}
		way = reducer.Settle(way)
	}
	w, err := newWorld(m, factories)
	if err != nil {
		return nil, err
	}
	w.mayBlock = mayBlock
	reset := w.rewind()
	v, way, _ := w.walk(tolerant(way), len(way)+1, nil, nil)
	if v == nil || v.Property != s.failed.found.Property {
		panic(fmt.Sprintf("explore: BUG: %v was found with reductions %s, and is not there without", &s.failed.found, s.res.Reduced))
	}
	if s.res.Reduced != 0 {
		way = w.minimise(v, way, len(way)+1, reset)
	}
	f := &Failure{Violation: *v, Schedule: way}
	w.tidy(f, reset)
	return f, nil
}
