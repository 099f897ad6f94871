package explore_test

// holes are programs that a reduction did get wrong, until it got the condition that
// they show: conditions that nobody had thought of. See also conditions.
var holes = []condition{
	{"an operation that begins in an armed section", "preempt=2", `
data a: u64
data b: u64
data c: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
start:
    mov r5, 1
    ld.8 r2, [a]
    nop
    ld.8 r3, [a]
    bne r2, r3, torn
commit:
    ret
torn:
    st.8 [b], 1
    ret
    sig
abort:
    ret
func arm()
    mov r1, s
    st.8 [tp + rseq_cs], r1
    ret
func g()
    st.8 [a], 1
    ret
thread: arm; f
thread: g
cpus 1
final b == 0
`},
	{"an id that is read in a section", "preempt=1", `
data a: u64
data x: u64
func f()
    cs one: start_ip=from post_commit_ip=to abort_ip=out
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], one
from:
    ld.8 r3, [x]
    ld.4 r1, [tp + cpu_id_start]
to:
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
    ld.8 r4, [x]
    sub r4, r4, r3
    st.8 [a], r4
commit:
    ret
    sig
out:
    ret
    sig
abort:
    ret
func g()
    st.8 [x], 1
    ret
thread: f
thread: g
cpus 1
final a == 0
`},
	{"an increment just before an armed section", "preempt=1", `
data node: u64[4]
data sum: u64
func f(node)
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    mov r1, 1
    st.8 [tp + rseq_cs], s
    xadd r1, [r0], r1
start:
    nop
    ld.8 r2, [r0]
commit:
    xadd r2, [sum], r2
    ret
    sig
abort:
    ret
thread: f node
thread: f node + 16
cpus 2
final sum <= 2
`},
	{"a list that begins in a node", "none", `
data node: u64[8]
func f(node, next)
    st.8 [r0], r1
    ret
thread: f node, node + 16
thread: f node + 32, node + 48
cpus 1
final list(node, 0) == 0
`},
	{"scripts that name their nodes in other orders", "none", `
data node: u64[8]
data n: u64
func set(node)
    mov r1, 1
    xadd r1, [n], r1
    st.8 [r0], r1
    ret
func look(node)
    ld.8 r1, [r0]
    bne r1, 2, none
    trap brk
none:
    ret
thread: set node; set node + 16; look node
thread: set node + 32; set node + 48; look node + 48
cpus 1
`},
	{"a node that is in the link register", "none", `
data node: u64[4]
data shared: u64
data a: u64
func put(node)
    st.8 [shared], r0
    st.8 [r0], 1
    st.8 [r0], 2
    ret
func take()
    mov r9, lr
    mov r1, 0
    xchg r1, [shared], r1
    mov lr, r1
    mov r1, 0
    beq lr, 0, none
    nop
    ld.8 r2, [lr]
    st.8 [a], r2
none:
    mov lr, r9
    ret
thread: put node; take
thread: put node + 16; take
cpus 2
final a != 1
`},
	{"a return to elsewhere", "preempt=1", `
data a: u64
func f()
    mov r7, 5
    mov r9, lr
    mov lr, there
    ld.8 r2, [a]
    ret
there:
    st.8 [a], r7
    mov lr, r9
    ret
thread: f
final a == 5
`},
	{"an end that tells who had returned", "none", `
data a: u64
func f()
    st.8 [a], 1
    ret
func g()
    ld.8 r1, [a]
    beq r1, 0, none
    mov r0, 0
    syscall exit_group
none:
    ret
thread: f; f
thread: g
cpus 2
final a == 0 || calls(f) > 0
`},
	{"an end that tells who had begun", "none", `
percpu x: u64
data a: u64
func write(value)
    nop
    nop
    ld.8 r1, [a]
    mov r1, 0
    mov r0, 0
    ret
func read(slot)
    mov r1, r0
    mov r0, 5
    st.8 [a], 1
    ret
func out()
    ld.8 r1, [a]
    beq r1, 0, none
    mov r0, 0
    syscall exit_group
none:
    ret
thread on 0: write 5
thread on 1: read 0; out
spec register(write, read) sequential
`},
	{"a node in a variable of its own", "none", `
data na: u64[2]
data nb: u64[2]
data n: u64
func set(node)
    mov r1, 1
    xadd r1, [n], r1
    st.8 [r0], r1
    ret
thread: set na
thread: set nb
cpus 2
final sum(na) == 0
`},
	{"a script that names another's node", "none", `
data node: u64[4]
data n: u64
func mark(node)
    mov r1, 1
    xadd r1, [n], r1
    ld.8 r2, [r0]
    beq r2, 0, new
    bne r1, 1, new
    trap brk
new:
    st.8 [r0], 1
    ret
thread: mark node; mark node
thread: mark node + 16; mark node
cpus 1
`},
}
