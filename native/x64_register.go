package native

import (
	"github.com/rseqemu/rseqemu/ir"
)

// reg is the number of an x86-64 register.
type reg uint8

// The registers by their numbers.
const (
	rax reg = iota
	rcx
	rdx
	rbx
	rsp
	rbp
	rsi
	rdi
	r8
	r9
	r10
	r11
	r12
	r13
	r14
	r15
)

// registers is the machine's register file on x86-64. r0 is rax, so that a
// system call leaves its result where the program expects it without another
// instruction behind it: the ip that the kernel sees is the boundary. The
// arguments from the second on are where the kernel takes them. rcx and r11,
// which a system call destroys, are the bundle's temporaries, and rdi, its first
// argument, is the encoder's own.
var registers = map[ir.Reg]reg{
	ir.R0: rax, ir.R1: rsi, ir.R2: rdx, ir.R3: r10, ir.R4: r8, ir.R5: r9,
	ir.R6: rbx, ir.R7: rbp, ir.R8: r12, ir.R9: r13,
	ir.LR: r14, ir.TP: r15, ir.SP: rsp, ir.T0: r11, ir.T1: rcx,
}

const scratch = rdi

// host returns the x86-64 register; x86-64 has only sixteen.
func (a *x64) host(r ir.Reg) reg {
	h, ok := registers[r]
	if !ok {
		a.fail("register %v has no place on x86-64 (r0 to r9, lr, sp and tp have)", r)
	}
	return h
}
