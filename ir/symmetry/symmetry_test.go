package symmetry_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
	"github.com/rseqemu/rseqemu/ir/symmetry"
)

const list = `
percpu head: u64
data   node: u64[4]
data   other: u64
func push(n)
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    ld.4 r1, [tp + cpu_id_start]
    shl r2, r1, percpu_shift
    st.8 [tp + rseq_cs], s
start:
    { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }
    ld.8 r3, [r2 + head]
    st.8 [r0], r3
    st.8 [r2 + head], r0
commit:
    mov r0, 0
    ret
    sig
abort:
    jmp retry
func pop()
    ld.4 r1, [tp + cpu_id_start]
    shl r2, r1, percpu_shift
    ld.8 r0, [r2 + head]
    beq r0, 0, empty
    ld.8 r3, [r0]
    st.8 [r2 + head], r3
empty:
    ret
thread: push node; pop
thread: push node + 16; pop
`

func of(t *testing.T, text string) *symmetry.Facts {
	t.Helper()
	p, err := ir.Parse("test.rseq", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	return symmetry.Of(im, live.Of(im))
}

// say says what can change places.
func say(f *symmetry.Facts) string {
	var out []string
	for _, c := range f.Classes {
		out = append(out, fmt.Sprint(c.Threads))
	}
	if f.CPUs {
		out = append(out, "CPUs")
	}
	if f.Why != "" {
		out = append(out, "but "+f.Why)
	}
	return strings.Join(out, " ")
}

// TestWhatCanChangePlaces: of a list whose threads push a node each, and of the same
// list with a line more or another.
func TestWhatCanChangePlaces(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"as it is", "", "", "[0 1] CPUs"},
		{"another script", "16; pop", "16", "but push.start+8: what it accesses can't be told"},
		{"bound to a CPU", "thread: push node;", "thread on 0: push node;", "but push.start+8: what it accesses can't be told"},
		{"the same node", "node + 16", "node", "but pop+16: what it accesses can't be told"},
		{"a CPU by number", "    mov r0, 0\n", "    beq.4 r1, 1, abort\n    mov r0, 0\n", "[0 1] but CPUs: push.commit: it compares a CPU's number with a number"},
		{"a CPU's number in arithmetic", "    mov r0, 0\n", "    add r4, r1, 1\n    st.8 [other], r4\n    mov r0, 0\n", "but push.commit+4: a word of data can hold nothing or one thing or another"},
		{"a node by name", "    mov r0, 0\n", "    mov r4, node\n    mov r0, 0\n", "but push.commit: it names an object or a thread"},
		{"a CPU's data by name", "    mov r0, 0\n", "    ld.8 r4, [head]\n    mov r0, 0\n", "but push.commit: what it accesses can't be told"},
		{"an address compared with another thing", "    beq r0, 0, empty\n", "    beq r0, 7, empty\n", "but pop+12: it compares an object's address with a number"},
		{"a part of an address", "    ld.8 r3, [r0]\n", "    ld.4 r3, [r0]\n", "but pop+20: a word of data can hold an object's address or a number"},
		{"beyond the object", "    st.8 [r0], r3\n", "    st.8 [r0 + 16], r3\n", "but push.start+8: what it accesses can't be told"},
		{"inside of the object", "    st.8 [r0], r3\n", "    st.8 [r0 + 8], 5\n    st.8 [r0], r3\n", "[0 1] CPUs"},
		{"a number and an address in a word", "    st.8 [r0], r3\n", "    st.8 [r0], r3\n    st.8 [r0], 1\n", "but pop+20: a word of data can hold an object's address or a number"},
		{"mm_cid", "    mov r0, 0\n", "    ld.4 r4, [tp + mm_cid]\n    mov r0, 0\n", "but push.commit: it reads the thread's area"},
		{"a system call", "    mov r0, 0\n", "    syscall gettid\n    mov r0, 0\n", "but the program makes system calls"},
		{"the stack", "    mov r0, 0\n", "    st.8 [sp - 8], r0\n    mov r0, 0\n", "but push.commit: it uses the stack"},
		{"an address that is hashed", "    mov r0, 0\n", "    xor r4, r0, r3\n    st.8 [other], r4\n    mov r0, 0\n", "but push.commit+4: a word of data can hold nothing or one thing or another"},
		{"an address that is hashed to nothing", "    mov r0, 0\n", "    xor r4, r0, r3\n    mov r0, 0\n", "[0 1] CPUs"},
	} {
		text := strings.Replace(list, tt.old, tt.new, 1)
		if got := say(of(t, text)); got != tt.want {
			t.Errorf("%s: %s\n          want %s", tt.name, got, tt.want)
		}
	}
}

// TestKindsAreInferred for registers, data, arguments and results.
func TestKindsAreInferred(t *testing.T) {
	f := of(t, list)
	node, object := f.Data(0)
	for _, tt := range []struct {
		what string
		got  symmetry.Kind
		want symmetry.Is
	}{
		{"push's argument", f.Arg("push", 0), symmetry.Object}, {"push's r0", f.Result("push", 0), symmetry.Unset},
		{"push's r1", f.Result("push", 1), symmetry.CPU}, {"pop's r0", f.Result("pop", 0), symmetry.Object},
		{"a node's link", node, symmetry.Object}, {"a head", f.PerCPU(0), symmetry.Object},
	} {
		if tt.got.Is != tt.want {
			t.Errorf("%s is %s", tt.what, tt.got)
		}
	}
	if !object || f.ObjectSize != 16 || !f.HasObject("node") || f.HasObject("other") {
		t.Errorf("the nodes are no objects of 16 bytes: %t, %d", object, f.ObjectSize)
	}
}
