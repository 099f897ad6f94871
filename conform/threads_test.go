package conform_test

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// answer is what an emulated kernel says to the only case of a file.
func answer(t *testing.T, kernel, src string) conform.Outcome {
	t.Helper()
	cases, err := conform.Parse("f.txtar", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	k, err := emu.ParseKernel(kernel)
	if err != nil {
		t.Fatal(err)
	}
	o, err := conform.Emulator(k).Run(t.Context(), &cases[0])
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestThreadsRunAtOnce: each waits for the other in the middle of a call, and both
// return; what they return is told apart.
func TestThreadsRunAtOnce(t *testing.T) {
	o := answer(t, "6.18", `-- program --
data ready: u32[2]
func meet(me, other)
    st.4 [r0 + ready], 1
wait:
    ld.4 r2, [r1 + ready]
    beq  r2, 0, wait
    ld.4 r2, [tp + cpu_id]
    add  r0, r2, 10
    ret
-- IDS.case --
thread: meet 0, 4; meet 0, 4
thread on 1: meet 4, 0
`)
	if got := strings.Join(o.Calls, " ") + "; " + strings.Join(o.Second, " "); got != "10 10; 11" {
		t.Errorf("the calls return %s, want 10 10; 11", got)
	}
	other := o
	other.Second = []string{"12"}
	if diff := other.Diff(o); diff != "the second thread's calls return: 12, want 11\n" || other.Equal(o) {
		t.Errorf("the difference is %q", diff)
	}
}

// TestExecLeavesNothingOfBefore: only what the new program returns is told, and
// nothing if it is killed.
func TestExecLeavesNothingOfBefore(t *testing.T) {
	const program = `-- program --
data seen: u64
func op(path)
    st.8 [seen], 1
    syscall execve
    ret
func next()
    mov  r0, 7
    ret
func dies()
    mov  r0, 8
    trap ud
    ret
-- EXEC.case --
`
	for script, want := range map[string]string{
		"op next; next": "calls return 7; then seen[0]=0",
		"next; op dies": "ends with SIGILL at dies+1; then seen[0]=0",
		"op 0; next":    "calls return ENOENT, 7; then seen[0]=1",
	} {
		if got := answer(t, "6.18", program+"thread: "+script+"\nsee seen[0]\n").String(); got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
	}
}

// TestWhatTheKernelTells beside memory: the auxiliary vector, and the registration
// or why ptrace doesn't know it.
func TestWhatTheKernelTells(t *testing.T) {
	for kernel, want := range map[string]string{
		"5.10": "calls return 0; at op.inside: configuration=EIO; then AT_RSEQ_FEATURE_SIZE=none AT_RSEQ_ALIGN=none",
		"6.18": "calls return 0; at op.inside: configuration=not registered; then AT_RSEQ_FEATURE_SIZE=28 AT_RSEQ_ALIGN=32",
		"7.3":  "calls return 0; at op.inside: configuration=not registered; then AT_RSEQ_FEATURE_SIZE=33 AT_RSEQ_ALIGN=64",
	} {
		got := answer(t, kernel, good+"register none\nat op.inside: look configuration\nsee AT_RSEQ_FEATURE_SIZE AT_RSEQ_ALIGN\n").String()
		if got != want {
			t.Errorf("%s: %s, want %s", kernel, got, want)
		}
	}
}
