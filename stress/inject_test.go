package stress

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/ir"
)

// TestPoints: before each instruction, but where flags are waited for, with system
// calls outside of the section only.
func TestPoints(t *testing.T) {
	p := parse(t, "p", `
percpu x: u64
func op(n)
    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], op_cs
start:
    cmp  r0, 4
    b.hs commit
    st.8 [x], r0
commit:
    ret
    sig
abort:
    ret
thread: op 1
`)
	free, ok := unused(p)
	if !ok {
		t.Fatal("no register is free")
	}
	funcs, points, err := injected(p, free)
	if err != nil {
		t.Fatal(err)
	}
	q := &ir.Program{Name: "p", Funcs: funcs}
	const want = `func op(n)
    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4  r9, [tp + stress_delay + 4]
    beq   r9, 0, stress_1_on
    st.8  [tp + stress_lr], r30
    call  stress_outside
    ld.8  r30, [tp + stress_lr]
stress_1_on:
    st.8  [tp + rseq_cs], op_cs
start:
    ld.4  r9, [tp + stress_delay + 8]
    beq   r9, 0, stress_2_on
    shr   r9, r9, 1
    st.4  [tp + stress_delay + 8], r9
    beq   r9, 0, stress_2_on
stress_2:
    sub   r9, r9, 1
    bne   r9, 0, stress_2
stress_2_on:
    cmp   r0, 4
    b.hs  commit
    ld.4  r9, [tp + stress_delay + 12]
    beq   r9, 0, stress_3_on
    shr   r9, r9, 1
    st.4  [tp + stress_delay + 12], r9
    beq   r9, 0, stress_3_on
stress_3:
    sub   r9, r9, 1
    bne   r9, 0, stress_3
stress_3_on:
    st.8  [x], r0
commit:
    ld.4  r9, [tp + stress_delay + 16]
    beq   r9, 0, stress_4_on
    st.8  [tp + stress_lr], r30
    call  stress_outside
    ld.8  r30, [tp + stress_lr]
stress_4_on:
    ret
    sig
abort:
    ld.4  r9, [tp + stress_delay + 20]
    beq   r9, 0, stress_5_on
    st.8  [tp + stress_lr], r30
    call  stress_outside
    ld.8  r30, [tp + stress_lr]
stress_5_on:
    ret
`
	if diff := cmp.Diff(want, q.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(points) != 6 {
		t.Errorf("%d points", len(points))
	}
}

// TestOneSeedDrawsTheSame, another one something else, and only what the thread comes to:
// no action inside of a section, and no signal if there are none.
func TestOneSeedDrawsTheSame(t *testing.T) {
	points := []point{{}, {"push", inside}, {"push", before}, {"pop", elsewhere}}
	draw := func(seed uint64, signals bool) []uint32 {
		return drawn(points, map[string]bool{"push": true}, signals, long, rand.New(rand.NewPCG(seed, 0)))
	}
	if diff := cmp.Diff(draw(1, true), draw(1, true)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(draw(1, true), draw(2, true)) {
		t.Error("two seeds draw the same")
	}
	kinds := map[uint32]bool{}
	for _, signals := range []bool{true, false} {
		for i, row := range draw(3, signals) {
			n, number := row&(maxPoints-1), row>>10
			switch {
			case n == 0 && number == 0:
			case n != 1 && n != 2:
				t.Errorf("row %d is at point %d", i, n)
			case number >= act && (n == 1 || !signals && (number-act)%actions == signal-act):
				t.Errorf("row %d has action %d at point %d", i, number-act, n)
			case number >= act:
				kinds[number-act] = true
			case number < 1<<long.from || number > 1<<long.to:
				t.Errorf("row %d has %d turns", i, number)
			}
		}
	}
	if len(kinds) != actions*latest {
		t.Errorf("of the %d actions there are %v", actions*latest, kinds)
	}
}

// TestAThreadComesTo what it calls, what that calls, and the handlers.
func TestAThreadComesTo(t *testing.T) {
	p := builtIn(t, "cached_slab")
	want := []map[string]bool{{"open": true, "drain": true}, {"push": true, "pop": true, "cache": true}}
	for i := range p.Threads {
		if diff := cmp.Diff(want[i], comesTo(p, i)); diff != "" {
			t.Errorf("thread %d: %s", i, diff)
		}
	}
	if got := comesTo(builtIn(t, "nested"), 0); !cmp.Equal(got, map[string]bool{"add": true, "on_signal": true}) {
		t.Errorf("nested: %v", got)
	}
}
