package native

import (
	"debug/elf"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// isa is an instruction set: how a program becomes machine code, and what its
// tracer has to know of it. Nothing here depends on where it runs, so that every
// host lays out and encodes for all of them.
type isa struct {
	arch    abi.Arch
	machine elf.Machine
	align   int // of segments: the largest page that kernels have
	general int // r0 to r(general-1) have a place
	// nop is the shortest instruction that does nothing.
	nop []byte
	// breakpoint is what a tracer puts over an instruction, and behind how far
	// behind its beginning the ip is when it strikes.
	breakpoint []byte
	behind     ir.Addr
	// coder is an encoder of code that will be at an address.
	coder func(at ir.Addr) coder
}

// coder writes machine code: the program's instructions, and the driver, which
// is made of the other methods. What it can't write is the error of code.
type coder interface {
	here() ir.Addr
	code() ([]byte, error)
	fail(format string, args ...any)

	// instruction writes a resolved instruction of the image.
	instruction(im *ir.Image, i int)

	// begin makes a call's registers those that the encoder relies on, and
	// clears the flags.
	begin()
	setReg(r ir.Reg, v uint64)
	// setArg sets an argument of a system call, and enter makes the call.
	setArg(n int, v uint64)
	enter(sys abi.Syscall)
	// write makes the call that writes memory to an open file.
	write(fd int, at ir.Addr, n int)
	// call calls a function of the program.
	call(f ir.Addr)
	// keepReg and keepNumber store eight bytes at a fixed address.
	keepReg(at ir.Addr, r ir.Reg)
	keepNumber(at ir.Addr, v uint32)
	// stop is a breakpoint.
	stop()
	// handler is where the kernel goes with a signal: its arguments become the
	// machine's. restorer is where the function returns to.
	handler(f, restorer ir.Addr)
	restorer()

	// prepareMask and the next are the routines of prepare.go, and prepared a
	// call that one of them makes the arguments of.
	prepareMask()
	prepareExec()
	prepareFork()
	prepareVfork()
	prepared(routine ir.Addr, sys abi.Syscall)
	// whenTold and inChild write what is only for a process whose first argument
	// begins with the tag, and for the child that a call has just made.
	whenTold(tag uint32, then func())
	inChild(then func())
	// await spins until the eight bytes at an address aren't 0.
	await(at ir.Addr)
}

// frameIP is where the machine's signal frame has the interrupted ip: a handler
// gets such an r1 that [r1 + frameIP] is where the kernel's has it.
const frameIP = 8 * 32

// isas are the instruction sets that there are encoders for.
var isas = map[abi.Arch]*isa{abi.AMD64: &x64ISA, abi.ARM64: &a64ISA}
