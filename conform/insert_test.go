package conform_test

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// TestWhatIsPutInChangesNothing: a program that uses r0 and the flags all the way
// returns the same, whatever instruction a schedule or an irq is put in front of.
func TestWhatIsPutInChangesNothing(t *testing.T) {
	const program = `-- program --
data cell: u64[3] = 5, 6, 7
func op(a, b)
    nop
first:
    add  r0, r0, r1
    cmp  r0, 7
    b.eq seven
    mov  r0, 100
seven:
    { ld.8 t0, [cell + 16]; add r0, r0, t0 }
    st.8 [cell], r0
    mov  r2, r0
last:
    add  r0, r0, r2
    ret
thread: op 3, 4; op 1, 1
-- CS.undisturbed --
see cell[0] cell[1] cell[2]
-- CS.schedule --
each op.first..op.last: schedule
see cell[0] cell[1] cell[2]
-- CS.irq --
each op.first..op.last: irq
see cell[0] cell[1] cell[2]
-- CS.both --
at op.first: irq
at op.seven: schedule
at op.last: irq
see cell[0] cell[1] cell[2]
`
	cases, err := conform.Parse("f.txtar", []byte(program))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 18 {
		t.Errorf("%d cases, want 18", len(cases))
	}
	for _, name := range []string{"5.10", "6.18", "7.3"} {
		k, err := emu.ParseKernel(name)
		if err != nil {
			t.Fatal(err)
		}
		var want conform.Outcome
		for i := range cases {
			got, err := conform.Emulator(k).Run(t.Context(), &cases[i])
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				want = got
			}
			if diff := got.Diff(want); diff != "" {
				t.Errorf("%s, %s: %s", name, cases[i].Name, diff)
			}
		}
	}
}

// TestEachIRQHasAPageOfItsOwn: the store that is put in is the first of its page,
// so that nothing else is there.
func TestEachIRQHasAPageOfItsOwn(t *testing.T) {
	const page = 4096
	for _, c := range conform.Cases() {
		im, err := ir.Link(c.Program, abi.AMD64)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[ir.Addr]bool{}
		for _, s := range c.Stops {
			if !s.Has(conform.IRQ) {
				continue
			}
			at, err := s.At.Addr(im)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			st := im.Source[im.Index(at)].Micro()[0]
			to := im.Symbols[st.Mem.Sym] + ir.Addr(st.Mem.Disp)
			if st.Code != ir.St || to%page != 0 || seen[to] || to+page > ir.DataBase+ir.Addr(len(im.Data)) {
				t.Errorf("%s: at %v there is %v, to %#x of %d bytes", c.Name, s.At, &im.Source[im.Index(at)], to, len(im.Data))
			}
			seen[to] = true
		}
	}
}

// TestNamesOfWhatIsPutInAreRefused where they are the program's own, at each point.
func TestNamesOfWhatIsPutInAreRefused(t *testing.T) {
	for name, action := range map[string]string{"fresh": "irq", "saved_r0": "schedule", "slept0": "schedule"} {
		src := "-- program --\ndata " + name + ": u64\nfunc op()\n    nop\n    nop\n    ret\nthread: op\n-- CS.a --\neach op+1..op+2: " + action + "\n"
		if _, err := conform.Parse("f.txtar", []byte(src)); err == nil || !strings.Contains(err.Error(), `"`+name+`" is defined twice`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
