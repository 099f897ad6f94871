package arm64_test

import (
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/arm64"
	"github.com/rseqemu/rseqemu/lift/internal/lifttest"
)

// forms are the instructions that are lifted, in the layout of the manual.
// Branches go to the second instruction behind them.
var forms = []lifttest.Form{
	{Name: "adr", Words: []string{"xxx10000xxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "add immediate", Words: []string{"xxx100010xxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "logical immediate", Words: []string{"xxx100100xxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "move wide", Words: []string{"xxx100101xxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "ubfm", Words: []string{"x10100110xxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "sbfm", Words: []string{"x00100110xxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "bfm", Words: []string{"x01100110xxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "extr", Words: []string{"x00100111x0xxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "logical", Words: []string{"xxx01010xxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "logical unshifted", Words: []string{"xxx0101000xxxxxx000000xxxxxxxxxx"}},
	{Name: "add shifted", Words: []string{"xxx01011xx0xxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "add unshifted", Words: []string{"xxx01011000xxxxx000000xxxxxxxxxx"}},
	{Name: "add extended", Words: []string{"xxx01011001xxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "csel", Words: []string{"xx011010100xxxxxxxxx0xxxxxxxxxxx"}},
	{Name: "shift", Words: []string{"x0011010110xxxxx0010xxxxxxxxxxxx"}},
	{Name: "cbz", Words: []string{"x011010x0000000000000000010xxxxx"}},
	{Name: "tbz", Words: []string{"x011011xxxxxx00000000000010xxxxx"}},
	{Name: "b.cond", Words: []string{"010101000000000000000000010xxxxx"}},
	{Name: "b", Words: []string{"x0010100000000000000000000000010"}},
	{Name: "br", Words: []string{"1101011000011111000000xxxxx00000"}},
	{Name: "blr", Words: []string{"1101011000111111000000xxxxx00000"}},
	{Name: "ret", Words: []string{"1101011001011111000000xxxxx00000"}},
	{Name: "load literal", Words: []string{"xx011000xxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "load and store", Words: []string{"xx111001xxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "load and store near", Words: []string{"xx111000xx0xxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "load and store indexed", Words: []string{"xx111000xx1xxxxxxxxx10xxxxxxxxxx"}},
	{Name: "load and store pair", Words: []string{"xx10100xxxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "ldp of its base", Words: []string{"x010100101xxxxxxxxxxxx0000100001"}},
	{Name: "ldar, stlr", Words: []string{"xx0010001x011111111111xxxxxxxxxx"}},
	{Name: "ldxr", Words: []string{"xx00100001011111x11111xxxxxxxxxx"}},
	{Name: "stxr alone", Words: []string{"xx001000000xxxxxx11111xxxxxxxxxx"}},
	{Name: "ldxrb, stxrb", Words: []string{"0000100001011111x1111100001xxxxx", "00001000000xxxxxx1111100001xxxxx"}},
	{Name: "ldxrh, stxrh", Words: []string{"0100100001011111x1111100001xxxxx", "01001000000xxxxxx1111100001xxxxx"}},
	{Name: "ldxr, stxr of w", Words: []string{"1000100001011111x1111100001xxxxx", "10001000000xxxxxx1111100001xxxxx"}},
	{Name: "ldxr, stxr of x", Words: []string{"1100100001011111x1111100001xxxxx", "11001000000xxxxxx1111100001xxxxx"}},
	{Name: "ldxr, add, stxr of x", Words: []string{"1100100001011111x111110000100010", "1x0010110010001000xxxxxxxxx00011", "11001000000xxxxxx111110000100011"}},
	{Name: "ldadd and others", Words: []string{"xx111000111xxxxx00xx00xxxxxxxxxx"}},
	{Name: "ccmp", Words: []string{"x1111010010xxxxxxxxx00xxxxx0xxxx"}},
	{Name: "ccmp, ccmn of a number", Words: []string{"xx111010010xxxxxxxxx10xxxxx0xxxx"}},
	{Name: "casal", Words: []string{"xx001000111xxxxx111111xxxxxxxxxx"}},
	{Name: "swp", Words: []string{"xx111000111xxxxx100000xxxxxxxxxx"}},
	{Name: "barrier", Words: []string{"11010101000000110011xxxx10x11111"}},
	{Name: "hint", Words: []string{"1101010100000011001000000xx11111"}},
	{Name: "mrs tpidr_el0", Words: []string{"110101010011101111010000010xxxxx"}},
	{Name: "prfm", Words: []string{"1111100110xxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "cmp, b.cond", Words: []string{"x11100010xxxxxxxxxxxxxxxxxx11111", "010101000000000000000000010xxxxx"}},
	{Name: "adds, csel", Words: []string{"x0101011xx0xxxxx000xxxxxxxxxxxxx", "xx011010100xxxxxxxxx0xxxxxxxxxxx"}},
	{Name: "ands, csel", Words: []string{"x1101010xxxxxxxx000xxxxxxxxxxxxx", "xx011010100xxxxxxxxx0xxxxxxxxxxx"}},
}

// underTest is the decoder, and the processor that it is held against.
var underTest = lifttest.ISA{
	Guest: lifttest.Guest{
		QEMU: "qemu-aarch64", CPU: "cortex-a76", // which has ARMv8.1's atomics and no pointer authentication
		Machine: elf.EM_AARCH64, Driver: driver(), Stub: surround, Skip: 4,
	},
	Decode:   arm64.Decode,
	Register: func(n int) ir.Reg { return ir.R(n) },
	Fields:   []int{0, 5, 10, 16},
	Carry:    true,
	Patch:    besideTheCode,
}

// TestBundlesDoAsQEMU holds the lifter and package vcpu against a processor that
// QEMU emulates.
func TestBundlesDoAsQEMU(t *testing.T) { underTest.TestAgainstQEMU(t, forms) }

// farForms go anywhere, and so are for reading only.
var farForms = []lifttest.Form{
	{Name: "cbz", Words: []string{"x011010xxxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "tbz", Words: []string{"x011011xxxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "b.cond", Words: []string{"01010100xxxxxxxxxxxxxxxxxxx0xxxx"}},
	{Name: "b, bl", Words: []string{"x00101xxxxxxxxxxxxxxxxxxxxxxxxxx"}},
	{Name: "svc, brk", Words: []string{"11010100001xxxxxxxxxxxxxxxx00000"}},
}

// vectorForms load a vector register, or set it, and then store it.
var vectorForms = []lifttest.Form{
	{Name: "ldr q, str q", Words: []string{"00111101110xxxxxxxxxxxxxxxx00000", "00111101100xxxxxxxxxxxxxxxx00000"}},
	{Name: "ldr q back, str q back", Words: []string{"00111100110xxxxxxxxxxxxxxxx11111", "00111100100xxxxxxxxxxxxxxxx11111"}},
	{Name: "ldr q back, str q indexed", Words: []string{"00111100110xxxxxxxxxxxxxxxx11111", "00111100101xxxxxxxxx10xxxxx11111"}},
	{Name: "ldr q indexed, str q", Words: []string{"00111100111xxxxxxxxx10xxxxx00011", "00111100100xxxxxxxxxxxxxxxx00011"}},
	{Name: "ldr, str q", Words: []string{"xx11110101xxxxxxxxxxxxxxxxx00011", "00111100100xxxxxxxxxxxxxxxx00011"}},
	{Name: "ldr near, str q", Words: []string{"xx111100010xxxxxxxxxxxxxxxx00011", "00111100100xxxxxxxxxxxxxxxx00011"}},
	{Name: "ldr indexed, str q", Words: []string{"xx111100011xxxxxxxxx10xxxxx00011", "00111100100xxxxxxxxxxxxxxxx00011"}},
	{Name: "ldr q, str", Words: []string{"00111100110xxxxxxxxxxxxxxxx00000", "xx111100x00xxxxxxxxxxxxxxxx00000"}},
	{Name: "movi of d, str q", Words: []string{"01101111000000001110010000000111", "00111100100xxxxxxxxxxxxxxxx00111"}},
	{Name: "movi of s, str q", Words: []string{"01001111000000000000010000000111", "00111100100xxxxxxxxxxxxxxxx00111"}},
	{Name: "fmov d, str q", Words: []string{"1001111001100111000000xxxxx00111", "00111100100xxxxxxxxxxxxxxxx00111"}},
	{Name: "dup, fmov x", Words: []string{"0100111000001000000011xxxxx00111", "100111100110011000000000111xxxxx"}},
	{Name: "dup, mov x, v.d[1]", Words: []string{"0100111000001000000011xxxxx00111", "010011100001100000111100111xxxxx"}},
	{Name: "dup, mov v.d[0], x, str q", Words: []string{"0100111000001000000011xxxxx00111", "0100111000001000000111xxxxx00111", "00111100100xxxxxxxxxxxxxxxx00111"}},
	{Name: "dup, mov v.d[1], x, str q", Words: []string{"0100111000001000000011xxxxx00111", "0100111000011000000111xxxxx00111", "00111100100xxxxxxxxxxxxxxxx00111"}},
	{Name: "ldr q, mov x, v.d[0]", Words: []string{"00111100110xxxxxxxxxxxxxxxx00111", "010011100000100000111100111xxxxx"}},
	{Name: "ldr q, mov, str q", Words: []string{"00111100110xxxxxxxxxxxxxxxx00111", "01001110101001110001110011100010", "00111100100xxxxxxxxxxxxxxxx00010"}},
	{Name: "ldr q, ldr q, ext, str q", Words: []string{"00111100110xxxxxxxxxxxxxxxx00111", "00111100110xxxxxxxxxxxxxxxx00010", "01101110000001110100000001000111", "00111100100xxxxxxxxxxxxxxxx00111"}},
	{Name: "ldr q, ext, str q", Words: []string{"00111100110xxxxxxxxxxxxxxxx00111", "01101110000001110100000011100001", "00111100100xxxxxxxxxxxxxxxx00001"}},
}

// TestVectorBundlesDoAsQEMU does the same with vector registers that general
// ones stand in for.
func TestVectorBundlesDoAsQEMU(t *testing.T) { vectorsUnderTest().TestAgainstQEMU(t, vectorForms) }

func vectorsUnderTest() *lifttest.ISA {
	s := underTest
	s.Decode = arm64.DecodeVector
	s.Fields = []int{5, 16} // the rest is that of vectors
	return &s
}

// besideTheCode has a load of what is beside the code load from the window.
func besideTheCode(w uint32, at ir.Addr) uint32 {
	if w&0x3b000000 != 0x18000000 {
		return w
	}
	target := lifttest.Window + ir.Addr(w>>5%(lifttest.WindowSize/4-1))*4
	return w&^(0x7ffff<<5) | uint32(target-at)/4&0x7ffff<<5
}

// The driver. Slots are 8 bytes each, and those of x0 to x30 are their numbers.

func load(reg, base, slot uint32) uint32  { return 0xf9400000 | slot<<10 | base<<5 | reg }
func store(reg, base, slot uint32) uint32 { return 0xf9000000 | slot<<10 | base<<5 | reg }
func movz(reg, v uint32) uint32           { return 0xd2800000 | v<<5 | reg }
func movk16(reg, v uint32) uint32         { return 0xf2a00000 | v<<5 | reg }

// block sets a register to the block's address.
func block(reg uint32) []uint32 {
	return []uint32{movz(reg, uint32(lifttest.Block)&0xffff), movk16(reg, uint32(lifttest.Block)>>16)}
}

// system is a system call on file with the record.
func system(nr, file uint32) []uint32 {
	code := append([]uint32{movz(0, file)}, block(1)...)
	return append(code, movz(2, lifttest.RecordSize), movz(8, nr), 0xd4000001)
}

const (
	sysRead, sysWrite, sysExit = 63, 64, 93
	// The places of the driver's parts, in words.
	tails = 64 // two of tailSize: the branch wasn't taken, it was
	write = 256
)

const tailSize = 64

func driver() []byte {
	code := make([]uint32, 512)
	n := copy(code, system(sysRead, 0))
	n += copy(code[n:], []uint32{
		0xf1000000 | lifttest.RecordSize<<10 | 31, // cmp x0, #RecordSize
		0x54000000 | 4<<5,                         // b.eq over the exit
		movz(0, 0), movz(8, sysExit), 0xd4000001,
	})
	n += copy(code[n:], block(30))
	n += copy(code[n:], []uint32{
		load(0, 30, lifttest.SlotFlags), 0xd51b4200, // msr nzcv, x0
		load(0, 30, lifttest.SlotPointer), 0xd51bd040, // msr tpidr_el0, x0
		load(0, 30, 31), 0x9100001f, // mov sp, x0
		0xd5033f5f, // clrex
	})
	for r := range uint32(29) {
		code[n] = load(r, 30, r)
		n++
	}
	copy(code[n:], []uint32{load(29, 30, lifttest.SlotStub), 0xd61f03a0}) // br x29
	for taken := range uint32(2) {
		n := tails + int(taken)*tailSize
		code[n] = 0x9e6703c0 // fmov d0, x30
		n++
		n += copy(code[n:], block(30))
		for r := range uint32(30) {
			code[n] = store(r, 30, r)
			n++
		}
		n += copy(code[n:], []uint32{
			0x9e660000, store(0, 30, 30), // fmov x0, d0
			0x910003e0, store(0, 30, 31), // mov x0, sp
			0xd53b4200, store(0, 30, lifttest.SlotFlags), // mrs x0, nzcv
			movz(0, taken), store(0, 30, lifttest.SlotStub),
		})
		code[n] = jump(n, write)
	}
	n = write
	n += copy(code[n:], system(sysWrite, 1))
	code[n] = jump(n, 0)
	return encode(code)
}

// jump is a branch from one word to another.
func jump(from, to int) uint32 { return 0x14000000 | uint32(to-from)&0x3ffffff }

// surround puts the load of the last two registers before the instructions, and
// behind them the ways to the tails.
func surround(at ir.Addr, code []byte) []byte {
	stub := append(encode([]uint32{0xa9400000 | 29<<15 | 30<<10 | 30<<5 | 29}), code...) // ldp x29, x30, [x30, #232]
	n := int(at-lifttest.CodeBase)/4 + len(stub)/4
	return append(stub, encode([]uint32{jump(n, tails), jump(n+1, tails+tailSize)})...)
}

func encode(code []uint32) []byte {
	var b []byte
	for _, w := range code {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
