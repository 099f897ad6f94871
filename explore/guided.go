package explore

import "github.com/rseqemu/rseqemu/emu"

// Guided returns a sampler that learns from its runs, as a fuzzer does. It keeps
// the schedule of a run that came to a new abstract state, or to one with fewer
// events than any before, and most of its runs are changed copies of those that it
// keeps; the others are as those of [Weighted]. An abstract state is where each
// task is (its call, its instruction, running or not, on which CPU) and what kind
// of choice led there, without any data.
//
// What a run does depends on those before it. The same numbers in the same order
// give the same runs.
func Guided() Sampler { return &guided{} }

// The bounds of what a guided sampler remembers: 16 MiB of schedules, and a byte
// for each abstract state by its hash. Some of those that share one are overlooked.
const (
	maxKept    = 1024
	maxKeptLen = 4096
	placeBits  = 18
	maxTold    = 255 // of a run, that are told apart
)

type guided struct {
	dice
	m       *emu.Machine
	weights weighted
	tasks   int

	// places has, by the hash of an abstract state, how few events there were on
	// the cheapest way there: maxTold less that, and 0 before there was one.
	places []uint8
	left   uint8 // this run's, likewise
	news   int   // those that this run came to first, or at lower cost
	kept   []keepsake
	way    []emu.Choice // this run's schedule, up to maxKeptLen

	plan edit
}

func (g *guided) String() string { return "guided" }

// keepsake is a schedule that is kept, and to how many abstract states it came first.
type keepsake struct {
	way  []emu.Choice
	news int
}

// edit is what a run does to the schedules that it copies: it goes along parent up
// to cut, then along other, and then by chance. A step on a CPU that is idle puts a
// task there; what isn't enabled otherwise is left out.
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
		*g = guided{m: m, tasks: m.Tasks(), places: make([]uint8, 1<<placeBits)}
	}
	g.seed(run, streamGuided)
	g.weights.Begin(m, run)
	if g.news > 0 {
		g.keep()
	}
	g.news, g.way, g.left = 0, g.way[:0], maxTold
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
		g.kept = append(g.kept, keepsake{})
	} else {
		i = g.intN(maxKept)
	}
	g.kept[i] = keepsake{append(g.kept[i].way[:0], g.way...), g.news}
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

// pick takes one of the schedules that are kept, more often one that had much news.
func (g *guided) pick() []emu.Choice {
	best := &g.kept[g.intN(len(g.kept))]
	for range g.intN(2) * rivals {
		if k := &g.kept[g.intN(len(g.kept))]; k.news > best.news {
			best = k
		}
	}
	return best.way
}

// rivals are those against which a schedule has to have the most news, half of the
// time.
const rivals = 7

// Choose takes in where the last choice led, and follows the plan.
func (g *guided) Choose(m *emu.Machine, choices []emu.Choice) int {
	g.look(m)
	i := g.follow(choices)
	switch i {
	case byWeight:
		i = g.weights.Choose(m, choices)
	case byChance:
		i = g.intN(len(choices))
	}
	if choices[i].Cost() > 0 && g.left > 1 {
		g.left--
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
	if least := &g.places[h>>(64-placeBits)]; g.left > *least {
		*least = g.left
		g.news++
	}
}

// follow returns the plan's next choice that is enabled.
func (g *guided) follow(choices []emu.Choice) int {
	e := &g.plan
	for ; e.at < e.cut; e.at++ {
		for j := range e.insert {
			if e.insert[j] == e.at {
				e.insert[j] = -1
				return byChance
			}
		}
		if e.at == e.drop {
			continue
		}
		want := e.parent[e.at]
		for i, c := range choices {
			if c == want {
				e.at++
				return i
			}
			if want.Kind() == emu.Step && c.Kind() == emu.Run && c.CPU() == want.CPU() {
				return i // whoever is off the CPU since the copy was changed
			}
		}
	}
	if len(e.other) > 0 {
		*e = edit{parent: e.other, cut: len(e.other), drop: -1, insert: [3]int{-1, -1, -1}}
		return g.follow(choices)
	}
	return byWeight
}

// What follow returns where the plan names no choice.
const (
	byWeight = -1 - iota // its end
	byChance             // one to be put in
)
