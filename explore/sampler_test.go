package explore_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/props/gen"
	"github.com/rseqemu/rseqemu/props/percpu"
	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"
)

// samplers has one of each kind.
func samplers(t fataler) []explore.Sampler {
	t.Helper()
	var out []explore.Sampler
	for _, name := range explore.SamplerNames {
		s, err := explore.NewSampler(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func pct(t fataler, depth int) *explore.PCTSampler {
	t.Helper()
	s, err := explore.PCT(depth)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// diary is a sampler that remembers the schedules of another.
type diary struct {
	explore.Sampler
	runs [][]emu.Choice
}

func (r *diary) Begin(m *emu.Machine, run uint64) {
	r.runs = append(r.runs, nil)
	r.Sampler.Begin(m, run)
}

func (r *diary) Choose(m *emu.Machine, choices []emu.Choice) int {
	i := r.Sampler.Choose(m, choices)
	last := &r.runs[len(r.runs)-1]
	*last = append(*last, choices[i])
	return i
}

// schedules are those that a sampler makes on a list.
func schedules(t fataler, s explore.Sampler, seed uint64, runs int) [][]emu.Choice {
	t.Helper()
	p := example(t, "list.rseq")
	r := &diary{Sampler: s}
	m := boot(t, p, on(t, "6.18", "preempt=3 migrate=2 irq=1 fault=1 membarrier=1"))
	if _, err := explore.Sample(context.Background(), m, nil, r, seed, runs, explore.Limits{}, nil); err != nil {
		t.Fatal(err)
	}
	return r.runs
}

// TestARunIsItsNumber, on every platform: the sums are pinned. Only a guided run
// depends on those before it.
func TestARunIsItsNumber(t *testing.T) {
	for i, want := range []string{"guided 6ffe", "pct 82f4", "weighted b274", "uniform ca72"} {
		all := schedules(t, samplers(t)[i], 1, 200)
		s := samplers(t)[i]
		if got := fmt.Sprintf("%s %04x", s, xxh3.HashString(fmt.Sprint(all))&0xffff); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		again := schedules(t, s, 1, 200)
		if !slices.EqualFunc(all, again, slices.Equal) {
			t.Errorf("%s: the same numbers are other runs", s)
		}
		if slices.Equal(all[0], all[1]) && slices.Equal(all[1], all[2]) {
			t.Errorf("%s: all runs are the same", s)
		}
		alone := schedules(t, samplers(t)[i], 150, 1)[0]
		if same := slices.Equal(all[149], alone); same != (s.String() != "guided") {
			t.Errorf("%s: run 150, alone, is the same: %v", s, same)
		}
		out, err := explore.Run(boot(t, example(t, "list.rseq"), on(t, "6.18", "preempt=3 migrate=2 irq=1 fault=1 membarrier=1")), nil,
			explore.One(samplers(t)[i], 150), 0, nil)
		if err != nil || !slices.Equal(out.Schedule, alone) {
			t.Errorf("%s: One makes another run", s)
		}
	}
}

// TestSamplersAllocateNothing in a run, once they have their buffers. A guided one
// needs memory for what it keeps, which is less and less.
func TestSamplersAllocateNothing(t *testing.T) {
	p := parse(t, twenty)
	for _, s := range samplers(t) {
		m := boot(t, p, on(t, "6.18", "preempt=2 migrate=2"))
		start := m.NewSnapshot()
		runs := func(n int) func() {
			return func() {
				m.Restore(start)
				if _, err := explore.Sample(context.Background(), m, propsOf(t, p), s, 1, n, explore.Limits{}, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		runs(20_000)()
		few, many := testing.AllocsPerRun(2, runs(10)), testing.AllocsPerRun(2, runs(1010))
		if most := map[bool]float64{true: 100}[s.String() == "guided"]; many-few > most {
			t.Errorf("%s: 1000 runs allocate %.0f times", s, many-few)
		}
	}
}

// TestWeightsAreWhatTheyAre: how rare events are, and how slow a thread is, is
// drawn for each run, and each of the powers of two comes.
func TestWeightsAreWhatTheyAre(t *testing.T) {
	p := parse(t, "func f()\n    nop\n    ret\nthread: f\nthread: f\ncpus 2\n")
	m := boot(t, p, on(t, "6.18", "preempt=1"))
	all := m.Choices(nil)
	want := []emu.Choice{emu.StepOn(0), emu.StepOn(1), emu.PreemptOn(0), emu.PreemptOn(1)}
	if !slices.Equal(all, want) {
		t.Fatalf("choices %v", all)
	}
	const tries = 20_000
	s := explore.Weighted()
	for _, among := range [][2]emu.Choice{{want[0], want[1]}, {want[0], want[2]}} {
		seen := map[int]bool{}
		for run := range uint64(100) {
			s.Begin(m, run)
			n := [2]int{}
			for range tries {
				n[s.Choose(m, among[:])]++
			}
			// The weights' ratio is a power of two, from 1:64 to 64:1.
			ratio := math.Log2(float64(n[0]) / float64(n[1]))
			if power := math.Round(ratio); math.Abs(ratio-power) > 0.25 || math.Abs(power) > 6 {
				t.Fatalf("run %d: %v of %v", run, n, among)
			} else {
				seen[int(power)] = true
			}
		}
		if len(seen) != 13 {
			t.Errorf("%v: ratios of 2^%v", among, seen)
		}
	}
	// Two events weigh as much as each other.
	s.Begin(m, 3)
	n := [4]int{}
	for range tries {
		n[s.Choose(m, all)]++
	}
	if math.Abs(float64(n[2]-n[3])) > 4*math.Sqrt(float64(n[2]+n[3])) {
		t.Errorf("events come %d and %d times", n[2], n[3])
	}
}

// TestSamplersHaveNames that make them.
func TestSamplersHaveNames(t *testing.T) {
	for i, s := range samplers(t) {
		if s.String() != explore.SamplerNames[i] {
			t.Errorf("%s makes %s", explore.SamplerNames[i], s)
		}
	}
	for _, bad := range []struct {
		name  string
		depth int
		want  string
	}{
		{"best", 0, `unknown chooser "best" (guided, pct, weighted, uniform)`},
		{"uniform", 2, "only pct has a depth, uniform has none"},
		{"pct", -1, "a depth of -1 is out of range (1..64; 0: 1 to 5 in turn)"},
		{"pct", 65, "a depth of 65 is out of range (1..64; 0: 1 to 5 in turn)"},
	} {
		if _, err := explore.NewSampler(bad.name, bad.depth); err == nil || err.Error() != bad.want {
			t.Errorf("%s %d: %v", bad.name, bad.depth, err)
		}
	}
}

// TestSamplersFindNothingWhereNothingIs: random programs that hold, under any
// kernel that aborts sections and any budget. What samplers choose can be chosen.
func TestSamplersFindNothingWhereNothingIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, budget := gen.Program().Draw(t, "program"), gen.Budget().Draw(t, "budget")
		cfg := emu.Config{Kernel: gen.DefaultKernel().Draw(t, "kernel"), Budget: &budget, CPUs: rapid.IntRange(1, 3).Draw(t, "CPUs"),
			Idle: rapid.Bool().Draw(t, "idle")}
		s := rapid.SampledFrom(samplers(t)).Draw(t, "sampler")
		m, d := boot(t, p, cfg), &diary{Sampler: s}
		r, err := explore.Sample(context.Background(), m, propsOf(t, p), d, rapid.Uint64().Draw(t, "seed"), 10, explore.Limits{}, nil)
		if err != nil || r.Failure != nil || len(d.runs) != 10 {
			t.Fatalf("%+v, %v", r, err)
		}
		for _, run := range d.runs {
			follows := &explore.Schedule{Choices: run}
			if out, err := follows.Follow(boot(t, p, cfg), nil, nil); err != nil || !out.Done {
				t.Fatalf("%v: %+v, %v", run, out, err)
			}
		}
	})
}

// TestSamplersMeetEverything that per-CPU programs do: signals, membarrier,
// affinity, locks.
func TestSamplersMeetEverything(t *testing.T) {
	for _, b := range percpu.Programs() {
		p, err := b.Parse()
		if err != nil {
			t.Fatal(err)
		}
		kernels, err := explore.Claimed(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range samplers(t) {
			cfg := emu.Config{Kernel: kernels[len(kernels)-1]}
			r, err := explore.Sample(context.Background(), boot(t, p, cfg), propsOf(t, p), s, 1, 50, explore.Limits{}, nil)
			if err != nil || r.Failure != nil || !r.Sampled {
				t.Errorf("%s, %s: %+v, %v", b.Name, s, r, err)
			}
		}
	}
}
