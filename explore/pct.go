package explore

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
)

// MaxDepth is the deepest bug that [PCT] is aimed at when it is asked for all
// depths.
const MaxDepth = 5

// maxPCTDepth bounds the change points of a run.
const maxPCTDepth = 64

// PCTSampler makes runs as Burckhardt, Kothari, Musuvathi and Nagarakatte do ("A
// randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS
// 2010), with kernel events: see [PCT].
type PCTSampler struct {
	dice
	fixed int // the depth, or 0

	m    *emu.Machine // for which k and c are known
	k, c int
	seen []bool  // by actor (tasks, then CPUs' interrupts): it could do something
	prio []int32 // by actor
	// points are this run's change points in order of time, of which next is due.
	points  []changePoint
	next    int
	at      int // transitions made
	last    int // the actor of the transition before
	held    int // for how many transitions
	yielded int32
}

type changePoint struct{ at, label int }

// PCT returns a sampler with a probability bound. Each run puts the threads in a
// random order, and the first that can go on does. At depth-1 random transitions
// something changes, drawn from
//
//   - the thread that would go on becomes one of the last
//   - a kernel event that is enabled, on whatever CPU; a thread that it takes off
//     its CPU becomes one of the last
//   - the thread goes on on another CPU than it would (without a change it gets
//     its own, else the first that is idle)
//
// A bug that takes nothing but which thread is last at first, and depth-1 such
// changes, is found by a run with a probability of at least 1/(n·(k·c)^(depth-1)),
// for n threads, k transitions and c changes to choose among: see
// [PCTSampler.Bound]. Priorities without events would preempt nothing on a machine
// with a CPU for each thread.
//
// Depth 0 takes the depths from 1 to [MaxDepth] in turn, by the run's number: the
// bound is for bugs of the very depth, and a run of depth 2 may never find what one
// of depth 3 finds soon.
func PCT(depth int) (*PCTSampler, error) {
	if depth < 0 || depth > maxPCTDepth {
		return nil, fmt.Errorf("a depth of %d is out of range (1..%d; 0: 1 to %d in turn)", depth, maxPCTDepth, MaxDepth)
	}
	return &PCTSampler{fixed: depth}, nil
}

func (p *PCTSampler) String() string { return "pct" }

// Bound is what a PCT run is good for.
type Bound struct {
	// Threads are those that take part, Transitions those among which the
	// change points are drawn, from the first on, and Changes the most among
	// which a change was drawn.
	Threads, Transitions, Changes int
	// Depths are those of the runs, in turn.
	Depths []int
}

// OneIn is the inverse of the least probability with which one run of that depth
// finds a bug of that depth: n·(k·c)^(depth-1).
func (b *Bound) OneIn(depth int) float64 {
	n := float64(b.Threads)
	for range depth - 1 {
		n *= float64(b.Transitions * b.Changes)
	}
	return n
}

// Bound returns the bound of the runs so far.
func (p *PCTSampler) Bound() *Bound {
	b := &Bound{Transitions: p.k, Changes: p.c, Depths: []int{p.fixed}}
	for _, took := range p.seen {
		if took {
			b.Threads++
		}
	}
	if p.fixed == 0 {
		b.Depths = b.Depths[:0]
		for d := range MaxDepth {
			b.Depths = append(b.Depths, d+1)
		}
	}
	return b
}

// Begin draws the order and the change points.
func (p *PCTSampler) Begin(m *emu.Machine, run uint64) {
	if p.m != m {
		p.m = m
		p.measure(m.Fork())
	}
	p.seed(run, streamPCT)
	p.at, p.next, p.last, p.held, p.yielded = 0, 0, -1, 0, 0
	depth := p.fixed
	if depth == 0 {
		depth = 1 + int(run%MaxDepth)
	}
	for i := range p.prio {
		j := p.intN(i + 1)
		p.prio[i] = p.prio[j]
		p.prio[j] = int32(depth + i)
	}
	p.points = p.points[:0]
	for label := 1; label < depth; label++ {
		p.addPoint(changePoint{p.intN(p.k), label})
	}
}

// addPoint puts a change point in its place; the later one of two that fall
// together moves on, to the transition behind.
func (p *PCTSampler) addPoint(c changePoint) {
	i := len(p.points)
	for i > 0 && p.points[i-1].at > c.at {
		i--
	}
	p.points = append(p.points, changePoint{})
	copy(p.points[i+1:], p.points[i:])
	p.points[i] = c
	for i = 1; i < len(p.points); i++ {
		p.points[i].at = max(p.points[i].at, p.points[i-1].at+1)
	}
}

// What is tried to know how long runs are.
const (
	measuredRuns  = 32
	measuredSteps = 10_000
)

// measure sets k and c by some weighted runs, always the same.
func (p *PCTSampler) measure(m *emu.Machine) {
	start := m.NewSnapshot()
	p.prio = make([]int32, m.Tasks()+m.CPUs())
	p.seen = make([]bool, len(p.prio))
	p.points = make([]changePoint, 0, maxPCTDepth)
	p.k, p.c = 1, 1
	w := Weighted()
	var choices []emu.Choice
	for run := range uint64(measuredRuns) {
		m.Restore(start)
		w.Begin(m, run)
		for n := 1; n <= measuredSteps; n++ {
			if choices = m.Choices(choices[:0]); stuck(choices) {
				break
			}
			best, who := p.first(m, choices)
			p.k, p.c = max(p.k, n), max(p.c, p.changes(m, choices, best, who))
			m.Do(choices[w.Choose(m, choices)])
		}
	}
}

// Choose lets the first thread that can go on do so, unless there is a change.
func (p *PCTSampler) Choose(m *emu.Machine, choices []emu.Choice) int {
	best, who := p.first(m, choices)
	if who == p.last {
		// Whoever waits for another's store has to let it go on.
		if p.held++; p.held > max(patience, 2*p.k) {
			p.yielded--
			p.prio[who] = p.yielded
			best, who = p.first(m, choices)
			p.held = 0
		}
	} else {
		p.last, p.held = who, 0
	}
	at := p.at
	p.at++
	if p.next < len(p.points) && p.points[p.next].at <= at {
		p.next++
		return p.change(m, choices, best, who, int32(p.points[p.next-1].label))
	}
	return best
}

// first finds the actor that comes first, and its choice.
func (p *PCTSampler) first(m *emu.Machine, choices []emu.Choice) (best, who int) {
	best, who = -1, -1
	for i, c := range choices {
		if !byItself(c) {
			break
		}
		a := p.actor(m, c)
		p.seen[a] = true
		if best < 0 || p.prio[a] > p.prio[who] || a == who && c.Kind() == emu.Run && m.LastCPU(c.Task()) == c.CPU() {
			best, who = i, a
		}
	}
	return best, who
}

// actor is who makes a choice that is no event: a task, or a CPU's interrupt.
func (p *PCTSampler) actor(m *emu.Machine, c emu.Choice) int {
	switch c.Kind() {
	case emu.Step:
		t, _ := m.Running(c.CPU())
		return int(t)
	case emu.Run, emu.Wake:
		return int(c.Task())
	}
	return m.Tasks() + int(c.CPU())
}

// change makes one of the changes that there are at a transition.
func (p *PCTSampler) change(m *emu.Machine, choices []emu.Choice, best, who int, label int32) int {
	n := p.changes(m, choices, best, who)
	p.c = max(p.c, n)
	r := p.intN(n)
	if r == 0 {
		p.prio[who] = label
		best, _ = p.first(m, choices)
		return best
	}
	for i, c := range choices {
		if !p.isChange(m, c, i, best, who) {
			continue
		}
		if r--; r > 0 {
			continue
		}
		if k := c.Kind(); k == emu.Preempt || k == emu.FaultSleep {
			t, _ := m.Running(c.CPU())
			p.prio[t] = label
		}
		return i
	}
	panic("explore: BUG: there are fewer changes than there were")
}

// changes counts those that there are: the thread going behind is one.
func (p *PCTSampler) changes(m *emu.Machine, choices []emu.Choice, best, who int) int {
	n := 1
	for i, c := range choices {
		if p.isChange(m, c, i, best, who) {
			n++
		}
	}
	return n
}

// isChange reports whether a choice is an event, or another CPU for the thread.
func (p *PCTSampler) isChange(m *emu.Machine, c emu.Choice, i, best, who int) bool {
	return !byItself(c) || i != best && c.Kind() == emu.Run && p.actor(m, c) == who
}
