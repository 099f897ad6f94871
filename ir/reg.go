package ir

import "strconv"

// Reg names a register of the machine: r0..r31, the thread pointer, or one of
// the two bundle temporaries. A register holds 64 bits.
//
// The numbers are indices into the register file, so that an interpreter reads
// any operand, a missing one included, with one load.
type Reg uint8

// Registers with a role. By convention (the machine enforces only what it must
// to run an operation) r0..r5 hold arguments, r0 and r1 results, r30 the return
// address and r31 the stack pointer.
const (
	R0 Reg = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
	R16
	R17
	R18
	R19
	R20
	R21
	R22
	R23
	R24
	R25
	R26
	R27
	R28
	R29
	R30
	R31
	// TP is the address of the thread's struct rseq. Programs only read it:
	// no instruction of the vocabulary writes a thread pointer.
	TP
	// T0 and T1 carry values between the micro-ops of one bundle. They are
	// dead between instructions: a bundle that reads one before it writes it is
	// refused, so that no state is smuggled past an interruption point.
	T0
	T1
	// None is the absent operand. It reads as zero and swallows writes.
	None

	// NumRegs is the size of a register file that holds them all.
	NumRegs = int(None) + 1

	// LR and SP are the roles of r30 and r31.
	LR = R30
	SP = R31
	// SysReg holds the number of a syscall that isn't named in the instruction.
	SysReg = R8
)

// R returns the general register rN, for N in 0..31.
func R(n int) Reg {
	if n < 0 || n > 31 {
		panic("ir: BUG: no register r" + strconv.Itoa(n))
	}
	return Reg(n)
}

// Temp reports whether r lives only inside one bundle.
func (r Reg) Temp() bool { return r == T0 || r == T1 }

// String returns the register's name as the assembler writes it.
func (r Reg) String() string {
	switch {
	case r < TP:
		return "r" + strconv.Itoa(int(r))
	case r == TP:
		return "tp"
	case r == T0:
		return "t0"
	case r == T1:
		return "t1"
	case r == None:
		return "none"
	}
	return "reg(" + strconv.Itoa(int(r)) + ")"
}

// ParseReg returns the register with that name (r0..r31, lr, sp, tp, t0, t1).
func ParseReg(name string) (Reg, bool) {
	switch name {
	case "tp":
		return TP, true
	case "t0":
		return T0, true
	case "t1":
		return T1, true
	case "lr":
		return LR, true
	case "sp":
		return SP, true
	}
	if len(name) < 2 || len(name) > 3 || name[0] != 'r' || (name[1] == '0' && len(name) > 2) {
		return None, false
	}
	n, err := strconv.ParseUint(name[1:], 10, 8)
	if err != nil || n > 31 {
		return None, false
	}
	return Reg(n), true
}
