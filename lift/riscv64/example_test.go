package riscv64_test

import (
	"fmt"

	"github.com/rseqemu/rseqemu/lift/riscv64"
)

// A compressed load of a word, whose sign is extended, the commit of a list's push,
// and something that is no part of a critical section.
func ExampleDecode() {
	for _, code := range [][]byte{{0xc8, 0x41}, {0x0c, 0xe1}, {0x33, 0x85, 0xc5, 0x02}} {
		in, err := riscv64.Decode(code, 0x10560)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s is %v\n", in.Text, in.IR)
	}
	// Output:
	// lw a0,4(a1) is { ld.4 t0, [r1 + 4]; sext.4 r0, t0 } !2
	// sd a1,0(a0) is st.8 [r0], r1 !2
	// unsupported instruction at 0x10560: 33 85 c5 02 (multiplication or division)
}
