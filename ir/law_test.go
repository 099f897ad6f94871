package ir_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/internal/irtest"
	"pgregory.net/rapid"
)

// samePrograms compares programs up to where they were read from.
var samePrograms = cmp.Options{
	cmp.Comparer(sameExprs),
	cmpopts.IgnoreTypes(ir.Pos{}),
	cmpopts.IgnoreFields(ir.Program{}, "File"),
	cmpopts.EquateEmpty(),
}

// sameExprs spares cmp the trees: it compares the elements of a slice more than
// once, and so takes exponential time in the depth.
func sameExprs(a, b ir.Expr) bool {
	return a.Op == b.Op && a.Num == b.Num && a.Sym == b.Sym && slices.EqualFunc(a.Args, b.Args, sameExprs)
}

// What is printed and parsed is the same program, and prints the same.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := irtest.Program().Draw(t, "program")
		text := p.String()
		got, err := ir.Parse("gen.rseq", []byte(text))
		if err != nil {
			t.Fatalf("printed program does not parse: %v\n%s", err, text)
		}
		if diff := cmp.Diff(p, got, samePrograms); diff != "" {
			t.Fatalf("parsed program differs (-printed +parsed):\n%s\n%s", diff, text)
		}
		if again := got.String(); again != text {
			t.Fatalf("prints differently the second time:\n%s", cmp.Diff(text, again))
		}
	})
}

// Instructions round-trip one by one, too, and are valid.
func TestInstrRoundTrip(t *testing.T) {
	names := irtest.Names{Values: []string{"x", "cpu_id", "-EBUSY"}, Labels: []string{"retry"}, Funcs: []string{"f"}}
	rapid.Check(t, func(t *rapid.T) {
		in := irtest.Instr(names).Draw(t, "instruction")
		if err := in.Validate(); err != nil {
			t.Fatalf("%v: %v", in, err)
		}
		p, err := ir.Parse("", []byte("func f()\n"+in.String()))
		if err != nil {
			t.Fatalf("%v: %v", in, err)
		}
		if got := p.Funcs[0].Body[0].Instr; got != in {
			t.Fatalf("%v: %s", in, cmp.Diff(in, got))
		}
	})
}

// Generated programs link, everywhere, and keep what they say.
func TestGeneratedProgramsLink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := irtest.Program().Draw(t, "program")
		im, err := ir.Link(p, rapid.SampledFrom(abi.Arches()).Draw(t, "arch"))
		if err != nil {
			t.Fatalf("%v\n%v", err, p)
		}
		n := 0
		for i, in := range im.Instrs {
			if err := in.Validate(); err != nil {
				t.Errorf("linked instruction %d: %v", i, err)
			}
			if got := im.Index(im.Addrs[i]); got != i {
				t.Errorf("Index(%#x) = %d, want %d", im.Addrs[i], got, i)
			}
			n += int(in.Len())
		}
		if n > len(im.Code) {
			t.Errorf("%d bytes of instructions in %d of code", n, len(im.Code))
		}
	})
}

// An instruction that validates prints as something that parses, whatever
// values its fields have.
func TestValidMeansPrintable(t *testing.T) {
	reg := rapid.Uint8Range(0, uint8(ir.None)+1)
	rapid.Check(t, func(t *rapid.T) {
		ops := make([]ir.Op, rapid.IntRange(1, 2).Draw(t, "n"))
		for i := range ops {
			o := ir.NewOp(ir.Opcode(rapid.Uint8Range(0, 45).Draw(t, "code")))
			r := func(label string, absent ir.Reg) ir.Reg {
				if rapid.Bool().Draw(t, label+" absent") {
					return absent
				}
				return ir.Reg(reg.Draw(t, label))
			}
			o.Dst, o.A, o.B = r("dst", ir.None), r("a", ir.None), r("b", ir.None)
			o.Mem.Base, o.Mem.Index = r("base", ir.None), r("index", ir.None)
			o.Mem.Scale = rapid.Uint8Range(0, 4).Draw(t, "scale")
			o.Imm = rapid.Int64Range(-2, 3).Draw(t, "imm")
			o.Cond = ir.Cond(rapid.Uint8Range(0, 14).Draw(t, "cond"))
			o.Order = ir.Order(rapid.Uint8Range(0, 6).Draw(t, "order"))
			o.Flags = ir.FlagMode(rapid.Uint8Range(0, 3).Draw(t, "flags"))
			if rapid.Bool().Draw(t, "target") {
				o.Target = "x"
			}
			o.Width = ir.Width(rapid.SampledFrom([]uint8{0, 1, 2, 3, 4, 8, 9, 16, 255}).Draw(t, "width"))
			ops[i] = o
		}
		in := ir.NewInstr(ops...)
		text := in.String() // must not panic, whatever it is
		if in.Validate() != nil {
			return
		}
		p, err := ir.Parse("", []byte("func f()\n"+text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := p.Funcs[0].Body[0].Instr
		for i := range ops {
			if in.Ops[i].Width == 0 {
				in.Ops[i].Width = got.Ops[i].Width // 0 is 8
			}
		}
		if got != in {
			t.Fatalf("%s: %s", text, cmp.Diff(in, got))
		}
	})
}
