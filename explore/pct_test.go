package explore_test

import (
	"context"
	"math"
	"testing"

	"github.com/rseqemu/rseqemu/explore"
)

// lastWins breaks if the first thread is the last to store: nothing but the order
// of two threads, a bug of depth 1.
const lastWins = `
cpus 2
data x: u64
func set(v)
    nop
    nop
    st.8 [x], r0
    ret
thread: set 1
thread: set 2
final x == 2
`

// lostUpdate takes a thread to be stopped between load and store: depth 2, without
// any kernel event.
const lostUpdate = `
cpus 2
data x: u64
func add()
    ld.8 r0, [x]
    add  r0, r0, 1
    st.8 [x], r0
    ret
thread: add; add
thread: add; add
final x == 4
`

// lostOnOneCPU is the same where that takes a preemption.
const lostOnOneCPU = `
cpus 1
data x: u64
func add()
    ld.8 r0, [x]
    add  r0, r0, 1
    st.8 [x], r0
    ret
thread: add; add
thread: add; add
final x == 4
`

// twice takes two preemptions, between the two stores of one thread and then of
// the other: depth 3.
const twice = `
cpus 1
data x: u64
data y: u64
data bad: u64
func first()
    st.8 [x], 1
    nop
    ld.8 r0, [y]
    beq  r0, 0, done
    bne  r0, 1, done
    st.8 [bad], 1
done:
    ret
func second()
    ld.8 r0, [x]
    beq  r0, 0, done
    st.8 [y], 1
    nop
    st.8 [y], 2
done:
    ret
thread: first
thread: second
final bad == 0
`

// TestPCTKeepsItsBound: at the depth of a bug at least as many of the runs find it
// as the bound says, and at a lower depth none does.
func TestPCTKeepsItsBound(t *testing.T) {
	const runs = 4000
	for _, tt := range []struct {
		name, source, budget string
		depth                int
	}{
		{"order", lastWins, "", 1},
		{"stopped", lostUpdate, "preempt=0", 2},
		{"preempted", lostOnOneCPU, "preempt=2", 2},
		{"preempted twice", twice, "preempt=2", 3},
	} {
		p := parse(t, tt.source)
		for depth := 1; depth <= tt.depth; depth++ {
			s, found := pct(t, depth), 0
			m := boot(t, p, on(t, "6.18", tt.budget))
			start := m.NewSnapshot()
			for seed := range uint64(runs) {
				m.Restore(start)
				r, err := explore.Sample(context.Background(), m, propsOf(t, p), s, seed, 1, explore.Limits{}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if r.Failure != nil {
					found++
				}
			}
			least := runs / s.Bound().OneIn(depth)
			luck := 4 * math.Sqrt(least) // four standard deviations
			t.Logf("%s: depth %d finds it %d times, at least %.1f; %+v", tt.name, depth, found, least, *s.Bound())
			switch {
			case depth < tt.depth && found > 0:
				t.Errorf("%s: depth %d found it %d times, with too few changes", tt.name, depth, found)
			case depth == tt.depth && (float64(found) < least-luck || found == 0):
				t.Errorf("%s: depth %d found it %d times in %d, not %.1f ± %.1f", tt.name, depth, found, runs, least, luck)
			}
		}
	}
}

// TestPCTBound is n·(k·c)^(d-1), of the threads that take part, the length of the
// runs and what can change.
func TestPCTBound(t *testing.T) {
	p := parse(t, lostUpdate) // 2 threads of 8 instructions: 16 transitions, preempted 20
	s := pct(t, 0)
	r, err := explore.Sample(context.Background(), boot(t, p, on(t, "6.18", "preempt=2")), nil, s, 1, 100, explore.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := r.Bound
	if b == nil || b.Threads != 2 || b.Transitions != 20 || b.Changes != 3 || len(b.Depths) != explore.MaxDepth ||
		b.OneIn(1) != 2 || b.OneIn(2) != 2*60 || b.OneIn(3) != 2*60*60 {
		t.Errorf("%+v", b)
	}
	if r.Depth > 20 || !r.Sampled || r.Sampler != "pct" {
		t.Errorf("%+v", r)
	}
}

// TestPCTDoesNotWaitForever for a thread that spins and is first.
func TestPCTDoesNotWaitForever(t *testing.T) {
	p := parse(t, `
data flag: u64
func wait()
spin:
    ld.8 r0, [flag]
    beq r0, 0, spin
    ret
func set()
    st.8 [flag], 1
    ret
thread: wait
thread: set
cpus 2
`)
	r, err := explore.Sample(context.Background(), boot(t, p, on(t, "6.18", "")), nil, pct(t, 0), 1, 100, explore.Limits{Steps: 50_000}, nil)
	if err != nil || r.Depth >= 50_000 || r.Depth < 1000 {
		t.Errorf("%+v, %v", r, err)
	}
}
