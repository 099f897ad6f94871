package explore

import "github.com/rseqemu/rseqemu/emu"

// arrivals are states that a worker has come to, and has yet to look up among those that
// are known. The set of these is larger than any cache, and a processor that is asked
// for many places at once waits hardly longer than for one.
type arrivals struct {
	entries []arrival
	states  []byte // of all, one after another
	touched uint64
}

// arrival is a state and how it was reached.
type arrival struct {
	key, from key
	choice    emu.Choice
	at        cost
	end       int  // of its bytes in states
	closing   bool // if it was known already, a step may have closed a cycle
}

// maxArrivals is more than processors ask for at once.
const maxArrivals = 32

func (r *arrivals) add(a arrival, state []byte) {
	r.states = append(r.states, state...)
	a.end = len(r.states)
	r.entries = append(r.entries, a)
}

// few reports whether there is room for more.
func (r *arrivals) few() bool { return len(r.entries) < maxArrivals }

// settle looks up the states that were reached, and puts into the queue what is to be
// expanded. False ends the search.
func (w *worker) settle() bool {
	r := &w.arrivals
	if w.s.bits == nil && len(r.entries) > 1 {
		for i := range r.entries {
			r.touched += w.s.seen.touch(r.entries[i].key)
		}
	}
	from := 0
	for i := range r.entries {
		a := &r.entries[i]
		state := r.states[from:a.end]
		from = a.end
		if !w.s.seen.same(a.key, state) {
			w.s.stop("two different states have the same hash")
			return false
		}
		isNew, waits, before := w.known(a.key, a.from, a.choice, a.at)
		w.again = w.again || before && a.closing
		if isNew {
			if states := w.s.states.Add(1); states > 2*int64(w.s.lim.States) {
				w.s.stop(w.s.tooMany())
				return false
			}
		}
		if waits {
			w.wait(a.key, a.at, state, a.choice)
		}
	}
	r.entries, r.states = r.entries[:0], r.states[:0]
	return true
}
