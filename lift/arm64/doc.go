// Package arm64 lifts machine code of 64-bit Arm: one instruction word is one
// bundle of package ir.
//
//	in, err := arm64.Decode(code, 0x4007a0)
//	in.Text // stlr x1, [x0]
//	in.IR   // st.8.rel [r0], r1
//
// It reads bit fields as the architecture's manual lays them out. What it
// lifts is what gcc and clang make of critical sections and of the small
// functions around them; the rest is an [isa.Unsupported] that says why.
//
// # Registers
//
// x0 to x30 are r0 to r30 and sp is r31, so that arguments, results, the link
// register and the stack pointer are where package ir has them. xzr and wzr
// are ir.None, or a temporary set to 0 where an operand must be a register.
// Writing wN sets the upper half of rN to 0. tpidr_el0 is ir.TP.
//
// # Flags
//
// arm64's C after a subtraction says that there was no borrow; package ir's
// says that there was one. Between instructions C is kept the other way round
// here, always: C = 1 in the emulator is PSTATE.C = 0. So cmp is a cmp, hs, lo, hi
// and ls are themselves, and what sets C as a carry (adds of registers) or clears
// it (ands, tst, bics) ends with a flipc; adds and cmn of a number subtract its
// opposite. Who compares flags with a real processor's must turn C around.
//
// There is no conditional flag: ccmp is a comparison of other operands if its
// condition doesn't hold. Z is right then, and what isn't is in Instr.Lost; so is Z
// behind casal, which sets no flags, as cmpxchg does.
//
// # Memory order
//
// ldar and stlr are ld.acq and st.rel, an instruction with both a and l
// (ldaddal, swpal) is what package ir's indivisible ones are. Weaker ones would
// become stronger here and hide what is wrong with a program, so they are not
// lifted: ldapr, ldadd, ldadda, ldaddl, dmb ishst, isb. A pair (ldp, stp) is two
// accesses in ascending order, between which other CPUs can look: the architecture
// says nothing about their order.
//
// # Pointers with a tag
//
// Linux lets user code dereference pointers whose upper 8 bits are anything
// (Top Byte Ignore), and tcmalloc does. Package ir's memory has no such rule:
// addresses here are taken as they are, and such an access faults in the emulator
// where it would not on a processor. It is never another place that is accessed.
//
// # Hints
//
// Hints do nothing: nop, bti, yield, and also paciasp and autiasp, which do
// nothing on a processor without pointer authentication. That is the processor
// here, and so retaa, which it hasn't, is not lifted.
//
// # Vectors
//
// Package ir has no vector registers. [DecodeVector] lifts what only carries data
// through them, sixteen bytes as two times eight, with halves of registers for
// which isa.Host finds general ones that the code doesn't use. ldp and stp of
// vectors would take four accesses, and are not lifted.
//
// # Unpredictable
//
// Where the manual calls an encoding unpredictable (a load that writes its base
// back over what it has loaded, an ldp of one register twice, an stxr whose
// status is its address), it is not lifted, even where every processor agrees.
//
// # Non-goals
//
// Arithmetic with floating point or vectors, multiplication and division, system
// instructions, AArch32, big-endian data. It is no disassembler either: only what is
// lifted has a text.
package arm64
