package arm64_test

import (
	"fmt"

	"github.com/rseqemu/rseqemu/lift/arm64"
)

// The commit of a list's push, an addition that sets the flags, and something that
// is no part of a critical section.
func ExampleDecode() {
	for _, code := range [][]byte{{0x01, 0xfc, 0x9f, 0xc8}, {0x20, 0x00, 0x02, 0xab}, {0x20, 0x28, 0x62, 0x1e}} {
		in, err := arm64.Decode(code, 0x4007a0)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s is %v\n", in.Text, in.IR)
	}
	// Output:
	// stlr x1, [x0] is st.8.rel [r0], r1
	// adds x0, x1, x2 is { adds r0, r1, r2; flipc }
	// unsupported instruction at 0x4007a0: 20 28 62 1e (floating point or vectors)
}
