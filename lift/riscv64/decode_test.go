package riscv64_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/lift/riscv64"
)

var update = flag.Bool("update", false, "rewrite testdata/instructions.txt behind the bytes")

// at is where instructions are decoded.
const at ir.Addr = 0x4000

// lifted writes down all of what is lifted: the assembler's text, the bundle,
// where control goes, the operands that are addresses.
func lifted(in isa.Instr, err error) string {
	if err != nil {
		return "- " + err.(*isa.Unsupported).Why
	}
	ops := in.IR
	last := &ops.Ops[ops.N-1]
	if last.Branches() && last.TargetIP != 0 {
		last.Target = fmt.Sprintf("%#x", uint64(last.TargetIP))
	}
	s := fmt.Sprintf("%-36s %v", in.Text, ops)
	if in.Flow != isa.Falls {
		s += fmt.Sprintf("  (flow %d", in.Flow)
		if in.Target != 0 {
			s += fmt.Sprintf(" to %#x", uint64(in.Target))
		}
		s += ")"
	}
	for _, r := range in.Refs {
		s += fmt.Sprintf("  (address: %+v)", r)
	}
	return s
}

// TestInstructionsBecomeBundles holds the decoder against a table that a person
// has read: bytes, text, bundle.
func TestInstructionsBecomeBundles(t *testing.T) {
	const file = "testdata/instructions.txt"
	table, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") || line == "\n" {
			got.WriteString(line)
			continue
		}
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		code, err := hex.DecodeString(word)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%-8s %s\n", word, lifted(riscv64.Decode(code, at)))
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(table), got.String()); diff != "" {
		t.Errorf("lifted otherwise (-want +got):\n%s", diff)
	}
}

// TestCodeThatIsCutOffIsUnsupported: neither half of a short instruction is one,
// nor what is shorter than its length says.
func TestCodeThatIsCutOffIsUnsupported(t *testing.T) {
	for _, c := range []struct {
		code []byte
		size int
		why  string
	}{
		{nil, 0, "cut off"}, {[]byte{0x01}, 1, "cut off"}, {[]byte{0x13}, 1, "cut off"},
		{[]byte{0x13, 0, 0}, 3, "cut off"}, {[]byte{0x1f, 0, 0, 0, 0, 0}, 2, "longer than four bytes"},
	} {
		_, err := riscv64.Decode(c.code, at)
		var un *isa.Unsupported
		if !errors.As(err, &un) || un.Addr != at || len(un.Code) != c.size || un.Why != c.why {
			t.Errorf("% x: %v", c.code, err)
		}
	}
}

// BenchmarkDecode decodes a small function's instructions, short and long.
func BenchmarkDecode(b *testing.B) {
	var codes [][]byte
	for _, s := range []string{"0325c500", "4841", "93071500", "6317b500", "8280", "2330b500", "97150000", "0100"} {
		w, _ := hex.DecodeString(s)
		codes = append(codes, w)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := riscv64.Decode(codes[i%8], at); err != nil {
			b.Fatal(err)
		}
	}
}
