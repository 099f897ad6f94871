package conform_test

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// A case is a question; two kernels give two answers.
func ExampleParse() {
	cases, err := conform.Parse("sleep.txtar", []byte(`
-- program --
func op()
    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort
    mov  r4, op_cs
    st.8 [tp + rseq_cs], r4
start:
    nop
inside:
    nop
commit:
    mov  r0, 1
    ret
    sig
abort:
    mov  r0, 2
    ret
thread: op
-- CS.sleep-inside --
at op.inside: schedule
see rseq_cs
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, release := range []string{"6.18", "6.19"} {
		target := conform.Emulator(emu.Linux(release, abi.AMD64))
		outcome, err := target.Run(context.Background(), &cases[0])
		fmt.Println(release, outcome, err)
	}
	// Output:
	// 6.18 calls return 2; then rseq_cs=0 <nil>
	// 6.19 calls return 1; then rseq_cs=op_cs <nil>
}

// An implementation is held against a kernel.
func ExampleCheck() {
	target := conform.Emulator(emu.Linux("6.19", abi.AMD64))
	want := conform.Emulator(emu.Linux("6.18", abi.AMD64))
	results := conform.Check(context.Background(), target, conform.Find("CS.flags-norestart"), want)
	conform.WriteKTAP(os.Stdout, slices.Collect(results))
	// Output:
	// KTAP version 1
	// 1..1
	//   KTAP version 1
	//   # Subtest: CS
	//   1..2
	//   # flags-norestart: calls return: 2, want nothing
	//   # flags-norestart: ends with: nothing, want SIGSEGV at op.inside
	//   # flags-norestart: rseq_cs: 0, want flags_1
	//   not ok 1 flags-norestart
	//   # flags-norestart-signal: calls return: 2, want nothing
	//   # flags-norestart-signal: ends with: nothing, want SIGSEGV at op.inside
	//   # flags-norestart-signal: rseq_cs: 0, want flags_2
	//   not ok 2 flags-norestart-signal
	// not ok 1 CS
}
