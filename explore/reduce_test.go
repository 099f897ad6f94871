package explore_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/gen"
	"pgregory.net/rapid"
)

// finals is a property that notes what data is left at the ends of runs. It allows
// every reduction.
type finals struct {
	ends
	set emu.Reduction
}

func (f finals) Allows() emu.Reduction                          { return f.set }
func (f finals) factory(*emu.Machine) (explore.Property, error) { return f, nil }
func (f finals) AtEnd(m *emu.Machine) *explore.Violation {
	var b []byte
	for _, s := range m.Memory(0).Segments() {
		if s.Name == "data" || s.Name == "percpu" {
			for a := s.Base; a < s.Base+ir.Addr(s.Size); a++ {
				b = append(b, byte(m.Peek(a, ir.W1)))
			}
		}
	}
	f.seen[string(b)] = true
	return nil
}

// TestReductionsLoseNothing: with any of the reductions a search finds what it
// finds without: the same data at the ends of runs, or a violation with as few
// kernel events. And they do reduce.
func TestReductionsLoseNothing(t *testing.T) {
	var held, broke, with, without int
	rapid.Check(t, func(t *rapid.T) {
		var p *ir.Program
		if rapid.Bool().Draw(t, "operations") {
			p = gen.Program().Draw(t, "program")
		} else {
			p = parse(t, tinyProgram(t))
		}
		kernel := rapid.SampledFrom(append(releases(), "6.19/arm64", "7.3/v1", "6.19/debug")).Draw(t, "kernel")
		bounds := rapid.SampledFrom([]string{"none", "preempt=1", "preempt=1 migrate=1", "preempt=2 migrate=1", "preempt=unlimited migrate=unlimited",
			"irq=1", "preempt=1 fault=1", "preempt=1 membarrier=1", "migrate=1 unplug=1"}).Draw(t, "budget")
		cfg := on(t, kernel, bounds)
		cfg.Idle = rapid.Bool().Draw(t, "idle")
		search := func(set emu.Reduction, workers int) (*explore.Result, map[string]bool) {
			f := finals{ends{map[string]bool{}}, set}
			lim := explore.Limits{States: 100_000, Without: emu.AllReductions &^ set, Workers: workers}
			r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), append(propsOf(t, p), f.factory), lim, nil)
			if err != nil {
				t.Fatal(err)
			}
			return r, f.seen
		}
		want, ends := search(0, 1)
		if want.Why != "" {
			return
		}
		set := emu.Reduction(rapid.IntRange(0, int(emu.AllReductions)).Draw(t, "reductions"))
		for _, set := range []emu.Reduction{emu.AllReductions, set} {
			got, seen := search(set, 1)
			switch {
			case want.Failure == nil:
				held++
				if !got.Complete || !maps.Equal(seen, ends) || got.States > want.States {
					t.Errorf("%s, %s: %d states and %d ends, with %s (asked %s) %d states and %d ends, complete %t, %v\n%q\n%q\n%s",
						kernel, bounds, want.States, len(ends), got.Reduced, set, got.States, len(seen), got.Complete, got.Failure,
						slices.Sorted(maps.Keys(ends)), slices.Sorted(maps.Keys(seen)), p)
				}
				with, without = with+got.States, without+want.States
			case got.Failure == nil:
				t.Errorf("%s, %s: %v with %s, nothing with %s\n%s", kernel, bounds, &want.Failure.Violation, want.Reduced, got.Reduced, p)
			default:
				broke++
				if e := explore.Events(want.Failure.Schedule); explore.Events(got.Failure.Schedule) != e {
					t.Errorf("%s, %s: %v with %d events, with %s %v with %d\n%s", kernel, bounds, &want.Failure.Violation, e,
						got.Reduced, &got.Failure.Violation, explore.Events(got.Failure.Schedule), p)
				}
				follow(t, p, cfg, got.Failure, propsOf(t, p))
			}
		}
	})
	if !t.Failed() && !testing.Short() && (held < 5 || broke < 5 || with > without/2) {
		t.Errorf("%d hold, %d break, %d states instead of %d: hardly a test", held, broke, with, without)
	}
}
