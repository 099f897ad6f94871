package amd64_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/amd64"
)

// TestRegistersHaveNamesBothWays: each of x86-64's has one of ours to itself, and
// those that stand for nothing keep their names.
func TestRegistersHaveNamesBothWays(t *testing.T) {
	taken := map[ir.Reg]string{ir.SysReg: "the system call's number", ir.LR: "nothing"}
	for _, name := range append(names[:], "fs.base") {
		r, ok := amd64.Register(name)
		if !ok || amd64.Name(r) != name {
			t.Errorf("%s is %v, which is %s", name, r, amd64.Name(r))
		}
		if other, ok := taken[r]; ok {
			t.Errorf("%s is %v, and so is %s", name, r, other)
		}
		taken[r] = name
	}
	for i, name := range []string{"rdi", "rsi", "rdx", "rcx", "r8", "r9"} {
		if r, _ := amd64.Register(name); r != ir.R(i) {
			t.Errorf("argument %d is in %v", i, r)
		}
	}
	if r, ok := amd64.Register("eax"); ok {
		t.Errorf("eax is %v", r)
	}
	if n := amd64.Name(ir.SysReg); n != "orig_rax" {
		t.Errorf("the system call's number is called %q", n)
	}
	if n := amd64.Name(ir.LR); n != "r30" {
		t.Errorf("r30 is called %q", n)
	}
}
