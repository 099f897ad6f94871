package percpu_test

import (
	"context"
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// A bug, what it changes in the program that is right, and what a search finds.
func Example() {
	for _, b := range percpu.Bugs() {
		if b.Name != "list-commit-first" {
			continue
		}
		p, err := b.Parse()
		if err != nil {
			panic(err)
		}
		properties, err := props.Of(p)
		if err != nil {
			panic(err)
		}
		m, err := emu.New(p, emu.Config{Kernel: emu.Linux("7.3", abi.AMD64)})
		if err != nil {
			panic(err)
		}
		r, err := explore.Exhaustive(context.Background(), m, properties, explore.Limits{}, nil)
		if err != nil {
			panic(err)
		}
		fmt.Println(b.What)
		fmt.Print(b.Diff)
		fmt.Println(r.Failure.Property)
		fmt.Println(explore.Events(r.Failure.Schedule), "kernel event")
	}
	// Output:
	// push stores the head before the node's next: interrupted in between it starts again and pushes a node that is on the list, which makes a ring.
	// @@ push
	//      ld.8  r3, [r2 + head]
	// -    st.8  [r0 + NEXT], r3
	//      st.8  [r2 + head], r0  # commit
	// +    st.8  [r0 + NEXT], r3
	//  commit:
	// final list(head, NEXT) == calls(push) - got(pop)
	// 1 kernel event
}
