package native

import "github.com/rseqemu/rseqemu/ir"

// areg is the number of an arm64 register. 31 is the stack pointer or zero,
// depending on the instruction.
type areg uint32

const (
	sysNumber areg = 8  // what the kernel takes the number of a call in
	address   areg = 16 // the encoder's own, for addresses
	value     areg = 17 // and for values
	dataPtr   areg = 27 // ir.DataBase, so that data is reached in one instruction
	zero      areg = 31
	stack     areg = 31
)

// a64Registers is the machine's register file on arm64. A number is the same on
// both but where the encoder has another use for it: r8, r16 and r17. The kernel
// takes arguments, and leaves its result, where the program has them. x29, which
// it changes when it enters a handler, is a temporary.
var a64Registers = map[ir.Reg]areg{
	ir.R0: 0, ir.R1: 1, ir.R2: 2, ir.R3: 3, ir.R4: 4, ir.R5: 5, ir.R6: 6, ir.R7: 7,
	ir.R8: 23, ir.R9: 9, ir.R10: 10, ir.R11: 11, ir.R12: 12, ir.R13: 13, ir.R14: 14, ir.R15: 15,
	ir.R16: 24, ir.R17: 26, ir.R18: 18, ir.R19: 19, ir.R20: 20, ir.R21: 21, ir.R22: 22,
	ir.T0: 25, ir.TP: 28, ir.T1: 29, ir.LR: 30,
}

// a64General is how many of r0, r1, … there are.
const a64General = 23

// reg returns the arm64 register of an operand that can't be the stack pointer.
func (a *a64) reg(r ir.Reg) areg {
	if r == ir.SP {
		a.fail("sp is no operand of that on arm64")
	}
	return a.regOrSP(r)
}

// regOrSP returns the arm64 register of an operand that can be.
func (a *a64) regOrSP(r ir.Reg) areg {
	if r == ir.SP {
		return stack
	}
	h, ok := a64Registers[r]
	if !ok {
		a.fail("register %v has no place on arm64 (r0 to r%d, lr, sp and tp have)", r, a64General-1)
	}
	return h
}
