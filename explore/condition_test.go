package explore_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// condition is a program, and the budget with which it shows something.
type condition struct{ name, bounds, program string }

// conditions are programs that a reduction would get wrong without one of its
// conditions.
var conditions = []condition{
	{"a register that the abort handler reads", "preempt=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
start:
    mov r7, 5
    st.8 [a], 1
commit:
    ret
    sig
abort:
    st.8 [a], r7
    ret
thread: f
final a <= 5
`},
	{"armed too early", "preempt=2", `
data a: u64
data b: u64 = 9
data c: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
    mov r8, 1
start:
    ld.8 r1, [a]
    st.8 [b], r1
commit:
    ret
    sig
abort:
    st.8 [c], 1
    ret
func g()
    st.8 [a], 1
    ret
thread: f
thread: g
cpus 1
final b + c <= 10
`},
	{"a way out of the section", "preempt=1", `
data a: u64
data c: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
start:
    beq r9, 0, out
    st.8 [a], 1
commit:
    ret
out:
    st.8 [a], 2
    ret
    sig
abort:
    st.8 [c], 1
    ret
thread: f
final a + c <= 3
`},
	{"a stale rseq_cs that is used again", "preempt=1", `
data a: u64
data c: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
start:
    st.8 [a], r5
    add r5, r5, 1
commit:
    beq r5, 1, start
    ret
    sig
abort:
    add r6, r5, 10
    st.8 [c], r6
    ret
thread: f
final a + c <= 20
`},
	{"a loop that is nobody else's", "none", `
data flag: u64
func f()
    st.8 [flag], 1
again:
    jmp again
func g()
    ld.8 r1, [flag]
    beq r1, 0, early
    trap brk
early:
    ret
thread on 0: f
thread on 1: g
`},
	{"a loop that reads its CPU's data", "none", `
percpu x: u64
data flag: u64
func f()
    ld.4 r1, [tp + cpu_id]
    shl r1, r1, percpu_shift
    st.8 [flag], 1
again:
    ld.8 r2, [r1 + x]
    beq r2, 0, again
    ret
func g()
    ld.8 r1, [flag]
    beq r1, 0, early
    trap brk
early:
    ret
thread on 0: f
thread on 1: g
`},
	{"another CPU's data", "none", `
percpu x: u64
data flag: u64
data b: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
start:
    st.8 [flag], 1
    ld.8 r1, [x]
    st.8 [b], r1
commit:
    ret
    sig
abort:
    ret
func g()
    ld.8 r1, [flag]
    st.8 [x], r1
    ret
thread on 0: f
thread on 1: g
final b <= 1
`},
	{"another thread's area", "none", `
data b: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
    mov r1, 1
    mov r2, 2
    ld.8 r3, [tp + rseq_cs]
    st.8 [b], r3
start:
    nop
commit:
    ret
    sig
abort:
    ret
func g()
    mov r1, 0x400008
    st.8 [r1], 0
    ret
thread on 0: f
thread on 1: g
final b >= 0
`},
	{"a CPU by its number", "preempt=1 migrate=1", `
data a: u64
func f()
    ld.4 r1, [tp + cpu_id]
    bne.4 r1, 1, done
    st.8 [a], 1
done:
    ret
thread: f
thread: f
final a <= 1
`},
	{"who was first", "preempt=1", `
data a: u64
data n: u64[2]
func f(p)
    xadd r1, [a], r2
    add r2, r1, 1
    st.8 [r0], r2
    st.8 [a], r2
    ret
thread: f n
thread: f n + 8
final n[0] <= 2
`},
	{"an order that an invariant sees", "none", `
percpu x: u64
data a: u64
func f()
    ld.4 r1, [tp + cpu_id]
    shl r1, r1, percpu_shift
    st.8 [r1 + x], 1
    st.8 [r1 + x], 2
    ret
thread on 0: f
thread on 1: f
always x[0] != 1 || x[1] != 1
`},
	{"a descriptor that the program copies", "preempt=1", `
data copy: u64[4]
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    mov r1, s
    ld.8 r2, [r1]
    st.8 [copy], r2
    ld.8 r2, [r1 + 8]
    st.8 [copy + 8], r2
    ld.8 r2, [r1 + 16]
    st.8 [copy + 16], r2
    ld.8 r2, [r1 + 24]
    add r2, r2, 12
    st.8 [copy + 24], r2
    mov r7, 3
    st.8 [tp + rseq_cs], copy
start:
    nop
    st.8 [a], 1
commit:
    ret
    sig
abort:
    st.8 [a], 2
    ret
    sig
other:
    st.8 [a], r7
    ret
thread: f
final a <= 3
`},
	{"an operation that begins when another is over", "none", `
percpu x: u64
func write(value)
    ld.4 r1, [tp + cpu_id]
    shl r2, r1, percpu_shift
    st.8 [r2 + x], r0
    mov r0, 0
    ret
func read(slot)
    ld.4 r2, [tp + cpu_id]
    shl r2, r2, percpu_shift
    mov r1, r0
    ld.8 r0, [r2 + x]
    ret
thread on 0: read 1
thread on 1: write 5
spec register(write, read)
`},
}

// TestReductionsAreConditional: where a condition of a reduction doesn't hold the
// search finds what it finds without.
func TestReductionsAreConditional(t *testing.T) {
	for _, tt := range slices.Concat(conditions, objectConditions, claimConditions, holes) {
		p := parse(t, tt.program)
		for _, kernel := range append(releases(), "6.19/arm64", "7.3/arm64") {
			for _, idle := range []bool{false, true} {
				cfg := on(t, kernel, tt.bounds)
				cfg.Idle = idle
				search := func(set emu.Reduction, noted bool) (*explore.Result, map[string]bool) {
					f := finals{ends{map[string]bool{}}, set}
					fs := propsOf(t, p)
					if noted {
						fs = append(fs, f.factory)
					}
					lim := explore.Limits{Without: emu.AllReductions &^ set, Workers: 1}
					r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), fs, lim, nil)
					if err != nil {
						t.Fatal(err)
					}
					return r, f.seen
				}
				all, ends := search(0, true)
				if own, _ := search(emu.AllReductions, false); (all.Failure == nil) != (own.Failure == nil) {
					t.Errorf("%s, %s, idle %t: %v; of its own, with %s, %v", tt.name, kernel, idle, all.Failure, own.Reduced, own.Failure)
				}
				reduced, seen := search(emu.AllReductions, true)
				if (all.Failure == nil) != (reduced.Failure == nil) || all.Failure == nil && !maps.Equal(ends, seen) {
					t.Errorf("%s, %s, idle %t: %v and ends %q; with %s %v and %q", tt.name, kernel, idle, all.Failure, slices.Sorted(maps.Keys(ends)),
						reduced.Reduced, reduced.Failure, slices.Sorted(maps.Keys(seen)))
				}
			}
		}
	}
}
