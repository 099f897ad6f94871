package ir

// Opcode is what a micro-op does. The zero value is Nop.
type Opcode uint8

// The vocabulary. Fourteen kinds of it express every critical section that gcc
// and clang make of the kernel's selftests, librseq and tcmalloc; the rest is
// for whole functions around them.
const (
	Nop Opcode = iota // also prefetches, hints, landing pads

	Mov  // dst := a | imm
	Add  // dst := a + b
	Sub  // dst := a - b
	And  // dst := a & b
	Or   // dst := a | b
	Xor  // dst := a ^ b
	Andn // dst := a &^ b
	Shl  // dst := a << (b mod width)
	Shr  // dst := a >> (b mod width), zeros enter
	Sar  // dst := a >> (b mod width), the sign enters

	Zext // dst := the low width bytes of a, zero-extended to 64 bits
	Sext // dst := the low width bytes of a, sign-extended to 64 bits
	Ins  // low width bytes of dst := those of a, the rest of dst stays

	Ld // dst := [mem], zero-extended
	St // [mem] := a | imm
	La // dst := the address of mem (lea)

	Bit   // C := bit b of a
	Flipc // C := not C
	Csel  // dst := cond ? a : b

	Br   // branch to target if cond
	Beq  // branch to target if a == b, at width
	Bne  // branch to target if a != b, at width
	Jmp  // branch to target
	Jmpr // branch to the address in a

	Fence // order earlier accesses before later ones; Order says which

	Xadd    // dst := [mem]; [mem] := dst + a; indivisible
	Xchg    // dst := [mem]; [mem] := a; indivisible
	Cmpxchg // old := [mem]; if old == dst {[mem] := a}; dst := old; Z := stored; indivisible
	Ll      // dst := [mem], and reserve it
	Sc      // if the reservation holds {[mem] := a; dst := 0} else {dst := 1}

	Call    // r30 := the next instruction's address; branch to target
	Ret     // branch to the address in r30
	Syscall // enter the kernel: the call named in Imm, or the number in r8 (SyscallInR8)
	Trap    // raise a fault: TrapUD, TrapBrk
	numOpcodes
)

// Width is the size of an operation or access in bytes: 1, 2, 4 or 8. Zero
// means 8. A result narrower than 8 bytes is zero-extended; keeping the upper
// part, as x86 does for 8 and 16 bits, is an Ins of its own in the bundle.
type Width uint8

// The widths.
const (
	W1 Width = 1
	W2 Width = 2
	W4 Width = 4
	W8 Width = 8
)

// Bytes returns the width in bytes, with the default filled in.
func (w Width) Bytes() int {
	if w == 0 {
		return 8
	}
	return int(w)
}

// FlagMode says which flags an arithmetic micro-op writes. N and Z follow the
// result at its width; C is the carry of an addition and the *borrow* of a
// subtraction (x86's CF); logic clears C and V.
type FlagMode uint8

// The flag modes, with the suffix that the assembler gives the mnemonic.
const (
	NoFlags  FlagMode = iota // "add": flags stay
	SetFlags                 // "adds": N Z C V
	KeepC                    // "addsk": N Z V, C stays (x86 inc and dec)
)

// Cond is a condition on the flags.
type Cond uint8

// The conditions. Lo and Hs are Cs and Cc under the names of an unsigned
// comparison, since C is a borrow after one.
const (
	Always Cond = iota
	Eq          // Z
	Ne          // !Z
	Lo          // C: unsigned lower after a comparison; carry set
	Hs          // !C: unsigned higher or same; carry clear
	Ls          // C || Z
	Hi          // !C && !Z
	Lt          // N != V
	Ge          // N == V
	Le          // Z || N != V
	Gt          // !Z && N == V
	Mi          // N
	Pl          // !N
	numConds
)

// Order is the memory order of an access or fence.
type Order uint8

// The orders. On a load or store Plain, Acquire or Release; on a Fence
// FenceFull, FenceW (release: earlier accesses before later stores) or FenceR
// (acquire: earlier loads before later accesses).
const (
	Plain Order = iota
	Acquire
	Release
	FenceFull
	FenceW
	FenceR
)

// Arguments of Trap, and the marker for a syscall whose number is in r8.
const (
	TrapUD      = 1 // undefined instruction: SIGILL
	TrapBrk     = 2 // breakpoint or failed assertion: SIGTRAP
	SyscallInR8 = -1
)
