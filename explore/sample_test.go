package explore_test

import (
	"cmp"
	"context"
	"reflect"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
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
