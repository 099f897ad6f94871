package arm64_test

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
	"github.com/rseqemu/rseqemu/lift/arm64"
	"github.com/rseqemu/rseqemu/lift/isa"
)

var update = flag.Bool("update", false, "rewrite the tables in testdata behind the bytes")

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
	if in.Lost != 0 {
		s += fmt.Sprintf("  (lost: %04b)", in.Lost)
	}
	for _, r := range in.Refs {
		s += fmt.Sprintf("  (address: %+v)", r)
	}
	return s
}

// TestInstructionsBecomeBundles holds the decoder against tables that a person
// has read: bytes, text, bundle. r9 and those behind it stand in for vectors.
func TestInstructionsBecomeBundles(t *testing.T) {
	hold(t, "testdata/instructions.txt", arm64.Decode)
	hold(t, "testdata/vectors.txt", func(code []byte, at ir.Addr) (isa.Instr, error) {
		in, err := arm64.DecodeVector(code, at)
		hosted := []isa.Instr{in}
		if _, err := isa.Host(hosted); err != nil {
			t.Error(err)
		}
		return hosted[0], err
	})
}

// hold holds a decoder against a table.
func hold(t *testing.T, file string, decode func([]byte, ir.Addr) (isa.Instr, error)) {
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
		fmt.Fprintf(&got, "%s %s\n", word, lifted(decode(code, at)))
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(table), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestCodeThatIsCutOffIsUnsupported: fewer than four bytes are no instruction.
func TestCodeThatIsCutOffIsUnsupported(t *testing.T) {
	for n := range 4 {
		_, err := arm64.Decode(make([]byte, n), at)
		var un *isa.Unsupported
		if !errors.As(err, &un) || un.Addr != at || len(un.Code) != n || un.Why != "cut off" {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// BenchmarkDecode decodes a small function's instructions.
func BenchmarkDecode(b *testing.B) {
	var code []byte
	for _, word := range []string{"40d03bd5", "200440b9", "2000028b", "41000035", "01fc9fc8", "fd7bbea9", "c0035fd6", "20304493"} {
		w, _ := hex.DecodeString(word)
		code = append(code, w...)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := arm64.Decode(code[i%8*4:], at); err != nil {
			b.Fatal(err)
		}
	}
}
