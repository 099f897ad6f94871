package vcpu_test

import (
	"fmt"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
	"pgregory.net/rapid"
)

// TestPeekIsWhatStepDoes, in random programs: Peek changes nothing and returns
// the step's trap; the step writes nothing but the stores' bytes; and it ends the
// same with any other memory around the bytes that it accesses.
func TestPeekIsWhatStepDoes(t *testing.T) {
	checkPrograms(t, func(t *rapid.T) {
		s := rapidSource{t}
		im := randomProgram(s, pick(s, arches))
		code := vcpu.Compile(im)
		m := &machine{randomMemory(s, im), randomRegs(s, im)}
		for range 6 {
			if i := im.Index(m.regs.IP); i >= 0 && readsItself(&im.Instrs[i]) {
				return
			}
			before := m.clone()
			accesses, trap := code.Peek(m.mem, 0, &m.regs, nil)
			if d := diff(m, before); d != "" {
				t.Fatalf("Peek changes the machine:\n%s", d)
			}
			accessed := func(a ir.Addr, store bool) bool {
				for _, x := range accesses {
					if x.Overlaps(vcpu.Access{Addr: a, Width: 1}) && (x.Store || !store) {
						return true
					}
				}
				return false
			}
			other, noise := m.clone(), byte(1+s.below(255))
			each(other.mem, func(a ir.Addr, b *byte) {
				if !accessed(a, false) {
					*b ^= noise
				}
			})
			beside := append([]byte(nil), other.mem.Mutable()...)
			if got := code.Step(m.mem, 0, &m.regs); got != trap {
				t.Fatalf("Peek returns %v, Step %v", trap, got)
			}
			code.Step(other.mem, 0, &other.regs)
			each(other.mem, func(a ir.Addr, b *byte) {
				if !accessed(a, true) && *b != beside[0] {
					t.Fatalf("the step writes %#x, which is none of %v", a, accesses)
				}
				beside = beside[1:]
			})
			if m.regs.Micro == 0 { // or the temporaries are dead
				for _, r := range []ir.Reg{ir.T0, ir.T1} {
					m.regs.R[r], other.regs.R[r] = 0, 0
				}
			}
			if m.regs != other.regs {
				t.Fatalf("the step reads more than %v", accesses)
			}
			if trap.Kind != vcpu.TrapNone {
				return
			}
		}
	})
}

// readsItself reports whether an instruction reads what it has itself stored or
// reserved, in one step.
func readsItself(in *ir.Instr) bool {
	wrote := false
	for _, o := range in.Micro() {
		if in.Locked && wrote && (o.Loads() || o.Code == ir.Sc) {
			return true
		}
		wrote = wrote || o.Stores() || o.Code == ir.Ll
	}
	return false
}

// each calls f for every byte that can change.
func each(m *vcpu.Memory, f func(a ir.Addr, b *byte)) {
	i := 0
	for _, s := range m.Segments() {
		if s.Perm&vcpu.Write != 0 {
			for off := range s.Size {
				f(s.Base+ir.Addr(off), &m.Mutable()[i])
				i++
			}
		}
	}
}

// TestPeek shows each kind of access.
func TestPeek(t *testing.T) {
	for _, tt := range []struct{ instr, want string }{
		{"add r1, r1, 1", ""},
		{"ld.4 r1, [cell + 4]", "load cell+4.4"},
		{"ld.acq r1, [cell]", "load cell.8 acquire"},
		{"st.1 [cell], 3", "store cell.1"},
		{"st.rel [cell], 3", "store cell.8 release"},
		{"{ mov t0, cell; add t0, t0, 8; st.2 [t0], r1 }", "store cell+8.2"},
		{"{ ld.8 t0, [cell]; add t0, t0, 1; st.8 [cell + 8], t0 }", "load cell.8"},
		{"lock { ld.8 t0, [cell]; add t0, t0, 1; st.8 [cell + 8], t0 }", "load cell.8 atomic, store cell+8.8 atomic"},
		{"xadd.4 r1, [cell], r2", "load store cell.4 atomic"},
		{"cmpxchg r1, [cell], r2", "load store cell.8 atomic"},
		{"ll.acq r1, [cell]", "load cell.8 acquire atomic linked"},
		{"sc r1, [cell], r2", "store cell.8 atomic linked"},
		{"ld.8 r1, [16]", "load from 0x10"},
		{"st.8 [fixed], 1", "store to fixed"},
		{"ld.acq r1, [cell + 4]", "misaligned access to cell+4"},
		{"lock { ld.8 t0, [16]; st.8 [cell], 1 }", "load from 0x10"},
		{"{ st.8 [cell], 1; st.8 [16], 1 }", "store to 0x10"},
		{"syscall getpid", "syscall"},
		{"trap brk", "breakpoint"},
		{"fence", ""},
	} {
		w, err := newWorld(abi.AMD64, tt.instr)
		if err != nil {
			t.Fatal(err)
		}
		m := w.machine()
		accesses, trap := w.code.Peek(m.mem, 0, &m.regs, nil)
		got := ""
		for i, a := range accesses {
			if i > 0 {
				got += ", "
			}
			got += say(w, a)
		}
		if trap.Kind != vcpu.TrapNone {
			got += trap.String()
		}
		for _, sym := range []string{"cell", "fixed"} {
			if trap.Addr >= w.symbols[sym] && trap.Addr < w.symbols[sym]+32 {
				got = fmt.Sprintf("%.*s %s", len(got)-len(fmt.Sprintf(" %#x", uint64(trap.Addr))), got, place(sym, trap.Addr-w.symbols[sym]))
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.instr, got, tt.want)
		}
	}
}

func place(sym string, off ir.Addr) string {
	if off == 0 {
		return sym
	}
	return fmt.Sprintf("%s+%d", sym, off)
}

func say(w *world, a vcpu.Access) (s string) {
	for _, word := range []struct {
		is   bool
		text string
	}{{a.Load, "load "}, {a.Store, "store "}} {
		if word.is {
			s += word.text
		}
	}
	s += fmt.Sprintf("%s.%d", place("cell", a.Addr-w.symbols["cell"]), a.Width)
	for _, word := range []struct {
		is   bool
		text string
	}{{a.Order == ir.Acquire, " acquire"}, {a.Order == ir.Release, " release"}, {a.Atomic, " atomic"}, {a.Linked, " linked"}} {
		if word.is {
			s += word.text
		}
	}
	if a.Plain() != (!a.Atomic && a.Order == ir.Plain) {
		s += " plain?"
	}
	return s
}

// TestAccessesMeet in bytes, not in addresses.
func TestAccessesMeet(t *testing.T) {
	load := func(a ir.Addr, w ir.Width) vcpu.Access { return vcpu.Access{Addr: a, Width: w, Load: true} }
	store := func(a ir.Addr, w ir.Width) vcpu.Access { return vcpu.Access{Addr: a, Width: w, Store: true} }
	for _, tt := range []struct {
		a, b                vcpu.Access
		overlaps, conflicts bool
	}{
		{load(8, 8), load(8, 8), true, false},
		{load(8, 8), store(8, 8), true, true},
		{store(8, 1), store(8, 1), true, true},
		{load(8, 4), store(12, 4), false, false},
		{load(8, 4), store(11, 1), true, true},
		{load(0, 1), store(^ir.Addr(0), 1), false, false},
	} {
		for _, x := range [][2]vcpu.Access{{tt.a, tt.b}, {tt.b, tt.a}} {
			if x[0].Overlaps(x[1]) != tt.overlaps || x[0].Conflicts(x[1]) != tt.conflicts {
				t.Errorf("%v", x)
			}
		}
	}
}

// TestPeekAllocatesNothing that it isn't given.
func TestPeekAllocatesNothing(t *testing.T) {
	w, err := newWorld(abi.AMD64, "{ mov t0, cell; st.2 [t0], r1 }")
	if err != nil {
		t.Fatal(err)
	}
	m, buf := w.machine(), make([]vcpu.Access, 0, 4)
	if n := testing.AllocsPerRun(100, func() { buf, _ = w.code.Peek(m.mem, 0, &m.regs, buf[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPeek(b *testing.B) {
	for _, l := range loops {
		b.Run(l.name, func(b *testing.B) {
			c, m := loop(b, l.text)
			var buf []vcpu.Access
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = c.Peek(m.mem, 0, &m.regs, buf[:0])
				c.Step(m.mem, 0, &m.regs)
			}
		})
	}
}
