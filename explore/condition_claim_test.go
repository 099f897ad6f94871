package explore_test

// claimConditions are those of claim.
var claimConditions = []condition{
	{"a section that doesn't ask", "preempt=1 migrate=1", `
percpu x: u64
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4 r1, [tp + cpu_id_start]
    st.8 [tp + rseq_cs], s
start:
    ld.4 r2, [tp + cpu_id]
    sub r3, r1, r2
    st.8 [a], r3
commit:
    ret
    sig
abort:
    ret
thread: f
final a == 0
`},
	{"a section that asks for something else", "preempt=1 migrate=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4 r1, [tp + cpu_id_start]
    mov r4, 0
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r4, abort }
    add r1, r1, 1
    st.8 [a], r1
commit:
    ret
    sig
abort:
    ret
thread: f
final a <= 1
`},
	{"an abort handler that asks how far the section came", "preempt=1 migrate=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    mov r5, 0
    ld.4 r1, [tp + cpu_id_start]
    st.8 [tp + rseq_cs], s
start:
    ld.4 r5, [tp + cpu_id]
    bne.4 r5, r1, abort
    st.8 [a], 1
commit:
    ret
    sig
abort:
    add r5, r5, 2
    st.8 [a], r5
    ret
thread: f
final a <= 2
`},
	{"an old id that is used again", "preempt=1", `
data a: u64
data x: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    mov r4, 0
    mov r5, 0
    ld.4 r1, [tp + cpu_id_start]
again:
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
    ld.8 r3, [x]
    bne r4, 0, second
    mov r5, r3
    mov r4, 1
    jmp again
second:
    sub r5, r3, r5
    st.8 [a], r5
commit:
    ret
    sig
abort:
    st.8 [a], 9
    ret
func g()
    st.8 [x], 1
    ret
thread: f
thread: g
cpus 1
final a != 1
`},
	{"another section around it", "preempt=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    cs outer: start_ip=from post_commit_ip=to abort_ip=out
    mov r1, 0
    st.8 [tp + rseq_cs], outer
from:
    ld.4 r1, [tp + cpu_id_start]
    nop
    st.8 [tp + rseq_cs], s
to:
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
    st.8 [a], 1
commit:
    ret
    sig
abort:
    st.8 [a], 2
    ret
    sig
out:
    add r1, r1, 3
    st.8 [a], r1
    ret
thread on 1: f
final a != 4
`},
	{"another section around what is behind the id", "preempt=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    cs outer: start_ip=from post_commit_ip=to abort_ip=out
    mov r1, 0
    st.8 [tp + rseq_cs], outer
    ld.4 r1, [tp + cpu_id_start]
from:
    nop
    st.8 [tp + rseq_cs], s
to:
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
    st.8 [a], 1
commit:
    ret
    sig
abort:
    st.8 [a], 2
    ret
    sig
out:
    add r1, r1, 3
    st.8 [a], r1
    ret
thread on 1: f
final a != 4
`},
	{"an abort handler that goes back in", "preempt=2 migrate=2", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    mov r6, 0
    ld.4 r1, [tp + cpu_id_start]
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
inside:
    ld.8 r2, [a]
    st.8 [a], 1
commit:
    ret
    sig
abort:
    add r6, r6, 1
    bne r6, 2, inside
    st.8 [a], 7
    ret
thread: f
final a != 7
`},
	{"an old id that is compared with itself", "preempt=1 migrate=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4 r1, [tp + cpu_id_start]
    mov r5, r1
    st.8 [tp + rseq_cs], s
start:
    bne.4 r5, r1, abort
    ld.4 r2, [tp + cpu_id]
    sub r3, r1, r2
    st.8 [a], r3
commit:
    ret
    sig
abort:
    ret
thread: f
final a == 0
`},
	{"a node_id that is compared with a cpu_id", "preempt=1 migrate=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4 r1, [tp + node_id]
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
    ld.4 r2, [tp + node_id]
    sub r3, r1, r2
    st.8 [a], r3
commit:
    ret
    sig
abort:
    ret
thread: f
cpus 4
nodes 2
final a == 0
`},
	{"an answer that leads elsewhere", "preempt=1 migrate=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4 r1, [tp + cpu_id_start]
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, other }
    st.8 [a], 1
commit:
    ret
    sig
abort:
    st.8 [a], 2
    ret
other:
    st.8 [a], 3
    ret
thread: f
final a != 3
`},
	{"an answer in the flags that leads elsewhere", "preempt=1 migrate=1", `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4 r1, [tp + cpu_id_start]
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; cmp.4 t0, r1 }
    b.ne other
    st.8 [a], 1
commit:
    ret
    sig
abort:
    st.8 [a], 2
    ret
other:
    st.8 [a], 3
    ret
thread: f
final a != 3
`},
	{"something between arming and the section", "preempt=1 migrate=1", `
data a: u64
data b: u64
data c: u64
data z: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    ld.4 r1, [tp + cpu_id]
    add r1, r1, 1
    st.8 [z], r1
    ld.4 r1, [tp + cpu_id_start]
    st.8 [tp + rseq_cs], s
    st.8 [a], 5
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
    nop
commit:
    ret
    sig
abort:
    st.8 [c], 1
    ret
func g()
    ld.8 r1, [z]
    ld.8 r2, [a]
    beq r2, 5, late
    st.8 [b], r1
late:
    ret
thread: f
thread on 0: g
cpus 2
final b != 1 || c != 1
`},
}
