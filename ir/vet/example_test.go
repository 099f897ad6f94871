package vet_test

import (
	"fmt"
	"log"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/vet"
)

func ExampleProgram() {
	p, err := ir.Parse("counter.rseq", []byte(`
percpu count: u64

func add(n)
    cs add_cs: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, count }
    mov   r4, add_cs
    st.8  [tp + rseq_cs], r4
start:
    ld.4  r4, [tp + cpu_id]
    bne.4 r4, r2, abort
    ld.8  r4, [r3]
    add   r4, r4, r0
    st.8  [r3], r4
    mov   r0, r4
commit:
    ret
    sig
abort:
    jmp   start
`))
	if err != nil {
		log.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range vet.Program(im) {
		fmt.Printf("%s:%v\n", p.File, f)
	}
	// Output:
	// counter.rseq:12:5: not-armed: add_cs is entered without storing its descriptor to rseq_cs after an abort, which clears rseq_cs: the kernel doesn't restart a section that rseq_cs doesn't name
	// counter.rseq:13:5: retry-without-reload: add_cs is retried without loading the CPU's number at add.retry again: once the thread has migrated, cpu_id differs for ever
	// counter.rseq:16:5: late-post-commit: add_cs goes on after this store and stores nothing more: an interruption before post_commit_ip restarts a section that has committed, and it takes effect twice
}

func ExampleChecks() {
	for _, c := range vet.Checks() {
		if c.ID == "abort-inside" {
			fmt.Println(c.Doc)
		}
	}
	// Output:
	// An abort_ip inside its own section. Kernels up to 6.18 kill the thread; later ones continue there with rseq_cs cleared, in a section that is no longer protected.
}
