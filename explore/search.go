package explore

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// Limits bound a search. Reaching one makes its result incomplete; it never
// turns into a claim.
type Limits struct {
	// States is the number of distinct states; 0: DefaultStates.
	States int
	// Steps is the length of a run; 0: DefaultSteps.
	Steps int
}

// DefaultStates takes about 1 GiB for a program of the usual size.
const DefaultStates = 8_000_000

// Result is what a search found out.
type Result struct {
	Kernel emu.Kernel
	Budget emu.Budget
	CPUs   int
	// Failure is a run that breaks a property, with the fewest kernel events
	// and among these the fewest transitions; nil if none was found.
	Failure *Failure
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

// Progress is told how far a search is, now and then; see [Exhaustive].
type Progress func(r *Result)

// Exhaustive covers every run of the machine within its budget, cheapest first:
// by kernel events, then by transitions. So the first violation is one of the
// shortest, and the same whatever the platform. The machine must be fresh and
// is used up. If ctx ends, the result says how far it got.
//
// It is a best-first search over states, machine's and properties' together,
// each reached the cheapest way:
//
//  1. take the waiting states of the lowest cost
//  2. for each choice go to its successor, ask the properties, and keep the
//     successor if it is new or reached at a lower cost
//  3. a violation ends the search as soon as no waiting state is cheaper; so
//     does an empty frontier
func Exhaustive(ctx context.Context, m *emu.Machine, factories []Factory, lim Limits, progress Progress) (*Result, error) {
	w, err := newWorld(m, factories)
	if err != nil {
		return nil, err
	}
	return w.exhaust(ctx, lim, progress), nil
}

func (w *world) exhaust(ctx context.Context, lim Limits, progress Progress) *Result {
	if lim.States <= 0 {
		lim.States = DefaultStates
	}
	lim.States = min(lim.States, math.MaxInt32-1)
	if lim.Steps <= 0 {
		lim.Steps = DefaultSteps
	}
	s := &search{world: w, ctx: ctx, lim: lim, seen: newVisited(), progress: progress, snap: w.m.NewSnapshot(),
		res: &Result{Kernel: w.m.Kernel(), CPUs: w.m.CPUs(), Budget: w.m.Budget()}}
	reset := w.rewind()
	s.run()
	s.res.States = len(s.seen.nodes)
	if f := s.res.Failure; f != nil {
		w.tidy(f, reset)
	}
	return s.res
}

type search struct {
	*world
	ctx      context.Context
	lim      Limits
	seen     *visited
	layers   [][]frontier // waiting states by events, then by transitions
	spare    spare
	progress Progress
	snap     *emu.Snapshot
	choices  []emu.Choice
	state    []byte
	res      *Result
	failed   cost // of the Failure
	// expanded counts towards the next look at the context.
	expanded int
}

// cost orders states and schedules: kernel events first, then transitions.
type cost struct{ events, steps int }

func (c cost) below(d cost) bool {
	return c.events < d.events || c.events == d.events && c.steps < d.steps
}

func (s *search) run() {
	s.state = s.appendState(s.state[:0])
	n, _ := s.seen.lookup(hash(s.state))
	s.seen.nodes[n].parent = noNode
	s.wait(n, s.state)
	for e := 0; e < len(s.layers); e++ {
		s.res.Events = e
		for d := 0; d < len(s.layers[e]); d++ {
			if s.res.Failure != nil && !(cost{e, d}).below(s.failed) {
				return
			}
			if d >= s.lim.Steps && !s.layers[e][d].empty() {
				s.stop(fmt.Sprintf("runs of more than %d transitions exist: a loop that never repeats a state?", s.lim.Steps))
				return
			}
			s.layers[e][d].each(s.expand)
			s.layers[e][d].release(&s.spare)
			if s.res.Why != "" {
				return
			}
		}
		s.layers[e] = nil
	}
	s.res.Complete = s.res.Failure == nil
}

func (s *search) stop(why string) { s.res.Why = why }

// wait puts a state in the queue of its cost.
func (s *search) wait(n int32, state []byte) {
	nd := &s.seen.nodes[n]
	e, d := int(nd.events), int(nd.steps)
	for len(s.layers) <= e {
		s.layers = append(s.layers, nil)
	}
	for len(s.layers[e]) <= d {
		s.layers[e] = append(s.layers[e], frontier{})
	}
	s.layers[e][d].push(&s.spare, n, state)
}

// expand visits the successors of a state; false ends the search.
func (s *search) expand(n int32, state []byte) bool {
	nd := &s.seen.nodes[n]
	if nd.closed {
		return true
	}
	nd.closed = true
	events, steps := nd.events, nd.steps
	s.res.Depth = max(s.res.Depth, int(steps))
	if s.expanded++; s.expanded&0xfff == 0 && !s.pause() {
		return false
	}
	props := s.setState(state)
	s.choices = s.m.Choices(s.choices[:0])
	if stuck(s.choices) {
		if v := s.end(); v != nil {
			s.fail(v, n, nil)
			return true
		}
		if s.m.Done() {
			s.res.Ends++
			return true
		}
	}
	if len(s.choices) > 1 {
		s.m.Save(s.snap)
	}
	for i, c := range s.choices {
		if i > 0 {
			s.m.Restore(s.snap)
			s.mustSetProps(props)
		}
		s.res.Transitions++
		if v := s.do(c); v != nil {
			s.fail(v, n, &c)
			continue
		}
		if !s.reached(n, c, events+c.Cost(), steps+1) {
			return false
		}
	}
	return true
}

// reached notes that the machine's state was reached from node n.
func (s *search) reached(n int32, c emu.Choice, events uint16, steps uint32) bool {
	s.state = s.appendState(s.state[:0])
	to, isNew := s.seen.lookup(hash(s.state))
	nd := &s.seen.nodes[to]
	if !isNew && (nd.closed || nd.events < events || nd.events == events && nd.steps <= steps) {
		return true
	}
	nd.parent, nd.choice, nd.events, nd.steps = n, uint32(c), events, steps
	if isNew && len(s.seen.nodes) > s.lim.States {
		s.stop(fmt.Sprintf("more than %d states", s.lim.States))
		return false
	}
	s.wait(to, s.state)
	return true
}

// pause looks at the context and tells about progress.
func (s *search) pause() bool {
	if err := s.ctx.Err(); err != nil {
		s.stop("interrupted: " + context.Cause(s.ctx).Error())
		return false
	}
	if s.progress != nil {
		s.res.States = len(s.seen.nodes)
		s.progress(s.res)
	}
	return true
}

// fail records a violation at node n, or behind its choice c, if it is cheaper
// than the one there is.
func (s *search) fail(v *Violation, n int32, c *emu.Choice) {
	nd := s.seen.nodes[n]
	at := cost{int(nd.events), int(nd.steps)}
	var way []emu.Choice
	if c != nil {
		at.events += int(c.Cost())
		at.steps++
		way = append(way, *c)
	}
	if s.res.Failure != nil && !at.below(s.failed) {
		return
	}
	for ; nd.parent != noNode; nd = s.seen.nodes[nd.parent] {
		way = append(way, emu.Choice(nd.choice))
	}
	slices.Reverse(way)
	s.failed = at
	s.res.Failure = &Failure{Violation: *v, Schedule: way}
}
