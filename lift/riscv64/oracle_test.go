package riscv64_test

import (
	"encoding/binary"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/internal/lifttest"
	"github.com/rseqemu/rseqemu/lift/riscv64"
	"golang.org/x/arch/riscv64/riscv64asm"
)

var (
	// target is objdump's number that a branch ends with.
	target = regexp.MustCompile(`^((?:j|jal|(?:beq|bne|blt|bge|ble|bgt)z \w+,|b\w+ \w+,\w+,|jal \w+,) ?)([0-9a-f]+)$`)
	// immediate is an operation with a number, whose name some versions of
	// objdump end without its i.
	immediate = regexp.MustCompile(`^(add|and|or|xor|sll|srl|sra|slt|sltu|addw|sllw|srlw|sraw) (\w+,\w+,-?(?:0x[0-9a-f]+|\d+))$`)
)

// plain is objdump's text in the words of this package, or nothing for short
// instructions without an effect, which it prints in many ways, with a c, and for
// those of B, which it knows only in a file that says so.
func plain(s string) string {
	if strings.HasPrefix(s, "c.") || strings.HasPrefix(s, ".4byte") {
		return ""
	}
	if s == "fence w,unknown" {
		return "pause"
	}
	s = target.ReplaceAllString(s, "${1}0x$2")
	if m := immediate.FindStringSubmatch(s); m != nil {
		mnemonic, word := strings.CutSuffix(m[1], "w")
		mnemonic, unsigned := strings.CutSuffix(mnemonic, "u")
		mnemonic += "i"
		if word {
			mnemonic += "w"
		}
		if unsigned {
			mnemonic += "u"
		}
		s = mnemonic + " " + m[2]
	}
	return s
}

// TestTextIsThatOfObjdump holds texts of all forms against GNU objdump.
func TestTextIsThatOfObjdump(t *testing.T) {
	underTest.Objdump(t, "riscv64-linux-gnu-objdump", "riscv:rv64", slices.Concat(forms, farForms), plain)
}

// theirs is the instruction by golang.org/x/arch: its length and whether it
// knows it.
func theirs(code []byte) (in riscv64asm.Inst, ok bool) {
	in, err := riscv64asm.Decode(code)
	return in, err == nil
}

// TestEveryCompressedInstruction sweeps all 2^16 halfwords: each is lifted by the
// rules of package isa, and what another decoder also knows has its length and
// its operation.
func TestEveryCompressedInstruction(t *testing.T) {
	lifted, both := 0, 0
	for h := range 1 << 16 {
		code := binary.LittleEndian.AppendUint16(nil, uint16(h))
		ok, wrong := lifttest.Law(riscv64.Decode, code, at)
		if wrong != nil {
			t.Fatal(wrong)
		}
		if !ok || h&3 == 3 {
			continue
		}
		lifted++
		if in, known := theirs(code); known {
			both++
			compare(t, code, in)
		}
	}
	if lifted < 30_000 || both < 30_000 {
		t.Errorf("%d are lifted, %d of them known to the other decoder", lifted, both)
	}
}

// TestLongInstructionsAreThoseOfAnotherDecoder: so are random ones of four bytes.
func TestLongInstructionsAreThoseOfAnotherDecoder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	both := 0
	for range 10_000 {
		code := binary.LittleEndian.AppendUint32(nil, r.Uint32()|3)
		ok, wrong := lifttest.Law(riscv64.Decode, code, at)
		if wrong != nil {
			t.Fatal(wrong)
		}
		if in, known := theirs(code); ok && known {
			both++
			compare(t, code, in)
		}
	}
	if both < 1_000 {
		t.Errorf("only %d are known to the other decoder", both)
	}
}

// TestBitInstructionsAreThoseOfAnotherDecoder: so are those of the extension B.
func TestBitInstructionsAreThoseOfAnotherDecoder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	for _, f := range bitForms {
		both := 0
		for range 200 {
			code := binary.LittleEndian.AppendUint32(nil, underTest.Word(r, f.Words[0]))
			ok, wrong := lifttest.Law(riscv64.Decode, code, at)
			if wrong != nil {
				t.Fatal(wrong)
			}
			if in, known := theirs(code); ok && known {
				both++
				compare(t, code, in)
			}
		}
		if both == 0 {
			t.Errorf("the other decoder doesn't know %s", f.Name)
		}
	}
}

// compare holds length and text against another decoder's.
func compare(t *testing.T, code []byte, theirs riscv64asm.Inst) {
	t.Helper()
	in, err := riscv64.Decode(code, at)
	if err != nil {
		t.Fatal(err)
	}
	want, _, _ := strings.Cut(strings.ToLower(riscv64asm.GNUSyntax(theirs)), " ")
	got, _, _ := strings.Cut(in.Text, " ")
	if strings.HasPrefix(in.Text, "li zero,") && want == "nop" {
		got = want
	}
	if got == "zext.w" {
		got = "add.uw" // with zero
	}
	if in.IR.Len() != uint64(theirs.Len) || got != want {
		t.Errorf("% x: %d bytes of %q, theirs are %d of %q", code, in.IR.Len(), in.Text, theirs.Len, riscv64asm.GNUSyntax(theirs))
	}
}

// FuzzDecode: any bytes are an instruction or an error, by the rules of package
// isa.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x03, 0xa5, 0x45, 0}, uint64(at))
	f.Add([]byte{0x82, 0x80}, uint64(1<<63))
	f.Add([]byte{0x1f}, uint64(0))
	f.Fuzz(func(t *testing.T, code []byte, where uint64) {
		if _, wrong := lifttest.Law(riscv64.Decode, code, ir.Addr(where)); wrong != nil {
			t.Error(wrong)
		}
	})
}
