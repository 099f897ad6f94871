package explore_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// TestWorkersDontMatter: whatever their number, a search says the same to the byte.
func TestWorkersDontMatter(t *testing.T) {
	for _, name := range []string{"list.rseq", "list-no-cpu-check.rseq", "overwrite.rseq"} {
		for _, without := range []emu.Reduction{0, emu.AllReductions} {
			p, cfg := example(t, name), on(t, "6.18", "preempt=2 migrate=1")
			one := exhaust(t, p, cfg, explore.Limits{Workers: 1, Without: without})
			for _, n := range []int{2, 5} {
				if many := exhaust(t, p, cfg, explore.Limits{Workers: n, Without: without}); !reflect.DeepEqual(one, many) {
					t.Errorf("%s, %d workers, without %s: %+v, one: %+v", name, n, without, many, one)
				}
			}
		}
	}
}

// TestMemoryIsBounded, and the result says so and claims nothing.
func TestMemoryIsBounded(t *testing.T) {
	p, cfg := example(t, "list.rseq"), on(t, "6.18", "")
	r := exhaust(t, p, cfg, explore.Limits{Memory: 1 << 20, Without: emu.AllReductions})
	if r.Complete || r.Why != "states take more than 1 MiB" {
		t.Errorf("complete %t, %q, %d states", r.Complete, r.Why, r.States)
	}
	if r := exhaust(t, p, cfg, explore.Limits{Memory: 1 << 30}); !r.Complete {
		t.Errorf("with a GiB: %q", r.Why)
	}
}

// TestExactIsTheSame: a search that keeps states finds what one finds that keeps
// their hashes.
func TestExactIsTheSame(t *testing.T) {
	for _, name := range []string{"list.rseq", "list-no-cpu-check.rseq"} {
		p, cfg := example(t, name), on(t, "7.3/v2", "preempt=1 migrate=1")
		a, b := exhaust(t, p, cfg, explore.Limits{}), exhaust(t, p, cfg, explore.Limits{Exact: true})
		if b.Missed != 0 || a.Missed >= 0 {
			t.Errorf("%s: odds 2^%.0f, exact: 2^%.0f", name, a.Missed, b.Missed)
		}
		if a.Missed = 0; !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %+v, exact: %+v", name, a, b)
		}
	}
}

// TestBitsProveNothing, but find what there is to be found if there are enough of
// them, and nothing that isn't there.
func TestBitsProveNothing(t *testing.T) {
	for _, name := range []string{"list.rseq", "list-no-cpu-check.rseq"} {
		p, cfg := example(t, name), on(t, "6.18", "preempt=2 migrate=2")
		all, bits := exhaust(t, p, cfg, explore.Limits{}), exhaust(t, p, cfg, explore.Limits{Bits: 1 << 20})
		switch {
		case bits.Missed != 0 || bits.Failure == nil && bits.Events != 0:
			t.Errorf("%s: bits claim odds 2^%.0f, and all runs with fewer than %d events", name, bits.Missed, bits.Events)
		case bits.Complete:
			t.Errorf("%s: a proof by bits", name)
		case all.Failure == nil && (bits.Failure != nil || bits.States < all.States*9/10 || !strings.HasPrefix(bits.Why, "states were kept as bits: one in ")):
			t.Errorf("%s: %d of %d states, %v, %q", name, bits.States, all.States, bits.Failure, bits.Why)
		case all.Failure != nil:
			if bits.Failure == nil {
				t.Fatalf("%s: bits found nothing", name)
			}
			follow(t, p, cfg, bits.Failure, propsOf(t, p))
		}
		// With a table that is much too small it ends as well.
		if few := exhaust(t, p, cfg, explore.Limits{Bits: 8}); few.States > 64 || few.Complete {
			t.Errorf("%s: %d states in 64 bits", name, few.States)
		}
	}
}

// TestFailuresDifferInTheirCause: each is of another cause, the first is the one that
// a search for one finds, and they come cheapest first.
func TestFailuresDifferInTheirCause(t *testing.T) {
	p := parse(t, `
data a: u64
func f()
    ld.8 r1, [a]
    bne r1, 0, late
    st.8 [a], 1
    ret
late:
    bne r1, 1, never
    trap brk
never:
    trap ud
func g()
    st.8 [a], 2
    ret
thread: f; f
thread: g
final a == 1
`)
	cfg := on(t, "6.18", "none")
	one := exhaust(t, p, cfg, explore.Limits{})
	all := exhaust(t, p, cfg, explore.Limits{Failures: 10})
	if one.Failure == nil || all.Failure == nil || !reflect.DeepEqual(one.Failure, all.Failure) {
		t.Fatalf("one: %v, ten: %v", one.Failure, all.Failure)
	}
	fs, seen := append([]*explore.Failure{all.Failure}, all.Others...), map[string]bool{}
	for i, f := range fs {
		if seen[f.Message] || i > 0 && len(f.Schedule) < len(fs[i-1].Schedule) {
			t.Errorf("failure %d: %s, %d transitions", i, f.Message, len(f.Schedule))
		}
		seen[f.Message] = true
		follow(t, p, cfg, f, propsOf(t, p))
	}
	if len(fs) != 2 {
		t.Errorf("%d failures, want the two traps", len(fs))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := explore.Exhaustive(ctx, boot(t, p, cfg), propsOf(t, p), explore.Limits{}, nil); err != nil || r.Complete {
		t.Errorf("cancelled: %+v, %v", r, err)
	}
}
