// Package amd64 decodes x86-64 machine code into bundles of package ir.
//
//	Decode([]byte{0x64, 0x44, 0x39, 0x41, 0x04}, at)
//
// is cmp %r8d,%fs:0x4(%rcx), the check of a critical section on x86-64, as
//
//	{ ld.4 t0, [tp + r3 + 4]; cmp.4 t0, r4 }
//
// # Registers
//
// The first six arguments of a function are r0 to r5. r8, which has a system
// call's number, and r30 stand for nothing.
//
//	rdi rsi rdx rcx r8 r9   r0 r1 r2 r3 r4 r5
//	rax rbx rbp             r6 r7 r9
//	r10 to r15              the same
//	rsp                     r31
//	fs.base                 tp
//
// C is a borrow after a subtraction, as x86-64's CF is; N, Z and V are SF, ZF and
// OF.
//
// # What is lifted
//
// What gcc and clang make of critical sections and small functions around them:
// moves, extensions, lea, arithmetic and logic of one to eight bytes on registers
// and memory, shifts, bits, conditional jumps, moves and sets, the stack, calls,
// jumps, exchanges, what lock may stand before, fences, prefetches and nops.
// testdata/decode.txt shows all of it. One machine instruction is one bundle:
// nothing can interrupt it, and another CPU can look between its load and its
// store exactly if the machine lets it.
//
// Results of one and two bytes keep the rest of the register, results of four
// clear it. ah, ch, dh and bh can be read.
//
// # Flags
//
// Flags that a bundle doesn't give are in [isa.Instr.Lost]: those that the
// architecture leaves undefined (V of a shift by more than one; N and V of bit
// tests) and those that more than three micro-ops would take:
//
//   - V of shr by one
//   - C of a shift in memory, of rol and ror, of bts, btr and btc in memory or
//     with the bit's number in a register
//   - all of a shift by cl, of adc and sbb, and of imul by a number, which is lifted
//     where shifts and sums make it in a bundle
//   - N, C and V of cmpxchg with less than eight bytes
//
// Whoever lifts a function refuses what reads a lost flag before it is set again.
// Parity and auxiliary carry don't exist: what reads parity is unsupported, and so
// is, for want of a condition, what reads overflow alone.
//
// # System calls
//
// A syscall moves rax into r8 and enters the kernel. The fourth argument is in
// r10 and not in r3, and the result belongs into rax, not r0: a bundle has no room
// for that, so whoever lets one run (Flow is Syscalls) has to see to it.
//
// # Differences from the machine
//
// Exchanges, xadd and cmpxchg trap if they aren't aligned, as package vcpu has
// it. An endbr64 is a nop, and so is pause.
//
// # Non-goals
//
// No other multiplication, no division, SSE, AVX, x87, string operations, port or
// privileged instructions, gs, 16- and 32-bit modes, and no disassembler for
// everything: what isn't lifted is an [isa.Unsupported].
package amd64
