package explore_test

// objectConditions are those of object and garbage.
var objectConditions = []condition{
	{"a node that is read while others have it", "preempt=1 migrate=1", `
percpu head: u64
data node: u64[4]
data a: u64
func push(node)
    ld.4 r1, [tp + cpu_id]
    shl r1, r1, percpu_shift
    st.8 [r1 + head], r0
    st.8 [r0], 1
    ld.8 r2, [r0]
    st.8 [a], r2
    ret
func take()
    ld.4 r1, [tp + cpu_id]
    shl r1, r1, percpu_shift
    ld.8 r0, [r1 + head]
    beq r0, 0, none
    st.8 [r0], 7
none:
    ret
thread: push node
thread: push node + 16
thread: take
cpus 1
final a <= 1
`},
	{"a node that the other's script names later", "none", `
data node: u64[4]
data a: u64
data shared: u64
func put(node)
    st.8 [shared], r0
    ret
func take()
    mov r1, 0
    xchg r1, [shared], r1
    beq r1, 0, none
    st.8 [r1], 1
    st.8 [r1], 2
none:
    ret
func look(node)
    ld.8 r1, [r0]
    beq r1, 0, none
    st.8 [a], r1
none:
    ret
thread: put node; take; look node
thread: put node + 16; take; look node + 16
cpus 2
final a != 1
`},
	{"a node whose address is in global data", "none", `
data node: u64[4]
data a: u64
data shared: u64
func put(node)
    st.8 [shared], r0
    st.8 [r0], 1
    st.8 [r0], 2
    ret
func take(node)
    ld.8 r1, [shared]
    beq r1, 0, none
    ld.8 r2, [r1]
    st.8 [a], r2
none:
    ret
thread: put node; take node
thread: put node + 16; take node + 16
cpus 2
final a != 1
`},
	{"a node that is behind another", "none", `
data node: u64[8]
data a: u64
data shared: u64
func put(node, next)
    st.8 [shared], r0
    st.8 [r0], r1
    st.8 [r1 + 8], 1
    st.8 [r1 + 8], 2
    ret
func take()
    ld.8 r1, [shared]
    beq r1, 0, none
    ld.8 r1, [r1]
    beq r1, 0, none
    ld.8 r2, [r1 + 8]
    st.8 [a], r2
none:
    ret
thread: put node, node + 16; take
thread: put node + 32, node + 48; take
cpus 2
final a != 1
`},
	{"a node that is written to in a section", "preempt=1", `
data node: u64[4]
data a: u64 = 1
func f(node)
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
start:
    st.8 [r0], 7
    nop
commit:
    ret
    sig
abort:
    ld.8 r1, [r0]
    st.8 [a], r1
    ret
thread: f node
thread: f node + 16
final a != 0
`},
	{"a node that another thread holds", "none", `
data node: u64[4]
data a: u64
data shared: u64
func put(node)
    st.8 [shared], r0
    st.8 [r0], 1
    st.8 [r0], 2
    ret
func take()
    mov r1, 0
    xchg r1, [shared], r1
    beq r1, 0, none
    ld.8 r2, [r1]
    st.8 [a], r2
none:
    ret
thread: put node; take
thread: put node + 16; take
cpus 2
final a != 1
`},
	{"a node that the end asks for", "none", `
data node: u64[4]
func f(node)
    st.8 [r0], 7
    ret
thread: f node
thread: f node + 16
cpus 2
final node[0] + node[2] == 14
final sum(node) == 14
`},
}
