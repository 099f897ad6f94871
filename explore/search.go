package explore

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rseqemu/rseqemu/emu"
)

// Limits bound a search. Reaching one makes its result incomplete; it never
// turns into a claim.
type Limits struct {
	// States is the number of distinct states, with those of the last layer beyond
	// it; 0: DefaultStates.
	States int
	// Steps is the length of a run, at most a million; 0: DefaultSteps.
	Steps int
	// Memory is the number of bytes that states may take, about; 0: no bound.
	Memory int
	// Bits is the size in bytes of a table of bits that holds the states instead of
	// their hashes; 0: none. A search with it proves nothing, and which states it
	// misses depends on the order in which several workers come to them.
	Bits int
	// Exact keeps the states themselves beside their hashes, so that two with the
	// same hash are noticed.
	Exact bool
	// Failures is how many different failures are looked for; 0: one. They differ
	// in what they break or where.
	Failures int
	// Without are the reductions that are left out, all of which there are
	// otherwise if the properties allow them.
	Without emu.Reduction
	// Workers is the number of goroutines that expand states; 0: as many as there
	// are processors. The result doesn't depend on it.
	Workers int
}

// DefaultStates takes about 1 GiB for a program of the usual size, half of it for
// states that wait.
const DefaultStates = 10_000_000

// Result is what a search found out.
type Result struct {
	Kernel emu.Kernel
	Budget emu.Budget
	CPUs   int
	// Failure is a run that breaks a property, with the fewest kernel events
	// and among these the fewest transitions; nil if none was found.
	Failure *Failure
	// Others are the cheapest failures that break something else, or elsewhere, if
	// more than one was asked for: cheapest first.
	Others []*Failure
	// Complete says that every run within the budget was covered and none
	// broke a property: that the program holds. If neither a Failure nor the
	// end of the runs ended the search, Why says what did; a Failure beside it
	// is real, but may not be the cheapest.
	Complete bool
	Why      string
	// Events is how many kernel events the runs have that the search came to:
	// all runs with fewer were covered, whatever ended it.
	Events int
	// Ends is the number of states found in which every thread has ended. With
	// none of them no run ends, and what is asked at the end was never asked.
	Ends int

	// Reduced are the reductions that were made, and Symmetric what can change
	// places, if that is one of them, or else why nothing can.
	Reduced   emu.Reduction
	Symmetric string
	// Missed is the binary logarithm of the odds that two states were taken for one
	// since their hashes are the same; 0 if states were stored as they are, or as
	// bits, of which Why tells.
	Missed float64
	// Coverage is what was tried (not by random runs).
	Coverage *Coverage

	States      int // distinct states, of machine and properties
	Transitions int
	Depth       int // transitions of the longest way to a state that was followed
	Runs        int // random runs that were made (Sample)
	// Sampler made them, and Bound says how likely one of them finds a bug, if
	// it is known.
	Sampler string
	Bound   *Bound
	// Sampled says that all the random runs that were asked for were made.
	Sampled bool
}

// Failure is a violation and how to get there.
type Failure struct {
	Violation
	Schedule []emu.Choice
}

// bytesPerState is what a state that was expanded takes: a node of a table that is
// two thirds full, more or less.
const bytesPerState = 48

func (s *search) bytesPerState() int64 {
	if s.bits != nil {
		return 0
	}
	return bytesPerState
}

// Progress is told how far a search is, now and then; see [Exhaustive].
type Progress func(r *Result)

// Exhaustive covers every run of the machine within its budget, cheapest first:
// by kernel events, then by transitions. So the first violation is one of those
// with the fewest kernel events, and the same whatever the platform and the
// number of workers. The machine must be fresh and is used up. If ctx ends, the
// result says how far it got.
//
// It is a best-first search over states, machine's and properties' together,
// each reached the cheapest way:
//
//  1. take the waiting states of the lowest cost, which the workers share
//  2. for each choice go to its successor, ask the properties, make the local
//     steps that are due, and keep the successor if it is new or reached at a
//     lower cost
//  3. a violation ends the search as soon as no waiting state is cheaper; so
//     does an empty frontier
//
// A reduction that has turned out to assume too much of the program is left out,
// and the search begins anew.
func Exhaustive(ctx context.Context, m *emu.Machine, factories []Factory, lim Limits, progress Progress) (*Result, error) {
	return exhaust(ctx, m, factories, lim, progress, false, nil)
}

// steps is the bound of a run's length.
func (l *Limits) steps() int {
	if l.Steps <= 0 {
		return DefaultSteps
	}
	return min(l.Steps, maxSteps)
}

func exhaust(ctx context.Context, m *emu.Machine, factories []Factory, lim Limits, progress Progress, mayBlock bool, keep *keeper) (*Result, error) {
	if lim.States <= 0 {
		lim.States = DefaultStates
	}
	lim.Steps = lim.steps()
	if lim.Workers <= 0 {
		lim.Workers = runtime.GOMAXPROCS(0)
	}
	lim.Without |= keep.without()
	for {
		s := &search{ctx: ctx, lim: lim, seen: newVisited(), progress: progress, keep: keep,
			res: &Result{Kernel: m.Kernel(), CPUs: m.CPUs(), Budget: m.Budget()}}
		if lim.Bits > 0 {
			s.bits = newBits(lim.Bits)
		}
		s.seen.keep(lim.Exact)
		for range lim.Workers {
			w, err := newWorker(s, m, factories, mayBlock)
			if err != nil {
				return nil, err
			}
			s.workers = append(s.workers, w)
		}
		s.res.Reduced, s.res.Symmetric = s.workers[0].reducer.Set(), s.workers[0].reducer.Symmetric()
		if err := keep.resume(s); err != nil {
			return nil, err
		}
		if s.run(); s.broken != 0 {
			lim.Without |= s.broken
			continue
		}
		s.sum()
		for i := range s.failed {
			f, err := s.failure(&s.failed[i], m.Fork(), factories, mayBlock)
			switch {
			case err != nil:
				return nil, err
			case i == 0:
				s.res.Failure = f
			default:
				s.res.Others = append(s.res.Others, f)
			}
		}
		return s.res, nil
	}
}

// search is what the workers share. Between layers only the first one is at work,
// and reads what the others have left.
type search struct {
	ctx      context.Context
	lim      Limits
	seen     *visited
	bits     *bitSet // instead of seen, or nil
	at       cost    // of the layer that is expanded
	workers  []*worker
	progress Progress
	res      *Result
	states   atomic.Int64
	queued   atomic.Int64 // bytes of states that wait
	halt     atomic.Bool
	parked   atomic.Bool // the workers leave the rest of a layer for a checkpoint
	keep     *keeper     // of checkpoints, or nil
	first    cost        // of the first layer, of a search that was resumed
	broken   emu.Reduction

	mu     sync.Mutex
	why    string
	failed []violation // the cheapest of each cause, in order, no more than asked for
}

// violation is where a property was found broken.
type violation struct {
	at     cost
	key    key    // of the state before it
	path   []byte // to that state, in a search with bits
	choice emu.Choice
	ended  bool // it is what is asked at the end, and there is no choice
	found  Violation
	cause  string // what is broken, and where
}

// run expands layer by layer. The layers of the same number of events are all
// done before any with more.
func (s *search) run() {
	if s.keep == nil && s.ctx.Err() != nil {
		s.interrupted() // a small search would end before it looks
		return
	}
	if s.states.Load() == 0 {
		s.workers[0].begin()
	}
	events, steps := s.first.events(), s.first.steps()
	for ; events < s.layers(); events, steps = events+1, 0 {
		s.res.Events = events
		for ; steps < s.depth(events); steps++ {
			if s.done(costOf(events, steps)) {
				return
			}
			chunks := s.take(events, steps)
			if len(chunks) == 0 {
				continue
			}
			if steps >= s.lim.Steps {
				s.why = fmt.Sprintf("runs of more than %d transitions exist: a loop that never repeats a state?", s.lim.Steps)
				return
			}
			s.at = costOf(events, steps)
			for chunks = s.checkpoint(chunks); len(chunks) > 0; chunks = s.checkpoint(chunks) {
				chunks = s.expand(chunks)
			}
			for _, w := range s.workers {
				if s.broken |= w.reducer.Broken(); s.broken != 0 {
					return
				}
			}
			if s.states.Load() > int64(s.lim.States) {
				s.keep.save(s, nil)
				s.stop(s.tooMany())
			}
			if s.why != "" {
				return
			}
		}
		for _, w := range s.workers {
			if events < len(w.layers) {
				w.layers[events] = nil
			}
		}
	}
	s.res.Complete = len(s.failed) == 0 && s.bits == nil
	if s.bits != nil {
		s.why = s.bits.missed()
	}
}

// done reports whether there are as many failures as were asked for, and nothing
// that still waits is cheaper.
func (s *search) done(at cost) bool {
	n := len(s.failed)
	return n > 0 && n == max(s.lim.Failures, 1) && at >= s.failed[n-1].at
}

// layers is one more than the highest number of events of a state that waits.
func (s *search) layers() int {
	n := 0
	for _, w := range s.workers {
		n = max(n, len(w.layers))
	}
	return n
}

// depth is one more than the highest number of transitions of a state that waits
// with so many events.
func (s *search) depth(events int) int {
	n := 0
	for _, w := range s.workers {
		if events < len(w.layers) {
			n = max(n, len(w.layers[events]))
		}
	}
	return n
}

// take returns the buffers of a layer, of all workers.
func (s *search) take(events, steps int) [][]byte {
	var chunks [][]byte
	for _, w := range s.workers {
		if events < len(w.layers) && steps < len(w.layers[events]) {
			chunks = append(chunks, w.layers[events][steps].chunks...)
			w.layers[events][steps].chunks = nil
		}
	}
	return chunks
}

// expand has the workers expand a layer, each the buffers that it gets hold of, and
// returns those that were left. A layer of one buffer isn't worth a switch.
func (s *search) expand(chunks [][]byte) (rest [][]byte) {
	var next atomic.Int64
	work := func(w *worker) {
		for !s.halt.Load() && !s.parked.Load() {
			i := int(next.Add(1)) - 1
			if i >= len(chunks) {
				break
			}
			each(chunks[i], w.expand)
			w.spare.release(chunks[i])
		}
		w.settle()
	}
	var wg sync.WaitGroup
	if len(chunks) > 1 {
		for _, w := range s.workers[1:] {
			wg.Go(func() { work(w) })
		}
	}
	work(s.workers[0])
	wg.Wait()
	return chunks[min(int(next.Load()), len(chunks)):]
}

// tooMany is why a search ends that has found more states than it may. It does so
// at the end of a layer, so that what it says doesn't depend on who found them; a
// layer that has as many states by itself is too much.
func (s *search) tooMany() string { return fmt.Sprintf("more than %d states", s.lim.States) }

// stop ends the search; the first reason counts.
func (s *search) stop(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == "" {
		s.why = why
	}
	s.halt.Store(true)
}

func (s *search) interrupted() { s.stop("interrupted: " + context.Cause(s.ctx).Error()) }

// fail records a violation, unless there is a cheaper one with the same cause, or as
// cheap and before it in an order that doesn't depend on who finds it first; of all
// causes as many are kept as were asked for, the cheapest.
func (s *search) fail(v violation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.failed, func(o violation) bool { return o.cause == v.cause }); i >= 0 {
		if !v.before(&s.failed[i]) {
			return
		}
		s.failed = slices.Delete(s.failed, i, i+1)
	}
	v.path = slices.Clone(v.path)
	i, _ := slices.BinarySearchFunc(s.failed, v, func(a, b violation) int {
		if a.before(&b) {
			return -1
		}
		return 1
	})
	s.failed = slices.Insert(s.failed, i, v)
	s.failed = s.failed[:min(len(s.failed), max(s.lim.Failures, 1))]
}

func (v *violation) before(o *violation) bool {
	switch {
	case v.at != o.at:
		return v.at < o.at
	case v.choice != o.choice:
		return v.choice < o.choice
	case v.key != o.key:
		return v.key.hi < o.key.hi || v.key.hi == o.key.hi && v.key.lo < o.key.lo
	}
	return v.cause < o.cause
}

// sum adds up what the workers counted.
func (s *search) sum() {
	s.res.States = int(s.states.Load())
	s.res.Why = s.why
	switch {
	case s.bits != nil:
		s.res.Events = 0 // there is no number of events for which all runs were covered
	case !s.lim.Exact:
		s.res.Missed = 2*math.Log2(float64(max(s.res.States, 2))) - 1 - hashBits
	}
	cov := newRecorder(s.workers[0].m).cov
	s.res.Transitions, s.res.Ends, s.res.Coverage = 0, 0, &cov
	for _, w := range s.workers {
		s.res.Transitions += w.transitions
		s.res.Ends += w.ends
		s.res.Depth = max(s.res.Depth, w.depth)
		for i := range w.rec.cov.Instrs {
			w.rec.cov.Instrs[i].Local = w.rec.cov.Instrs[i].Local || w.reducer.WasLocal(i)
		}
		cov.add(&w.rec.cov)
	}
}

// pause looks at the context and at the memory and tells about progress.
func (s *search) pause(w *worker) {
	if s.keep.due(s.ctx) {
		s.parked.Store(true)
	} else if s.ctx.Err() != nil {
		s.interrupted()
		return
	}
	s.queued.Add(int64(w.spare.bytes - w.counted))
	w.counted = w.spare.bytes
	if used := s.queued.Load() + s.states.Load()*s.bytesPerState(); s.lim.Memory > 0 && used > int64(s.lim.Memory) {
		s.stop(fmt.Sprintf("states take more than %d MiB", s.lim.Memory>>20))
		return
	}
	if s.progress != nil && w == s.workers[0] {
		s.res.States = int(s.states.Load())
		s.progress(s.res)
	}
}
