package vcpu_test

import (
	"bytes"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
	"pgregory.net/rapid"
)

// TestForeseeAndIssueAreStep: a step that Foresee finds to have one access, made by
// Issue with the value that is in memory, and the access done by hand, is Step;
// and Foresee finds the trap that Step ends in, and changes nothing.
func TestForeseeAndIssueAreStep(t *testing.T) {
	kinds := map[ir.Opcode]int{}
	traps := 0
	checkPrograms(t, func(t *rapid.T) {
		s := rapidSource{t}
		im := randomProgram(s, pick[abi.Arch](s, []abi.Arch{abi.AMD64, abi.ARM64BE}))
		code := vcpu.Compile(im)
		r, m := randomRegs(s, im), randomMemory(s, im)
		in := &im.Instrs[im.Index(r.IP)]
		before := append([]byte(nil), m.Mutable()...)
		a, trap := code.Foresee(m, 0, r)
		if !bytes.Equal(before, m.Mutable()) {
			t.Fatalf("Foresee wrote to memory\n%s", in)
		}
		want, wantMemory := r, m.Clone()
		if got := code.Step(wantMemory, 0, &want); got.Kind != trap.Kind {
			t.Fatalf("Foresee says %v, Step %v\n%s", trap, got, in)
		}
		if trap.Kind != vcpu.TrapNone {
			traps++
			return
		}
		kinds[a.Code]++
		switch a.Code {
		case ir.Ld, ir.St, ir.Ll:
		default:
			return
		}
		if in.Locked {
			return
		}
		v, _ := m.Load(a.Addr, a.Width)
		code.Issue(m, 0, &r, v)
		if !bytes.Equal(before, m.Mutable()) || m.Reservations()[0] != 0 {
			t.Fatalf("Issue changed memory\n%s", in)
		}
		if a.Code == ir.St {
			m.Store(0, a.Addr, a.Width, a.Value)
		}
		if r != want || !bytes.Equal(m.Mutable(), wantMemory.Mutable()) {
			t.Fatalf("%+v instead of %+v\n%s", r, want, in)
		}
	})
	for _, code := range []ir.Opcode{ir.Nop, ir.Fence, ir.Ld, ir.St, ir.Ll, ir.Sc, ir.Xadd} {
		if kinds[code] == 0 && !testing.Short() {
			t.Errorf("no step with opcode %d", code)
		}
	}
	if traps == 0 {
		t.Error("no trap")
	}
}

// TestNumbersInBytes: PutNumber and Number are in the order of Store and Load.
func TestNumbersInBytes(t *testing.T) {
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64BE} {
		im, err := ir.Link(&ir.Program{Name: "n", Data: []ir.Data{{Kind: ir.Global, Name: "x", Width: ir.W8, Count: 1}}}, arch)
		if err != nil {
			t.Fatal(err)
		}
		m := vcpu.NewMemory(im, 1, 1)
		for _, w := range []ir.Width{1, 2, 4, 8} {
			const v = 0x1122334455667788
			m.Store(0, ir.DataBase, w, v)
			want, _ := m.Load(ir.DataBase, w)
			b := make([]byte, w)
			m.PutNumber(b, v)
			if !bytes.Equal(b, m.Mutable()[:w]) || m.Number(b) != want {
				t.Errorf("%s, %d bytes: % x and %#x, in memory % x and %#x", arch, w, b, m.Number(b), m.Mutable()[:w], want)
			}
		}
	}
}
