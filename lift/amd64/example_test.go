package amd64_test

import (
	"fmt"

	"github.com/rseqemu/rseqemu/lift/amd64"
)

func ExampleDecode() {
	code := []byte{
		0x64, 0x44, 0x39, 0x41, 0x04, // is cpu_id still the CPU that was read?
		0x0f, 0x85, 0x10, 0x00, 0x00, 0x00,
		0x48, 0x01, 0x37,
		0xf2, 0x0f, 0x58, 0xc1,
	}
	for at := 0; at < len(code); {
		in, err := amd64.Decode(code[at:], 0x401000)
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Printf("%-28s %v\n", in.Text, named(in.IR))
		at += int(in.IR.Len())
	}
	// Output:
	// cmp %r8d,%fs:0x4(%rcx)       { ld.4 t0, [tp + r3 + 4]; cmp.4 t0, r4 } !5
	// jne 0x401016                 b.ne at_401016 !6
	// add %rsi,(%rdi)              { ld.8 t0, [r0]; adds t0, t0, r1; st.8 [r0], t0 } !3
	// unsupported instruction at 0x401000: f2 0f 58 c1 (not in the vocabulary of critical sections)
}
