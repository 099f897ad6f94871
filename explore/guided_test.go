package explore_test

import (
	"context"
	"testing"

	"github.com/rseqemu/rseqemu/explore"
)

// ladder takes a preemption in each of five places of one instruction, and none
// anywhere else, to get to its end.
const ladder = `
cpus 1
data level: u64
func climb()
    cs one_cs: start_ip=one post_commit_ip=one_end abort_ip=one_up
    cs two_cs: start_ip=two post_commit_ip=two_end abort_ip=two_up
    cs three_cs: start_ip=three post_commit_ip=three_end abort_ip=three_up
    cs four_cs: start_ip=four post_commit_ip=four_end abort_ip=four_up
    cs five_cs: start_ip=five post_commit_ip=five_end abort_ip=five_up
    nop
    nop
    nop
    nop
    nop
    nop
    mov  r4, one_cs
    st.8 [tp + rseq_cs], r4
one:
    nop
one_end:
    ret
    sig
one_up:
    nop
    nop
    nop
    nop
    nop
    nop
    mov  r4, two_cs
    st.8 [tp + rseq_cs], r4
two:
    nop
two_end:
    ret
    sig
two_up:
    nop
    nop
    nop
    nop
    nop
    nop
    mov  r4, three_cs
    st.8 [tp + rseq_cs], r4
three:
    nop
three_end:
    ret
    sig
three_up:
    nop
    nop
    nop
    nop
    nop
    nop
    mov  r4, four_cs
    st.8 [tp + rseq_cs], r4
four:
    nop
four_end:
    ret
    sig
four_up:
    nop
    nop
    nop
    nop
    nop
    nop
    mov  r4, five_cs
    st.8 [tp + rseq_cs], r4
five:
    nop
five_end:
    ret
    sig
five_up:
    st.8 [level], 5
    ret

thread: climb
final level == 0
`

// TestGuidedRunsGetFurther: where each of five events has to hit one instruction,
// and chance has to hit all of them in one run, learning gets there.
func TestGuidedRunsGetFurther(t *testing.T) {
	const runs = 10_000
	p, cfg := parse(t, ladder), on(t, "6.18", "preempt=8")
	for _, seed := range []uint64{1, 1_000_000, 2_000_000} {
		for _, s := range samplers(t) {
			r, err := explore.Sample(context.Background(), boot(t, p, cfg), propsOf(t, p), s, seed, runs, explore.Limits{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("seed %d, %s: %d runs, found %v", seed, s, r.Runs, r.Failure != nil)
			if found := r.Failure != nil; found != (s.String() == "guided") {
				t.Errorf("seed %d, %s: found %v in %d runs", seed, s, found, r.Runs)
			}
			if r.Failure != nil {
				follow(t, p, cfg, r.Failure, propsOf(t, p))
			}
		}
	}
}

// TestGuidedForgets: what it keeps is bounded, and so is what it has learned
// about another machine.
func TestGuidedForgets(t *testing.T) {
	p := parse(t, ladder)
	p.Threads = append(p.Threads, p.Threads[0], p.Threads[0])
	m := boot(t, p, on(t, "6.18", "preempt=5 irq=5"))
	s := explore.Guided()
	if _, err := explore.Sample(context.Background(), m, nil, s, 1, 10_000, explore.Limits{}, nil); err != nil {
		t.Fatal(err)
	}
	if n := explore.Kept(s); n != 1024 {
		t.Errorf("%d schedules are kept, want the bound", n)
	}
	s.Begin(boot(t, p, on(t, "7.3", "")), 1)
	if n := explore.Kept(s); n != 0 {
		t.Errorf("for another machine %d schedules are kept", n)
	}
}
