package explore

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// worker expands states, on a machine and with properties of its own.
type worker struct {
	*world
	s        *search
	reducer  *emu.Reducer
	layers   [][]frontier // states that wait, by events, then by transitions
	spare    spare
	snap     *emu.Snapshot
	rec      *recorder
	choices  []emu.Choice
	way      []emu.Choice
	state    []byte
	buf      []byte
	arrivals arrivals
	ample    bool   // of the state that is expanded only some choices are followed,
	again    bool   // unless a step from it may close a cycle
	key      key    // of the state that is expanded
	path     []byte // and its path, if there are bits

	transitions, ends, depth, expanded int
	counted                            int // of spare's bytes, in the search's
}

func newWorker(s *search, m *emu.Machine, factories []Factory, mayBlock bool) (*worker, error) {
	w, r, err := newReduced(m, factories, s.lim.Without)
	if err != nil {
		return nil, err
	}
	w.mayBlock = mayBlock
	return &worker{world: w, s: s, reducer: r, rec: newRecorder(m), snap: w.m.NewSnapshot()}, nil
}

// newReduced makes a world of a machine's fork, with the reductions that its
// properties allow.
func newReduced(m *emu.Machine, factories []Factory, without emu.Reduction) (*world, *emu.Reducer, error) {
	w, err := newWorld(m.Fork(), factories)
	if err != nil {
		return nil, nil, err
	}
	set := emu.AllReductions &^ without
	for _, p := range w.props {
		a, ok := p.(Reducible)
		if !ok {
			set = 0
			break
		}
		set &= a.Allows()
	}
	r := w.m.Reduce(set)
	for _, p := range w.props {
		if s, ok := p.(Symmetric); r.Symmetry() != nil && (!ok || !s.CanRename(r.Symmetry())) {
			r.DropSymmetry("what must hold names threads, CPUs or objects")
		}
	}
	return w, r, nil
}

// appendReduced appends the bytes of the state with threads and CPUs in order, and
// returns the renaming that puts them there, nil without symmetry.
func (w *world) appendReduced(b []byte, r *emu.Reducer) ([]byte, *emu.Renaming) {
	if r.Symmetry() == nil {
		return w.appendState(b), nil
	}
	return r.InOrder(b, w.appendRenamed)
}

// appendRenamed appends the bytes of a machine that was renamed, and those of the
// properties.
func (w *world) appendRenamed(b []byte, m *emu.Machine, n *emu.Renaming) []byte {
	b = m.AppendState(b)
	for _, p := range w.props {
		b = p.(Symmetric).AppendRenamed(b, n)
	}
	return b
}

// begin puts the first state into the first layer.
func (w *worker) begin() {
	w.way = w.reducer.Settle(w.way[:0])
	w.state, _ = w.appendReduced(w.state[:0], w.reducer)
	k := hash(w.state)
	w.known(k, key{}, 0, 0)
	w.s.states.Add(1)
	w.wait(k, 0, w.state, 0)
}

// wait puts a state, which was reached by a choice, in the queue of its cost.
func (w *worker) wait(k key, at cost, state []byte, c emu.Choice) {
	e, d := at.events(), at.steps()
	for len(w.layers) <= e {
		w.layers = append(w.layers, nil)
	}
	for len(w.layers[e]) <= d {
		w.layers[e] = append(w.layers[e], frontier{})
	}
	if w.s.bits != nil {
		// There are no nodes that would tell how the state was reached.
		w.buf = binary.AppendUvarint(w.buf[:0], uint64(len(state)))
		w.buf = append(append(w.buf, state...), w.path...)
		if at > 0 {
			w.buf = binary.AppendUvarint(w.buf, uint64(bits.ReverseBytes32(uint32(c))))
		}
		state = w.buf
	}
	w.layers[e][d].push(&w.spare, k, state)
}

// known adds a state that was reached from another by a choice at a cost to those that
// are known; it returns whether it is new, whether it is to be expanded at that cost, and
// whether it was known before the state that is expanded, with as many events: whether
// steps may lead from it to that state.
func (w *worker) known(k, from key, c emu.Choice, at cost) (isNew, waits, before bool) {
	if w.s.bits != nil {
		isNew = w.s.bits.add(k)
		return isNew, isNew, !isNew
	}
	isNew, waits, cost := w.s.seen.reach(k, from, uint32(c), at)
	return isNew, waits, cost <= w.s.at && cost.events() == w.s.at.events()
}

// expand visits the successors of a state; false ends the search.
func (w *worker) expand(k key, state []byte) bool {
	if w.s.bits != nil {
		size, n := binary.Uvarint(state)
		state, w.path = state[n:n+int(size)], state[n+int(size):]
	} else if !w.s.seen.costs(k, w.s.at) {
		return true // it was expanded at a lower cost
	}
	w.key = k
	w.depth = max(w.depth, w.s.at.steps())
	if w.expanded++; w.expanded&0x3ff == 0 {
		w.s.pause(w)
	}
	if w.s.halt.Load() {
		return false
	}
	props := w.setState(state)
	w.rec.state(w.m)
	w.choices = w.m.Choices(w.choices[:0])
	if stuck(w.choices) {
		if v := w.end(); v != nil {
			w.s.fail(violation{at: w.s.at, key: k, path: w.path, ended: true, found: *v, cause: v.Property + " at the end"})
			return true
		}
		if w.m.Done() {
			w.ends++
			return true
		}
	}
	n := w.reducer.Ample(w.choices)
	w.ample, w.again = n < len(w.choices), false
	if len(w.choices) > 1 {
		w.m.Save(w.snap)
	}
	for i := 0; i < n; i++ {
		if i > 0 {
			w.m.Restore(w.snap)
			w.mustSetProps(props)
		}
		w.transitions++
		if !w.follow(w.choices[i]) {
			return false
		}
		// What doesn't have to be known now is looked up later, with more.
		if all := len(w.choices); i == n-1 && n < all {
			if !w.settle() {
				return false
			}
			if w.again {
				n, w.ample = all, false
			}
		}
	}
	return w.s.bits == nil || w.settle() // their path is this state's
}

// follow makes a choice and the local steps behind it, and notes where they lead.
func (w *worker) follow(c emu.Choice) bool {
	events, steps := w.s.at.events()+int(c.Cost()), w.s.at.steps()+1
	w.rec.choice(w.m, c)
	var where ir.Addr
	if t, ok := w.m.Running(c.CPU()); ok {
		where = w.m.Next(t)
	}
	v := w.do(c)
	if v == nil {
		if w.way = w.reducer.Settle(w.way[:0]); len(w.way) > 0 {
			steps += len(w.way)
			v = w.ask(w.way[len(w.way)-1])
		}
	}
	if events > maxEvents || steps > maxSteps {
		w.s.stop(fmt.Sprintf("runs of more than %d transitions or %d events exist", maxSteps, maxEvents))
		return false
	}
	at := costOf(events, steps)
	if v != nil {
		w.s.fail(violation{at: at, key: w.key, path: w.path, choice: c, found: *v, cause: fmt.Sprintf("%s at %s", v.Property, w.m.Image().Where(where))})
		return true
	}
	w.state, _ = w.appendReduced(w.state[:0], w.reducer)
	w.arrivals.add(arrival{key: hash(w.state), from: w.key, choice: c, at: at, closing: w.ample && c.Kind() == emu.Step}, w.state)
	return w.arrivals.few() || w.settle()
}
