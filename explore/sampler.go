package explore

import (
	"fmt"
	"math/rand/v2"
	"strings"

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

// byItself reports whether a choice is the machine going on by itself. These come
// before the others.
func byItself(c emu.Choice) bool { return c.Cost() == 0 && c.Kind() != emu.Online }

// dice are a random generator that is seeded anew for each run. Samplers have a
// stream each, so that one number isn't the same luck in all of them.
type dice struct{ pcg rand.PCG }

// The streams.
const (
	streamUniform = iota
	streamWeighted
	streamPCT
	streamGuided
)

func (d *dice) seed(run, stream uint64) {
	d.pcg.Seed(run, stream)
}

// intN returns a number below n, which is at most 2^31. It asks once, and so
// prefers some numbers to others by one in 2^32/n.
func (d *dice) intN(n int) int { return int(d.pcg.Uint64() >> 32 * uint64(n) >> 32) }

// SamplerNames are the names that [NewSampler] knows.
var SamplerNames = []string{"guided", "pct", "weighted", "uniform"}

// NewSampler makes a sampler by its name. Only pct has a depth, see [PCT].
func NewSampler(name string, depth int) (Sampler, error) {
	if depth != 0 && name != "pct" {
		return nil, fmt.Errorf("only pct has a depth, %s has none", name)
	}
	switch name {
	case "uniform":
		return Uniform(), nil
	case "weighted":
		return Weighted(), nil
	case "guided":
		return Guided(), nil
	case "pct":
		return PCT(depth)
	}
	return nil, fmt.Errorf("unknown chooser %q (%s)", name, strings.Join(SamplerNames, ", "))
}
