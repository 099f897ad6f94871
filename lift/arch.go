package lift

import (
	"fmt"
	"strconv"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/amd64"
	"github.com/rseqemu/rseqemu/lift/arm64"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/lift/riscv64"
)

// arch is what the lifter must know of an instruction set and its calling
// convention beyond single instructions.
type arch struct {
	decode func(code []byte, at ir.Addr) (isa.Instr, error)
	// results are the registers of a function's results, for r0 and r1.
	results [2]ir.Reg
	// stacked: calls push the return address, and returns pop it.
	stacked bool
	// selfPointer: the word at the thread pointer holds the thread pointer, and
	// is how compilers read it (x86-64's psABI).
	selfPointer bool
	// below: the thread-local data lies below the thread pointer (TLS variant II).
	below bool
	// globals is the register with the address of the program's variables, or None.
	globals ir.Reg
	// syscalls: the system call's number and result are where package ir has them.
	syscalls bool
}

func archOf(a abi.Arch) (*arch, error) {
	switch a {
	case abi.AMD64:
		return &arch{decode: amd64.Decode, globals: ir.None, results: [2]ir.Reg{ir.R6, ir.R2}, stacked: true, selfPointer: true, below: true}, nil
	case abi.ARM64:
		return &arch{decode: arm64.DecodeVector, globals: ir.None, results: [2]ir.Reg{ir.R0, ir.R1}, syscalls: true}, nil
	case abi.RISCV64:
		return &arch{decode: riscv64.Decode, globals: riscv64.GP, results: [2]ir.Reg{ir.R0, ir.R1}}, nil
	}
	return nil, fmt.Errorf("no decoder for %v (amd64, arm64, riscv64)", a)
}

// RegisterName returns what an architecture calls a register of code that was
// lifted from it: rax for r6 of x86-64, x0 for r0 of arm64. Other architectures'
// are r0 and so on.
func RegisterName(a abi.Arch, r ir.Reg) string {
	switch {
	case a == abi.AMD64:
		return amd64.Name(r)
	case a == abi.RISCV64:
		return riscv64.Name(r)
	case a == abi.ARM64 && r == ir.SP:
		return "sp"
	case a == abi.ARM64 && r <= ir.R30:
		return "x" + strconv.Itoa(int(r))
	}
	return r.String()
}
