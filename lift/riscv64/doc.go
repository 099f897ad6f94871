// Package riscv64 lifts machine code of 64-bit RISC-V: one instruction, of four or
// two bytes, is one bundle of package ir. It knows RV64I, A, C and the part of B
// (Zba, Zbb, Zbs) that takes three micro-ops at most.
//
//	in, err := riscv64.Decode(code, 0x10560)
//	in.Text // sd a1,0(a0)
//	in.IR   // st.8 [r0], r1
//
// A compressed instruction is what it expands to, two bytes long. The text is
// what objdump prints, with the names that common instructions have (mv, li, ret).
// What isn't lifted is an [isa.Unsupported] that says why.
//
// # Registers
//
//	a0..a7    r0..r7       t0..t2    r9..r11     s0..s11   r16..r27
//	gp        r28          t3..t6    r12..r15    ra        r30
//	sp        r31          tp        ir.TP       zero      ir.None
//
// r8 is no register of RISC-V's: it is where package ir has the number of a
// system call, and ecall copies a7 there. r29 is not used. An operand that must
// be a register is a temporary set to 0 for zero. gp's value (the symbol
// __global_pointer$) is for the loader to set. tp is read as any other
// register is; what writes it is not lifted.
//
// # Comparisons
//
// RISC-V has no flags, so nothing minds that blt and its like become a cmp and a
// b. Of slt, sltu, slti and sltiu only those with 0 or 1 that ask about a sign or
// for zero fit into three micro-ops.
//
// # Memory order
//
// fence rw,rw is fence, rw,w is fence.w, r,rw is fence.r; bits for devices don't
// count, and a fence that orders no memory is a nop. lr and sc are ll and sc, with
// aq and rl. Of the rest of the atomic instructions those with both aq and rl are
// lifted. What orders less would become stronger here and hide what is wrong with
// a program, so it is not lifted: fence w,w, r,r and fence.tso, amoadd.d without
// aqrl; nor is lr with rl or sc with aq, which order more. fence.i is a nop, as no
// code is written here.
//
// # Jumps to registers
//
// jalr ignores bit 0 of where it goes. Here it counts: an odd address is one at
// which no instruction begins, so that this is always seen.
//
// # Non-goals
//
// Multiplication, floating point, vectors, control registers, counting of bits,
// 32-bit RISC-V. It is no disassembler either: only what is lifted has a text.
package riscv64
