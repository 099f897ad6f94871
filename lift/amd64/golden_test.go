package amd64_test

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
	"github.com/rseqemu/rseqemu/lift/amd64"
	"github.com/rseqemu/rseqemu/lift/isa"
)

var (
	update = flag.Bool("update", false, "rewrite testdata/decode.txt")
	long   = flag.Bool("long", false, "try every opening, and 50 times as many executions")
)

const golden = "testdata/decode.txt"

// at is where the instructions of the golden file are.
const at = 0x401000

// line is a line of the golden file: the bytes of an instruction, or something
// else.
type line struct {
	text string
	code []byte
}

// readGolden reads the file. The bytes stand before the first bar.
func readGolden(t testing.TB) (lines []line) {
	t.Helper()
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		l := line{text: s}
		if s != "" && s[0] != '#' {
			digits, _, _ := strings.Cut(s, "|")
			if l.code, err = hex.DecodeString(strings.ReplaceAll(digits, " ", "")); err != nil {
				t.Fatalf("%s:%d: %v", golden, i+1, err)
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// TestGolden shows every form of the vocabulary with its text and its bundle.
func TestGolden(t *testing.T) {
	var got, want strings.Builder
	for _, l := range readGolden(t) {
		want.WriteString(l.text + "\n")
		if l.code == nil {
			got.WriteString(l.text + "\n")
			continue
		}
		in, err := amd64.Decode(l.code, at)
		got.WriteString(show(l.code, in, err) + "\n")
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want.String(), got.String()); d != "" {
		t.Errorf("(-want +got; -update accepts it)\n%s", d)
	}
}

// show is a line of the golden file.
func show(code []byte, in isa.Instr, err error) string {
	s := fmt.Sprintf("%-24s | ", fmt.Sprintf("% x", code))
	if err != nil {
		u := new(isa.Unsupported)
		if !errors.As(err, &u) {
			return s + "not an Unsupported: " + err.Error()
		}
		return s + fmt.Sprintf("unsupported, % x: %s", u.Code, u.Why)
	}
	s += fmt.Sprintf("%-36s | %v", in.Text, named(in.IR))
	if in.Flow != isa.Falls {
		s += " | " + flowNames[in.Flow]
		if in.Target != 0 {
			s += fmt.Sprintf(" %#x", uint64(in.Target))
		}
	}
	for _, r := range in.Refs {
		o, a := in.IR.Ops[r.Op], ""
		if r.Guess {
			a = " perhaps"
		}
		v := o.Imm
		if r.Mem {
			v = o.Mem.Disp
		}
		s += fmt.Sprintf(" | address%s %#x", a, uint64(v))
	}
	if in.Lost != 0 {
		s += fmt.Sprintf(" | loses %v", in.Lost)
	}
	return s
}

var flowNames = [...]string{isa.Branches: "branches", isa.Jumps: "jumps", isa.JumpsReg: "jumps somewhere", isa.Calls: "calls",
	isa.CallsReg: "calls somebody", isa.Returns: "returns", isa.Syscalls: "enters the kernel", isa.Traps: "traps"}

// named gives branches the name that a program would have for their target.
func named(in ir.Instr) *ir.Instr {
	for i := range in.Micro() {
		switch o := &in.Ops[i]; o.Code {
		case ir.Br, ir.Beq, ir.Bne, ir.Jmp, ir.Call:
			o.Target = fmt.Sprintf("at_%x", uint64(o.TargetIP))
		}
	}
	return &in
}
