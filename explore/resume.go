package explore

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/rseqemu/rseqemu/emu"
)

// checkpoint writes one if it is time to, with the workers at rest and these buffers
// left of the layer; it returns what is to be expanded now. A worker comes to rest
// behind a buffer, which is after milliseconds, however large the layer is.
func (s *search) checkpoint(chunks [][]byte) [][]byte {
	s.parked.Store(false)
	switch {
	case s.why != "":
		return nil
	case len(chunks) == 0 || !s.keep.due(s.ctx):
		return chunks
	}
	for _, w := range s.workers {
		if w.reducer.Broken() != 0 {
			// The search begins anew behind this layer.
			return chunks
		}
	}
	s.keep.save(s, chunks)
	if s.ctx.Err() != nil {
		s.interrupted()
		return nil
	}
	return chunks
}

// without are the reductions that the search to be resumed had given up.
func (k *keeper) without() emu.Reduction {
	if k == nil || k.under == nil || k.under.Finding != k.finding {
		return 0
	}
	return k.under.Without
}

// save writes the search. That it can't is told, and ends nothing.
func (k *keeper) save(s *search, rest [][]byte) {
	if k == nil || k.closed {
		return
	}
	s.sum()
	counts := *s.res
	to := &saved{Terms: k.terms, Results: k.results, States: k.states, Finding: k.finding, Without: s.lim.Without,
		At: s.at, Lowered: s.seen.lowered.Load(), Counts: &counts}
	for _, v := range s.failed {
		to.Failed = append(to.Failed, savedViolation{v.at, v.key.hi, v.key.lo, v.path, v.choice, v.ended, v.found, v.cause})
	}
	if err := k.write(to, func(e *encoder) { s.encode(e, rest) }); err != nil {
		k.note(fmt.Sprintf("no checkpoint could be written: %v", err))
	}
	k.under = nil // its states were in the file
	k.closed = s.ctx.Err() != nil
	k.next = time.Now().Add(k.Every)
}

// encode writes the states: those that are known, and those that wait.
func (s *search) encode(e *encoder, rest [][]byte) {
	var b [nodeSize]byte
	for i := range s.seen.shards {
		sh := &s.seen.shards[i]
		e.number(uint64(sh.n))
		for j := range sh.nodes {
			if nd := &sh.nodes[j]; nd.key != (key{}) {
				nd.put(b[:])
				e.w.Write(b[:])
			}
		}
		if s.lim.Exact {
			e.number(uint64(len(sh.states)))
			for k, state := range sh.states {
				e.number(k.hi)
				e.number(k.lo)
				e.bytes([]byte(state))
			}
		}
	}
	if s.bits != nil {
		e.number(uint64(s.bits.n.Load()))
		for i := range s.bits.words {
			e.number(s.bits.words[i].Load())
		}
	}
	layer := func(at cost, chunks [][]byte) {
		if len(chunks) > 0 {
			e.number(uint64(at) + 1)
			e.number(uint64(len(chunks)))
			for _, c := range chunks {
				e.bytes(c)
			}
		}
	}
	layer(s.at, rest)
	for _, w := range s.workers {
		for events := range w.layers {
			for steps := range w.layers[events] {
				layer(costOf(events, steps), w.layers[events][steps].chunks)
			}
		}
	}
	e.number(0)
}

const nodeSize = 32

func (nd *node) put(b []byte) {
	binary.LittleEndian.PutUint64(b, nd.key.hi)
	binary.LittleEndian.PutUint64(b[8:], nd.key.lo)
	binary.LittleEndian.PutUint64(b[16:], nd.parent)
	binary.LittleEndian.PutUint32(b[24:], nd.choice)
	binary.LittleEndian.PutUint32(b[28:], uint32(nd.cost))
}

func (nd *node) get(b []byte) {
	nd.key = key{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
	nd.parent = binary.LittleEndian.Uint64(b[16:])
	nd.choice = binary.LittleEndian.Uint32(b[24:])
	nd.cost = cost(binary.LittleEndian.Uint32(b[28:]))
}

// resume sets a fresh search to where the checkpoint's was, if it is that one's.
func (k *keeper) resume(s *search) error {
	if k == nil || k.under == nil || k.under.Finding != k.finding || k.under.Counts == nil {
		return nil
	}
	from := k.under
	k.under = nil // what begins anew does so from the beginning
	f, err := os.Open(k.from)
	if err != nil {
		return err
	}
	defer f.Close()
	d, err := newDecoder(f)
	if err == nil {
		d.bytes() // the JSON
		err = s.decode(d, from)
	}
	if err != nil {
		k.closed = true // the file is left alone
		return fmt.Errorf("%s: %w", k.from, err)
	}
	return nil
}

func (s *search) decode(d *decoder, from *saved) error {
	w := s.workers[0]
	for _, v := range from.Failed {
		s.failed = append(s.failed, violation{v.At, key{v.Hi, v.Lo}, v.Path, v.Choice, v.Ended, v.Found, v.Cause})
	}
	s.first, s.at = from.At, from.At
	s.states.Store(int64(from.Counts.States))
	s.seen.lowered.Store(from.Lowered)
	w.transitions, w.ends, w.depth = from.Counts.Transitions, from.Counts.Ends, from.Counts.Depth
	if c := from.Counts.Coverage; c != nil && len(c.Instrs) == len(w.rec.cov.Instrs) && len(c.Overlaps) == len(w.rec.cov.Overlaps) {
		w.rec.cov.add(c)
	}
	total := 0
	for i := range s.seen.shards {
		n, err := s.seen.shards[i].decode(d, s.lim.Exact)
		if err != nil {
			return err
		}
		total += n
	}
	if s.bits != nil {
		s.bits.n.Store(int64(d.number()))
		for i := range s.bits.words {
			s.bits.words[i].Store(d.number())
		}
	} else if total != from.Counts.States {
		return fmt.Errorf("%w: %d states of %d", errDamaged, total, from.Counts.States)
	}
	for at := d.number(); at > 0; at = d.number() {
		for range d.number() {
			b := d.bytes()
			if d.err != nil {
				return d.err
			}
			if err := w.requeue(cost(at-1), b); err != nil {
				return err
			}
		}
	}
	if d.err == nil && d.left != 0 {
		d.err = errDamaged
	}
	return d.err
}

// decode reads the nodes of a shard.
func (sh *shard) decode(d *decoder, exact bool) (int, error) {
	n := d.number()
	if d.err != nil || n > uint64(d.left)/nodeSize {
		return 0, errDamaged
	}
	sh.set(make([]node, max(8, n+n/2)))
	sh.n = int(n)
	var b [nodeSize]byte
	for range n {
		var nd node
		d.take(b[:])
		if nd.get(b[:]); d.err != nil || nd.key.hi == 0 {
			return 0, errDamaged
		}
		*sh.find(nd.key) = nd
	}
	if exact {
		for range d.number() {
			k := key{d.number(), d.number()}
			if sh.states[k] = string(d.bytes()); d.err != nil {
				return 0, d.err
			}
		}
	}
	return int(n), d.err
}

// requeue puts a buffer of states back into the queue, after a look at each.
func (w *worker) requeue(at cost, chunk []byte) error {
	for b := chunk; len(b) > 0; {
		if len(b) < entryHead || uint64(len(b)-entryHead) < uint64(binary.LittleEndian.Uint32(b[16:])) {
			return errDamaged
		}
		k := key{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
		end := entryHead + int(binary.LittleEndian.Uint32(b[16:]))
		state := b[entryHead:end]
		if w.s.bits != nil {
			size, n := binary.Uvarint(state)
			if n <= 0 || size > uint64(len(state)-n) {
				return errDamaged
			}
			state = state[n : n+int(size)]
		}
		if hash(state) != k {
			return fmt.Errorf("%w: a state isn't the one that it says", errDamaged)
		}
		b = b[end:]
	}
	e, st := at.events(), at.steps()
	for len(w.layers) <= e {
		w.layers = append(w.layers, nil)
	}
	for len(w.layers[e]) <= st {
		w.layers[e] = append(w.layers[e], frontier{})
	}
	w.spare.bytes += len(chunk)
	w.layers[e][st].chunks = append(w.layers[e][st].chunks, chunk)
	return nil
}
