package riscv64_test

import (
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/internal/lifttest"
	"github.com/rseqemu/rseqemu/lift/riscv64"
)

// forms are the instructions that are lifted, in the layout of the manual.
// Branches go to the second instruction behind them.
var forms = []lifttest.Form{
	{Name: "load", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx0000011"}},
	{Name: "store", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx0100011"}},
	{Name: "addi and others", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx0010011"}},
	{Name: "shifts by a number", Words: []string{"0x0000xxxxxxxxxxxx01xxxxx0010011"}},
	{Name: "shifts to the right", Words: []string{"0x0000xxxxxxxxxxx101xxxxx0010011"}},
	{Name: "addiw and others", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx0011011"}},
	{Name: "shifts of words", Words: []string{"0x00000xxxxxxxxxxx01xxxxx0011011"}},
	{Name: "add and others", Words: []string{"0x00000xxxxxxxxxxxxxxxxxx0110011"}},
	{Name: "addw and others", Words: []string{"0x00000xxxxxxxxxxxxxxxxxx0111011"}},
	{Name: "lui", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx0110111"}},
	{Name: "auipc", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx0010111"}},
	{Name: "branch", Words: []string{"0000000xxxxxxxxxxxxx010001100011"}},
	{Name: "branch on a sign", Words: []string{"0000000xxxxx000001xx010001100011"}},
	{Name: "jal", Words: []string{"00000000100000000000xxxxx1101111"}},
	{Name: "jalr", Words: []string{"xxxxxxxxxxxxxxxxx000xxxxx1100111"}},
	{Name: "jalr without displacement", Words: []string{"000000000000xxxxx000xxxxx1100111"}},
	{Name: "seqz", Words: []string{"000000000001xxxxx011xxxxx0010011"}},
	{Name: "snez", Words: []string{"0000000xxxxx00000011xxxxx0110011"}},
	{Name: "sltz", Words: []string{"000000000000xxxxx010xxxxx0x10011"}},
	{Name: "fence", Words: []string{"0000xxxxxxxx000000000000x0001111"}},
	{Name: "lr", Words: []string{"00010x000000xxxxx01xxxxxx0101111"}},
	{Name: "sc alone", Words: []string{"000110xxxxxxxxxxx01xxxxxx0101111"}},
	{Name: "lr.w, sc.w", Words: []string{"00010x00000000001010xxxxx0101111", "000110xxxxxx00001010xxxxx0101111"}},
	{Name: "lr.d, sc.d", Words: []string{"00010x00000000001011xxxxx0101111", "000110xxxxxx00001011xxxxx0101111"}},
	{Name: "amoadd", Words: []string{"0000011xxxxxxxxxx01xxxxxx0101111"}},
	{Name: "amoswap", Words: []string{"0000111xxxxxxxxxx01xxxxxx0101111"}},
	{Name: "amoxor", Words: []string{"0010011xxxxxxxxxx01xxxxxx0101111"}},
	{Name: "amoor", Words: []string{"0100011xxxxxxxxxx01xxxxxx0101111"}},
	{Name: "amoand", Words: []string{"0110011xxxxxxxxxx01xxxxxx0101111"}},
	{Name: "c.addi4spn", Words: []string{"000xxxxxxxxxxx00"}},
	{Name: "c.lw", Words: []string{"010xxxxxxxxxxx00"}},
	{Name: "c.ld", Words: []string{"011xxxxxxxxxxx00"}},
	{Name: "c.sw", Words: []string{"110xxxxxxxxxxx00"}},
	{Name: "c.sd", Words: []string{"111xxxxxxxxxxx00"}},
	{Name: "c.addi", Words: []string{"000xxxxxxxxxxx01"}},
	{Name: "c.addiw", Words: []string{"001xxxxxxxxxxx01"}},
	{Name: "c.li", Words: []string{"010xxxxxxxxxxx01"}},
	{Name: "c.lui", Words: []string{"011xxxxxxxxxxx01"}},
	{Name: "c.addi16sp", Words: []string{"011x00010xxxxx01"}},
	{Name: "c.srli and others", Words: []string{"100xxxxxxxxxxx01"}},
	{Name: "c.sub and others", Words: []string{"100x11xxxxxxxx01"}},
	{Name: "c.j", Words: []string{"1010000000011001"}},
	{Name: "c.beqz", Words: []string{"11x000xxx0011001"}},
	{Name: "c.slli", Words: []string{"000xxxxxxxxxxx10"}},
	{Name: "c.lwsp", Words: []string{"010xxxxxxxxxxx10"}},
	{Name: "c.ldsp", Words: []string{"011xxxxxxxxxxx10"}},
	{Name: "c.swsp", Words: []string{"110xxxxxxxxxxx10"}},
	{Name: "c.sdsp", Words: []string{"111xxxxxxxxxxx10"}},
	{Name: "c.mv and c.add", Words: []string{"100xxxxxxxxxxx10"}},
	{Name: "c.jr and c.jalr", Words: []string{"100xxxxxx0000010"}},
	{Name: "lui, addi", Words: []string{"xxxxxxxxxxxxxxxxxxxx001010110111", "xxxxxxxxxxxx00101000xxxxx0010011"}},
}

// farForms go anywhere, and so are for reading only.
var farForms = []lifttest.Form{
	{Name: "branch", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx1100011"}},
	{Name: "jal", Words: []string{"xxxxxxxxxxxxxxxxxxxxxxxxx1101111"}},
	{Name: "c.j", Words: []string{"101xxxxxxxxxxx01"}},
	{Name: "c.beqz", Words: []string{"11xxxxxxxxxxxx01"}},
}

// bitForms are those of the extension B.
var bitForms = []lifttest.Form{
	{Name: "sh1add and others", Words: []string{"0010000xxxxxxxxxxxx0xxxxx011x011"}},
	{Name: "add.uw", Words: []string{"0000100xxxxxxxxxx000xxxxx0111011"}},
	{Name: "zext.h", Words: []string{"000010000000xxxxx100xxxxx0111011"}},
	{Name: "slli.uw", Words: []string{"000010xxxxxxxxxxx001xxxxx0011011"}},
	{Name: "andn and others", Words: []string{"0100000xxxxxxxxxx1xxxxxxx0110011"}},
	{Name: "min and others", Words: []string{"0000101xxxxxxxxxx1xxxxxxx0110011"}},
	{Name: "sext.b, sext.h", Words: []string{"01100000010xxxxxx001xxxxx0010011"}},
	{Name: "rori", Words: []string{"011000xxxxxxxxxxx101xxxxx0010011"}},
	{Name: "bclr", Words: []string{"0100100xxxxxxxxxx001xxxxx0110011"}},
	{Name: "bset", Words: []string{"0010100xxxxxxxxxx001xxxxx0110011"}},
	{Name: "binv", Words: []string{"0110100xxxxxxxxxx001xxxxx0110011"}},
	{Name: "bext", Words: []string{"0100100xxxxxxxxxx101xxxxx0110011"}},
	{Name: "bclri", Words: []string{"010010xxxxxxxxxxx001xxxxx0010011"}},
	{Name: "bseti", Words: []string{"001010xxxxxxxxxxx001xxxxx0010011"}},
	{Name: "binvi", Words: []string{"011010xxxxxxxxxxx001xxxxx0010011"}},
	{Name: "bexti", Words: []string{"010010xxxxxxxxxxx101xxxxx0010011"}},
}

// register is the table of doc.go, in the order of the numbers.
func register(n int) ir.Reg {
	switch {
	case n == 0:
		return ir.None
	case n == 1: // ra
		return ir.LR
	case n == 2: // sp
		return ir.SP
	case n == 3: // gp
		return ir.R28
	case n == 4:
		return ir.TP
	case n <= 7: // t0..t2
		return ir.R(n - 5 + 9)
	case n <= 9: // s0, s1
		return ir.R(n - 8 + 16)
	case n <= 17: // a0..a7
		return ir.R(n - 10)
	case n <= 27: // s2..s11
		return ir.R(n - 18 + 18)
	}
	return ir.R(n - 28 + 12) // t3..t6
}

// underTest is the decoder, and the processor that it is held against.
var underTest = lifttest.ISA{
	Guest: lifttest.Guest{
		QEMU: "qemu-riscv64", CPU: "rv64",
		Machine: elf.EM_RISCV, Driver: driver(), Stub: surround, Skip: 8,
	},
	Decode:   riscv64.Decode,
	Register: register,
	Fields:   []int{7, 15, 20},
}

// TestBundlesDoAsQEMU holds the lifter and package vcpu against a processor that
// QEMU emulates.
func TestBundlesDoAsQEMU(t *testing.T) {
	underTest.TestAgainstQEMU(t, append(forms, bitForms...))
}

// The driver. Slots are 8 bytes each, and those of x1 to x31 are their numbers.

func ld(reg, base, slot uint32) uint32 { return 8*slot<<20 | base<<15 | 3<<12 | reg<<7 | 0x03 }
func sd(reg, base, slot uint32) uint32 {
	return 8*slot>>5<<25 | reg<<20 | base<<15 | 3<<12 | 8*slot&31<<7 | 0x23
}
func addi(reg, base, v uint32) uint32 { return v<<20 | base<<15 | reg<<7 | 0x13 }
func li(reg, v uint32) uint32         { return addi(reg, 0, v) }

// block sets a register to the block's address.
func block(reg uint32) []uint32 {
	at := uint32(lifttest.Block)
	return []uint32{(at+0x800)&^0xfff | reg<<7 | 0x37, addi(reg, reg, at&0xfff)}
}

// The registers a0, a1, a2 and a7.
const a0, a1, a2, a7 = 10, 11, 12, 17

// system is a system call on file with the record.
func system(nr, file uint32) []uint32 {
	code := append([]uint32{li(a0, file)}, block(a1)...)
	return append(code, li(a2, lifttest.RecordSize), li(a7, nr), 0x73)
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
		li(5, lifttest.RecordSize),
		5<<20 | a0<<15 | 16>>1&15<<8 | 0x63, // beq a0, t0, over the exit
		li(a0, 0), li(a7, sysExit), 0x73,
	})
	n += copy(code[n:], block(31))
	n += copy(code[n:], []uint32{0x18003000 | 31<<15 | 5<<7 | 0x2f}) // sc.d t0, zero, (t6): no reservation is left
	for r := uint32(1); r < 30; r++ {
		code[n] = ld(r, 31, r)
		n++
	}
	copy(code[n:], []uint32{ld(30, 31, lifttest.SlotStub), 30<<15 | 0x67}) // jr t5
	for taken := range uint32(2) {
		n := tails + int(taken)*tailSize
		code[n] = 0xf2000053 | 31<<15 // fmv.d.x ft0, t6
		n++
		n += copy(code[n:], block(31))
		for r := uint32(1); r < 31; r++ {
			code[n] = sd(r, 31, r)
			n++
		}
		n += copy(code[n:], []uint32{
			0xe2000053 | 1<<7, sd(1, 31, 31), // fmv.x.d ra, ft0
			li(1, taken), sd(1, 31, lifttest.SlotStub),
		})
		code[n] = jump(4*n, 4*write)
	}
	n = write
	n += copy(code[n:], system(sysWrite, 1))
	code[n] = jump(4*n, 0)
	return encode(code)
}

// jump is a branch from one place to another.
func jump(from, to int) uint32 {
	v := uint32(to - from)
	return v>>20&1<<31 | v>>1&0x3ff<<21 | v>>11&1<<20 | v>>12&0xff<<12 | 0x6f
}

// surround puts the load of the last two registers before the instructions, and
// behind them the ways to the tails.
func surround(at ir.Addr, code []byte) []byte {
	stub := append(encode([]uint32{ld(30, 31, 30), ld(31, 31, 31)}), code...)
	n := int(at-lifttest.CodeBase) + len(stub)
	return append(stub, encode([]uint32{jump(n, 4*tails), jump(n+4, 4*(tails+tailSize))})...)
}

func encode(code []uint32) []byte {
	var b []byte
	for _, w := range code {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
