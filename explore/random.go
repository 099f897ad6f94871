package explore

import (
	"math/rand/v2"

	"github.com/rseqemu/rseqemu/emu"
)

// Sampler is a chooser that makes many runs, each with a number that says all
// about it, the same on every platform.
type Sampler interface {
	Chooser
	// Begin is called before each run, with its number and the machine in its
	// initial state.
	Begin(m *emu.Machine, run uint64)
	// String is its name.
	String() string
}

// One returns a chooser that makes the run of that number alone. (Of [Guided] runs
// none is as it would be behind others.)
func One(s Sampler, run uint64) Chooser {
	begun := false
	return ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
		if !begun {
			s.Begin(m, run)
			begun = true
		}
		return s.Choose(m, choices)
	})
}

// Random returns a chooser that picks uniformly, the same for the same seed on
// every platform.
func Random(seed uint64) Chooser { return One(Uniform(), seed) }

// dice are a random generator that is seeded anew for each run. Samplers have a
// stream each, so that one number isn't the same luck in all of them.
type dice struct {
	pcg rand.PCG
	rnd *rand.Rand
}

// The streams.
const (
	streamUniform = iota
	streamWeighted
	streamPCT
	streamGuided
)

func (d *dice) seed(run, stream uint64) {
	if d.rnd == nil {
		d.rnd = rand.New(&d.pcg)
	}
	d.pcg.Seed(run, stream)
}

func (d *dice) intN(n int) int { return d.rnd.IntN(n) }

// Uniform returns a sampler that picks every choice with the same probability.
// With two CPUs at work every second transition is a preemption: the budget is
// used up early in a run.
func Uniform() Sampler { return &uniform{} }

type uniform struct{ dice }

func (u *uniform) String() string { return "uniform" }

func (u *uniform) Begin(_ *emu.Machine, run uint64) { u.seed(run, streamUniform) }

func (u *uniform) Choose(_ *emu.Machine, choices []emu.Choice) int { return u.intN(len(choices)) }

// Weighted returns a sampler for which kernel events are rarer than what the
// machine does by itself, so that they come late in a run as well as early. A
// step weighs 64; what an event weighs is drawn for each run, one of 1, 2, 4, …,
// 64, as nobody knows how long the runs of a program are.
func Weighted() Sampler { return &weighted{} }

type weighted struct {
	dice
	event int // its weight in this run
}

func (w *weighted) String() string { return "weighted" }

// stepWeight is the weight of what is no event.
const stepWeight = 1 << maxRarity

const maxRarity = 6

func (w *weighted) Begin(_ *emu.Machine, run uint64) {
	w.seed(run, streamWeighted)
	w.event = 1 << w.intN(maxRarity+1)
}

func (w *weighted) Choose(_ *emu.Machine, choices []emu.Choice) int {
	return pickWeighted(&w.dice, choices, w.event)
}

// pickWeighted picks among choices of which the events have that weight.
func pickWeighted(d *dice, choices []emu.Choice, event int) int {
	own := progress(choices)
	at := d.intN(own*stepWeight + (len(choices)-own)*event)
	if at < own*stepWeight {
		return at / stepWeight
	}
	return own + (at-own*stepWeight)/event
}

// progress counts the choices that are the machine going on by itself. They are
// the first ones.
func progress(choices []emu.Choice) int {
	n := 0
	for n < len(choices) && choices[n].Kind() <= emu.IPI {
		n++
	}
	return n
}
