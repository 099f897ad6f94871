// Package isa is what a decoder of machine code gives: an instruction as one
// bundle of package ir, at its own address and of its own length.
//
// The decoders are amd64, arm64 and riscv64 beside this package; each has
//
//	func Decode(code []byte, at ir.Addr) (isa.Instr, error)
//
// and lifts the instructions that occur in critical sections and in the small
// functions around them, without losing flags, partial registers, widths,
// memory order or one-instruction atomicity. Anything else is an [Unsupported].
//
// # Registers
//
// A decoder maps its registers to those of package ir so that the calling
// conventions meet: the first six integer arguments are r0..r5, the stack
// pointer is ir.SP, a link register is ir.LR, a zero register is ir.None. x86's
// results, rax and rdx, have registers of their own (Convention).
//
// ir.TP stands for the platform's thread pointer (fs base, tpidr_el0, tp) here,
// and not yet for the address of struct rseq: how far apart the two are is
// known to who loads the program.
//
// # Addresses
//
// A decoder knows no symbol. The target of a branch or call is in Op.TargetIP,
// with an empty Op.Target. Where an instruction forms or uses an address of the
// program (x86's [rip+d], arm64's adr and adrp, riscv's auipc), the absolute
// address is in Op.Imm or Op.Mem.Disp, and Refs says which.
package isa

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// Instr is a machine instruction.
type Instr struct {
	Addr ir.Addr
	// IR is the bundle; its Size is the length of the machine code in bytes.
	IR ir.Instr
	// Text is the instruction in the words of the platform's assembler, as
	// objdump prints it: "mov %rax,0x8(%rdi)", "stlr x1, [x0]".
	Text string
	// Flow says how control leaves the instruction.
	Flow Flow
	// Target is where a branch, jump or call with a fixed target goes.
	Target ir.Addr
	// Refs are the operands that are addresses of the program.
	Refs []Ref
	// Lost are the flags that aren't right behind the bundle: the architecture
	// leaves them undefined, or they would take more micro-ops. What reads one
	// before it is set again (Reads, Sets) has no lift.
	Lost Flags
}

// Next is the address behind the instruction.
func (in Instr) Next() ir.Addr { return in.Addr + ir.Addr(in.IR.Len()) }

// Flow is how control leaves an instruction.
type Flow uint8

// The ways on.
const (
	Falls    Flow = iota // to the next instruction
	Branches             // to Target or to the next instruction
	Jumps                // to Target
	JumpsReg             // to an address in a register or in memory
	Calls                // to Target, and back to the next instruction
	CallsReg             // to an address in a register or in memory, and back
	Returns              // to the caller
	Syscalls             // into the kernel, and back to the next instruction
	Traps                // never on: ud2, brk, ebreak
)

// Ref is an operand of the instruction that is an address of the program.
type Ref struct {
	Op int // index into IR.Ops
	// Mem: the address is Ops[Op].Mem.Disp. Otherwise it is Ops[Op].Imm.
	Mem bool
	// Page: the address is only the beginning of one (arm64's adrp, riscv's
	// auipc); what is added to the register later completes it.
	Page bool
	// Guess: a number that may be an address or not, such as x86's mov $imm32 in
	// a program that isn't position-independent.
	Guess bool
}

// Unsupported is machine code that a decoder doesn't lift.
type Unsupported struct {
	Addr ir.Addr
	Code []byte // of the instruction, if its length is known, or its first bytes
	Why  string // "not in the vocabulary of critical sections", "cut off"
}

func (e *Unsupported) Error() string {
	return fmt.Sprintf("unsupported instruction at %#x: % x (%s)", uint64(e.Addr), e.Code, e.Why)
}
