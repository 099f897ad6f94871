package riscv64

import "github.com/rseqemu/rseqemu/ir"

// names are the assembler's names of the registers.
var names = [32]string{
	"zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
	"a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
}

// registers are those of package ir that the registers are.
var registers = [32]ir.Reg{
	ir.None, ir.LR, ir.SP, GP, ir.TP, ir.R9, ir.R10, ir.R11, ir.R16, ir.R17, ir.R0, ir.R1, ir.R2, ir.R3, ir.R4, ir.R5,
	ir.R6, ir.R7, ir.R18, ir.R19, ir.R20, ir.R21, ir.R22, ir.R23, ir.R24, ir.R25, ir.R26, ir.R27, ir.R12, ir.R13, ir.R14, ir.R15,
}

// Name returns what RISC-V's assembler calls a register of the lifted code, "a0"
// for r0; for one that no instruction is lifted to, its own name.
func Name(r ir.Reg) string {
	for n, to := range registers {
		if to == r && n != zero {
			return names[n]
		}
	}
	return r.String()
}

// GP is the register of the lifted code that gp is: the linker has code find
// variables through it.
const GP = ir.R28

// The numbers of registers with a role.
const (
	zero = 0
	ra   = 1
	sp   = 2
	a7   = 17
)

// source is the register of that number, or a temporary with 0.
func (l *lifter) source(n uint32) ir.Reg {
	if n != zero {
		return registers[n]
	}
	t := l.temp()
	l.op(ir.MovImm(t, 0))
	return t
}

// dest is the register that the instruction writes.
func (l *lifter) dest() ir.Reg {
	d := registers[l.rd()]
	if d == ir.TP {
		l.refuse("writes tp")
	}
	return d
}

// loaded is where a load goes: there is no load without a destination.
func (l *lifter) loaded() ir.Reg {
	if d := l.dest(); d != ir.None {
		return d
	}
	return l.temp()
}
