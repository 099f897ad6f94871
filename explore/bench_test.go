package explore_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/explore"
)

// BenchmarkExhaustive covers a per-CPU list with its default budget.
func BenchmarkExhaustive(b *testing.B) {
	p, cfg := example(b, "list.rseq"), on(b, "6.18", "")
	fs := propsOf(b, p)
	states, transitions := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		r, err := explore.Exhaustive(b.Context(), boot(b, p, cfg), fs, explore.Limits{}, nil)
		if err != nil || !r.Complete {
			b.Fatal(r, err)
		}
		states += r.States
		transitions += r.Transitions
	}
	b.ReportMetric(float64(states)/b.Elapsed().Seconds(), "states/s")
	b.ReportMetric(float64(transitions)/b.Elapsed().Seconds(), "transitions/s")
}

// BenchmarkSample makes random runs of it, a thousand each time.
func BenchmarkSample(b *testing.B) {
	p, cfg := example(b, "list.rseq"), on(b, "6.18", "")
	fs := propsOf(b, p)
	runs, steps := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		r, err := explore.Sample(b.Context(), boot(b, p, cfg), fs, explore.Uniform(), 1, 1000, explore.Limits{}, nil)
		if err != nil || r.Failure != nil {
			b.Fatal(r, err)
		}
		runs += r.Runs
		steps += r.Transitions
	}
	b.ReportMetric(float64(runs)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
}

// BenchmarkDiff runs two kernels side by side.
func BenchmarkDiff(b *testing.B) {
	p, from, to := example(b, "list.rseq"), on(b, "6.19", ""), on(b, "7.3/v2", "")
	states := 0
	b.ReportAllocs()
	for b.Loop() {
		r, err := explore.Diff(b.Context(), boot(b, p, from), boot(b, p, to), explore.Limits{}, nil)
		if err != nil || !r.Complete {
			b.Fatal(r, err)
		}
		states += r.States
	}
	b.ReportMetric(float64(states)/b.Elapsed().Seconds(), "states/s")
}
