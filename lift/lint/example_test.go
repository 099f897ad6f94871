package lint_test

import (
	"fmt"
	"path/filepath"

	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/lint"
)

// What a compiler made of wrong.c, which has an operation for each rule.
func Example() {
	o, err := elf.OpenFile("../testdata/wrong.arm64.gcc-O2.exe")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range lint.File(o, lint.Options{}).Sections {
		if s.Func != "right" && s.Func != "bad_signature" && s.Func != "never_stores" {
			continue
		}
		fmt.Printf("%s: %d instructions, %d stores\n", s.Func, s.Instrs, s.Stores)
		for _, f := range s.Findings {
			fmt.Printf("  %s:%d: %v: %s\n", filepath.Base(f.Place.File), f.Place.Line, f.Severity, f.Rule)
		}
	}
	// Output:
	// right: 6 instructions, 1 stores
	// bad_signature: 6 instructions, 1 stores
	//   wrong.c:83: error: wrong-signature
	// never_stores: 5 instructions, 0 stores
	//   wrong.c:96: error: no-commit-store
}
