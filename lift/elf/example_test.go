package elf_test

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
)

// The critical sections of a position-independent program whose descriptors are
// zeros in the file: relocations have their contents.
func Example() {
	o, err := elf.OpenFile("../testdata/percpu.riscv64.gcc-O2.pie")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range o.CS[:3] {
		at := ir.Addr(d.CS.StartIP)
		in, _ := o.SymbolContaining(at)
		file, line, _ := o.Line(at)
		fmt.Printf("%s+%#x: %d bytes, %s:%d\n", in.Name, uint64(at-in.Addr), d.CS.PostCommitOffset, file, line)
	}
	// Output:
	// counter_add+0x2c: 18 bytes, /testdata/percpu.c:11
	// list_push+0x30: 20 bytes, /testdata/percpu.c:41
	// list_pop+0x26: 26 bytes, /testdata/percpu.c:74
}
