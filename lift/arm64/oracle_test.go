package arm64_test

import (
	"encoding/binary"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/arm64"
	"github.com/rseqemu/rseqemu/lift/internal/lifttest"
	"github.com/rseqemu/rseqemu/lift/isa"
	"golang.org/x/arch/arm64/arm64asm"
)

// target is objdump's number that a branch or address ends with.
var target = regexp.MustCompile(`^((?:b|bl|b\.\w\w|cbn?z \w+,|tbn?z \w+, #\d+,|adrp? \w+,|(?:ldr|ldrsw|prfm) \w+,) )([0-9a-f]+)$`)

// TestTextIsThatOfObjdump holds texts of all forms against GNU objdump.
func TestTextIsThatOfObjdump(t *testing.T) {
	plain := func(s string) string { return target.ReplaceAllString(s, "${1}0x$2") }
	underTest.Objdump(t, "aarch64-linux-gnu-objdump", "aarch64", slices.Concat(forms, farForms), plain)
	vectorsUnderTest().Objdump(t, "aarch64-linux-gnu-objdump", "aarch64", vectorForms, plain)
}

// TestTextIsThatOfAnotherDecoder holds instructions of random words against
// golang.org/x/arch, as far as that goes.
func TestTextIsThatOfAnotherDecoder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	both := 0
	for range 60_000 {
		code := binary.LittleEndian.AppendUint32(nil, r.Uint32())
		in, err := arm64.Decode(code, at)
		if err != nil {
			continue
		}
		theirs, err := arm64asm.Decode(code)
		if err != nil {
			continue
		}
		both++
		want, _, _ := strings.Cut(strings.ToLower(arm64asm.GNUSyntax(theirs)), " ")
		if got, _, _ := strings.Cut(in.Text, " "); got != want && got != "bfc" { // which it calls bfm
			t.Errorf("% x: %q, theirs is %q", code, in.Text, arm64asm.GNUSyntax(theirs))
		}
	}
	if both < 10_000 {
		t.Errorf("only %d are known to the other decoder", both)
	}
}

// TestEveryOpcodeIsLiftedLawfully sweeps the upper 11 bits, which hold the
// opcode, with random operands.
func TestEveryOpcodeIsLiftedLawfully(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	lifted := 0
	for opcode := range uint32(1 << 11) {
		for range 16 {
			code := binary.LittleEndian.AppendUint32(nil, opcode<<21|r.Uint32()>>11)
			ok, wrong := lifttest.Law(arm64.Decode, code, at)
			if wrong == nil {
				_, wrong = lifttest.Law(arm64.DecodeVector, code, at)
			}
			if wrong != nil {
				t.Fatal(wrong)
			}
			if ok {
				lifted++
			}
		}
	}
	if lifted < 6_000 {
		t.Errorf("%d instructions of %d", lifted, 16<<11)
	}
}

// FuzzDecode: any bytes are an instruction or an error, by the rules of package
// isa.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x41, 0, 0, 0x35, 0xff}, uint64(at))
	f.Add([]byte{0x20, 0x18, 0xe0, 0xf8}, uint64(1<<63))
	f.Add([]byte{0xc0, 0x03}, uint64(0))
	f.Fuzz(func(t *testing.T, code []byte, where uint64) {
		for _, decode := range []func([]byte, ir.Addr) (isa.Instr, error){arm64.Decode, arm64.DecodeVector} {
			if _, wrong := lifttest.Law(decode, code, ir.Addr(where)); wrong != nil {
				t.Error(wrong)
			}
		}
	})
}
