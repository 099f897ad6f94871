package explore

import "github.com/rseqemu/rseqemu/emu"

// Guided returns a sampler that learns from its runs, as a fuzzer does. It keeps
// the schedule of a run that came to a new abstract state, and most of its runs
// are changed copies of those that it keeps; the others are as those of
// [Weighted]. An abstract state is where each task is (its call, its instruction,
// running or not, on which CPU) and what kind of choice led there, without any
// data.
//
// What a run does depends on those before it. The same numbers in the same order
// give the same runs.
func Guided() Sampler { return &guided{} }

// The bounds of what a guided sampler remembers: 16 MiB of schedules, and a bit
// for each abstract state by its hash. Those whose bit is taken by another are
// overlooked.
const (
	maxKept    = 1024
	maxKeptLen = 4096
	placeBits  = 20
)

type guided struct {
	dice
	m       *emu.Machine
	weights weighted
	tasks   int

	places []uint64 // the set of abstract states, by hash
	news   int      // those that this run came to first
	kept   [][]emu.Choice
	way    []emu.Choice // this run's schedule, up to maxKeptLen

	plan edit
}

func (g *guided) String() string { return "guided" }

// edit is what a run does to the schedules that it copies: it goes along parent up
// to cut, then along other, and then by chance. What isn't enabled is left out.
type edit struct {
	parent, other []emu.Choice
	cut           int
	drop          int    // this one is left out
	insert        [3]int // at these a choice is made by chance
	at            int
}

// Begin keeps the schedule of the run before, if it was worth it, and decides
// which to copy.
func (g *guided) Begin(m *emu.Machine, run uint64) {
	if g.m != m {
		*g = guided{m: m, tasks: m.Tasks(), places: make([]uint64, 1<<placeBits/64)}
	}
	g.seed(run, streamGuided)
	g.weights.Begin(m, run)
	if g.news > 0 {
		g.keep()
	}
	g.news, g.way = 0, g.way[:0]
	g.plan = edit{}
	if len(g.kept) > 0 && g.intN(8) > 0 {
		g.plan = g.draw()
	}
}

// keep stores the schedule of the run that is over, in the place of another if
// there are too many.
func (g *guided) keep() {
	i := len(g.kept)
	if i < maxKept {
		g.kept = append(g.kept, nil)
	} else {
		i = g.intN(maxKept)
	}
	g.kept[i] = append(g.kept[i][:0], g.way...)
}

// draw decides on a schedule and on what to change in it.
func (g *guided) draw() edit {
	e := edit{parent: g.pick(), drop: -1, insert: [3]int{-1, -1, -1}}
	e.cut = len(e.parent)
	where := func() int { return g.intN(len(e.parent) + 1) }
	switch g.intN(4) {
	case 0: // another end
		e.cut = where()
	case 1: // the end of another one
		e.cut, e.other = where(), g.pick()
		e.other = e.other[min(e.cut, len(e.other)):]
	case 2: // without one choice
		e.drop = where()
	case 3: // with some others put in
		for i := range 1 + g.intN(len(e.insert)) {
			e.insert[i] = where()
		}
	}
	return e
}

// pick takes one of the schedules that are kept, the latest ones more often.
func (g *guided) pick() []emu.Choice {
	n := len(g.kept)
	if recent := n - n/4; g.intN(2) == 0 {
		return g.kept[recent-1+g.intN(n-recent+1)]
	}
	return g.kept[g.intN(n)]
}

// Choose takes in where the last choice led, and follows the plan.
func (g *guided) Choose(m *emu.Machine, choices []emu.Choice) int {
	g.look(m)
	i := g.follow(choices)
	if i < 0 {
		i = g.weights.Choose(m, choices)
	}
	if len(g.way) < maxKeptLen {
		g.way = append(g.way, choices[i])
	}
	return i
}

// look notes the abstract state that the machine is in.
func (g *guided) look(m *emu.Machine) {
	var h uint64
	if n := len(g.way); n > 0 {
		h = uint64(g.way[n-1].Kind())
	}
	for t := range g.tasks {
		h = (h ^ m.Place(emu.TaskID(t))) * 0x9e3779b97f4a7c15 // Fibonacci hashing
		h ^= h >> 32
	}
	bit := h >> (64 - placeBits)
	if word := &g.places[bit/64]; *word>>(bit%64)&1 == 0 {
		*word |= 1 << (bit % 64)
		g.news++
	}
}

// follow returns the plan's next choice that is enabled, or -1 for one by chance.
func (g *guided) follow(choices []emu.Choice) int {
	e := &g.plan
	for ; e.at < e.cut; e.at++ {
		for j := range e.insert {
			if e.insert[j] == e.at {
				e.insert[j] = -1
				return -1
			}
		}
		if e.at == e.drop {
			continue
		}
		for i, c := range choices {
			if c == e.parent[e.at] {
				e.at++
				return i
			}
		}
	}
	if len(e.other) > 0 {
		*e = edit{parent: e.other, cut: len(e.other), drop: -1, insert: [3]int{-1, -1, -1}}
		return g.follow(choices)
	}
	return -1
}
