package explore_test

import (
	"cmp"
	"context"
	"reflect"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

func sample(t fataler, name, kernel string, seed uint64, runs int) *explore.Result {
	t.Helper()
	p := example(t, name)
	r, err := explore.Sample(context.Background(), boot(t, p, on(t, kernel, "")), propsOf(t, p), explore.Uniform(), seed, runs, explore.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSampleFindsASeededBug in few runs, and what it returns is no worse than
// the run that found it.
func TestSampleFindsASeededBug(t *testing.T) {
	const name, kernel = "list-no-cpu-check.rseq", "6.18"
	p, cfg := example(t, name), on(t, kernel, "")
	cheapest := exhaust(t, p, cfg, explore.Limits{}).Failure.Schedule
	for _, seed := range []uint64{1, 1000, 99_999} {
		r := sample(t, name, kernel, seed, 3000)
		if r.Failure == nil || r.Complete {
			t.Errorf("seed %d: %+v", seed, r)
			continue
		}
		follow(t, p, cfg, r.Failure, propsOf(t, p))
		raw, err := explore.Run(boot(t, p, cfg), propsOf(t, p), explore.Random(seed+uint64(r.Runs)-1), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if raw.Violation == nil || raw.Violation.Property != r.Failure.Property {
			t.Errorf("seed %d: run %d breaks %v, not %s", seed, r.Runs, raw.Violation, r.Failure.Property)
		}
		if costs(r.Failure.Schedule, raw.Schedule) > 0 {
			t.Errorf("seed %d: %d transitions became %d", seed, len(raw.Schedule), len(r.Failure.Schedule))
		}
		if costs(r.Failure.Schedule, cheapest) < 0 {
			t.Errorf("seed %d: cheaper than the cheapest: %d events, %d transitions", seed, explore.Events(r.Failure.Schedule), len(r.Failure.Schedule))
		}
		if again := sample(t, name, kernel, seed, 3000); !reflect.DeepEqual(r, again) {
			t.Errorf("seed %d: first %+v, then %+v", seed, r, again)
		}
		// The runs are numbered from the seed: the one that fails can be made alone.
		if alone := sample(t, name, kernel, seed+uint64(r.Runs)-1, 1); !reflect.DeepEqual(alone.Failure, r.Failure) {
			t.Errorf("seed %d: alone, run %d fails otherwise: %+v", seed, r.Runs, alone.Failure)
		}
	}
}

// costs compares two schedules by their cost: events first, then transitions.
func costs(a, b []emu.Choice) int {
	return cmp.Or(cmp.Compare(explore.Events(a), explore.Events(b)), cmp.Compare(len(a), len(b)))
}

// TestSampleKeepsToTheBugThatItFound: making a schedule cheaper must not lead to
// another, cheaper bug.
func TestSampleKeepsToTheBugThatItFound(t *testing.T) {
	p, cfg := parse(t, early), on(t, "7.3/v2", "membarrier=1")
	found := map[string]int{}
	for seed := range uint64(50) {
		raw, err := explore.Run(boot(t, p, cfg), propsOf(t, p), explore.Random(seed), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Sample(context.Background(), boot(t, p, cfg), propsOf(t, p), explore.Uniform(), seed, 1, explore.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if raw.Violation == nil || r.Failure == nil || raw.Violation.Property != r.Failure.Property {
			t.Fatalf("seed %d breaks %v, but %v is returned", seed, raw.Violation, r.Failure)
		}
		found[r.Failure.Property]++
		follow(t, p, cfg, r.Failure, propsOf(t, p))
	}
	if found["survives"] < 5 || found["final a == 1"] < 5 {
		t.Errorf("found %v", found)
	}
}

// TestSampleProvesNothing: it says so, however many runs there were.
func TestSampleProvesNothing(t *testing.T) {
	r := sample(t, "list.rseq", "7.3/v2", 1, 500)
	if r.Complete || r.Failure != nil || r.Runs != 500 || r.Why != "random runs prove nothing" || r.Transitions < 500*20 || r.Depth < 20 {
		t.Errorf("%+v", r)
	}
	p := example(t, "list.rseq")
	ctx, cancel := context.WithCancel(context.Background())
	r, err := explore.Sample(ctx, boot(t, p, on(t, "6.18", "")), propsOf(t, p), explore.Uniform(), 1, 100_000, explore.Limits{}, func(r *explore.Result) {
		if r.Runs > 0 {
			cancel()
		}
	})
	if err != nil || r.Complete || r.Runs == 0 || r.Runs > 1000 || r.Why != "interrupted: context canceled" {
		t.Errorf("cancelled: %+v, %v", r, err)
	}
}

// TestSampleBoundsEndlessRuns, also while it makes a schedule shorter.
func TestSampleBoundsEndlessRuns(t *testing.T) {
	p := parse(t, counting)
	r, err := explore.Sample(context.Background(), boot(t, p, on(t, "6.18", "")), propsOf(t, p), explore.Uniform(), 1, 3, explore.Limits{Steps: 100}, nil)
	if err != nil || r.Runs != 3 || r.Depth != 100 || r.Transitions != 300 {
		t.Errorf("%+v, %v", r, err)
	}
	p = parse(t, counting+"always a <= 40\n")
	r, err = explore.Sample(context.Background(), boot(t, p, on(t, "6.18", "preempt=5 irq=5")), propsOf(t, p), explore.Uniform(), 1, 3, explore.Limits{Steps: 1000}, nil)
	if err != nil || r.Failure == nil || explore.Events(r.Failure.Schedule) != 0 || len(r.Failure.Schedule) != 1+40*3+2 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestSampleReturnsNoEventTooMany: of the events of a random run those are left
// that the bug takes, as the exhaustive search finds them; in one of ten failures
// one more.
func TestSampleReturnsNoEventTooMany(t *testing.T) {
	const idle = `
percpu n: u64
func add()
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, n }
    ld.8  r4, [r3]
    add   r4, r4, 1
    st.8  [r3], r4
    ret
cpus 2
thread: add
thread: add
`
	for _, tt := range []struct {
		name string
		p    *ir.Program
		want int
	}{
		{"list", example(t, "list-no-cpu-check.rseq"), 2},
		{"order", parse(t, lastWins), 0},
		{"lost on a CPU", parse(t, idle+"final sum(n) == calls(add)\n"), 2},
		// No thread has to make place for the third: a CPU gets free.
		{"three threads", parse(t, lostUpdate+"thread: add\n"), 0},
	} {
		cfg := on(t, "6.18", "preempt=4 migrate=2 irq=2")
		best := exhaust(t, tt.p, cfg, explore.Limits{}).Failure
		if best == nil || explore.Events(best.Schedule) != tt.want {
			t.Fatalf("%s: the cheapest failure is %+v", tt.name, best)
		}
		failures, more := 0, 0
		for _, s := range samplers(t) {
			for seed := range uint64(5) {
				r, err := explore.Sample(context.Background(), boot(t, tt.p, cfg), propsOf(t, tt.p), s, seed*100_000, 50_000, explore.Limits{}, nil)
				if err == nil && r.Failure == nil && s.String() == "pct" {
					continue // it is deep
				}
				if err != nil || r.Failure == nil {
					t.Fatalf("%s: %v, %v", tt.name, r, err)
				}
				follow(t, tt.p, cfg, r.Failure, propsOf(t, tt.p))
				n := explore.Events(r.Failure.Schedule)
				if failures++; n != tt.want {
					more++
				}
				if n > tt.want+1 || len(r.Failure.Schedule) > len(best.Schedule)+10 {
					t.Errorf("%s, %s, seed %d: %d events, not %d; %d transitions, not %d", tt.name, s, seed, n, tt.want,
						len(r.Failure.Schedule), len(best.Schedule))
				}
			}
		}
		if failures < 15 || more*10 > failures {
			t.Errorf("%s: of %d failures %d have more than %d events", tt.name, failures, more, tt.want)
		}
	}
}

// TestSampleBoundsItsPains with a failing run that is as long as can be.
func TestSampleBoundsItsPains(t *testing.T) {
	p := parse(t, counting+"final a < 0\nalways a <= 33000\n")
	r, err := explore.Sample(context.Background(), boot(t, p, on(t, "6.18", "preempt=5 irq=5")), propsOf(t, p), explore.Uniform(), 1, 1, explore.Limits{}, nil)
	if err != nil || r.Failure == nil || len(r.Failure.Schedule) < 99_000 || explore.Events(r.Failure.Schedule) != 0 {
		t.Errorf("%v", err)
	}
}
