package vcpu_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
	"pgregory.net/rapid"
)

// TestRunIsSteps holds Run against the steps that it stands for, on random
// programs and from the middle of an instruction too.
func TestRunIsSteps(t *testing.T) {
	checkPrograms(t, func(t *rapid.T) {
		s := rapidSource{t}
		im := randomProgram(s, pick(s, arches))
		code := vcpu.Compile(im)
		step := &machine{randomMemory(s, im), randomRegs(s, im)}
		for range s.below(4) {
			code.Step(step.mem, 0, &step.regs)
		}
		run := step.clone()
		n := s.below(30)

		var trap vcpu.Trap
		done := 0
		for done < n && trap.Kind == vcpu.TrapNone {
			trap = code.Step(step.mem, 0, &step.regs)
			if trap.Kind <= vcpu.TrapSyscall && step.regs.Boundary() {
				done++
			}
		}
		gotDone, gotTrap := code.Run(run.mem, 0, &run.regs, n)
		if gotDone != done || gotTrap != trap {
			t.Errorf("Run(%d) does %d instructions and returns %v; steps do %d and %v", n, gotDone, gotTrap, done, trap)
		}
		if d := diff(run, step); d != "" {
			t.Errorf("after Run(%d), against steps:\n%s", n, d)
		}
	})
}

func TestRunOfNothingDoesNothing(t *testing.T) {
	w, err := newWorld(abi.AMD64, "jmp target")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, -1} {
		m := w.machine()
		done, trap := w.code.Run(m.mem, 0, &m.regs, n)
		if d := diff(m, w.machine()); d != "" || done != 0 || trap.Kind != vcpu.TrapNone {
			t.Errorf("Run(%d) does %d instructions, trap %v\n%s", n, done, trap, d)
		}
	}
}

// TestOtherCPUsSeeTheMiddle lets a CPU look between the two accesses of an add
// to memory, and shows that the one who adds keeps what it has loaded.
func TestOtherCPUsSeeTheMiddle(t *testing.T) {
	const add = "{ ld.8 t0, [cell]; add t0, t0, 1; st.8 [cell], t0 }"
	for _, c := range []struct {
		name, instr string
		middle      bool
		want        uint64 // after two adds that interleave where they can
	}{
		{"unlocked", add, true, 1},
		{"locked", "lock " + add, false, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := newWorld(abi.ARM64, c.instr)
			if err != nil {
				t.Fatal(err)
			}
			if w.code.Splits != c.middle {
				t.Errorf("Splits is %v", w.code.Splits)
			}
			m := w.machine()
			r := [2]vcpu.Regs{m.regs, m.regs}
			for i := range 4 {
				if cpu := &r[i%2]; cpu.IP != w.symbols["next"] {
					w.code.Step(m.mem, i%2, cpu)
					if i < 2 && cpu.Boundary() == c.middle {
						t.Errorf("after step %d the CPU is at %#x.%d", i, cpu.IP, cpu.Micro)
					}
				}
			}
			if v, _ := m.mem.Load(w.symbols["cell"], ir.W8); v != c.want {
				t.Errorf("two CPUs add 1, and the sum is %d, want %d", v, c.want)
			}
		})
	}
}

// TestNothingBeginsThere goes to addresses that aren't those of an instruction.
func TestNothingBeginsThere(t *testing.T) {
	p, err := ir.Parse("gaps.rseq", []byte(`
func f()
    nop !7
    sig
abort:
    { ld.8 t0, [r3]; st.8 [r3], t0 }
    nop
`))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	code, mem := vcpu.Compile(im), vcpu.NewMemory(im, 1, 1)
	for _, c := range []struct {
		name  string
		ip    ir.Addr
		micro uint8
		fails ir.Addr // where, after as many instructions
		done  int
	}{
		{"inside an instruction", ir.CodeBase + 4, 0, ir.CodeBase + 4, 0},
		{"in a signature", ir.CodeBase + 7, 0, ir.CodeBase + 7, 0},
		{"before all code", ir.CodeBase - 4, 0, ir.CodeBase - 4, 0},
		{"behind all code", ir.CodeBase + 19, 0, ir.CodeBase + 19, 0},
		{"nowhere", ^ir.Addr(0), 0, ^ir.Addr(0), 0},
		{"on into a signature", ir.CodeBase, 0, ir.CodeBase + 7, 1},
		{"on behind all code", ir.CodeBase + 15, 0, ir.CodeBase + 19, 1},
		{"past an instruction's micro-ops", ir.CodeBase + 11, 2, ir.CodeBase + 11, 0},
		{"past the last instruction's", ir.CodeBase + 15, 1, ir.CodeBase + 15, 0},
		{"just past everything", ir.CodeBase + 15, 2, ir.CodeBase + 15, 0},
		{"past everything", ir.CodeBase + 15, 255, ir.CodeBase + 15, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := vcpu.Trap{Kind: vcpu.TrapFetch, Addr: c.fails}
			r := vcpu.Regs{IP: c.ip, Micro: c.micro}
			done, trap := code.Run(mem, 0, &r, 10)
			if done != c.done || trap != want || r.IP != c.fails || r.Micro != 0 {
				t.Errorf("Run: %d instructions, %v, now at %#x.%d; want %d, %v", done, trap, r.IP, r.Micro, c.done, want)
			}
			r = vcpu.Regs{IP: c.ip, Micro: c.micro}
			for range c.done {
				if trap := code.Step(mem, 0, &r); trap.Kind != vcpu.TrapNone {
					t.Errorf("Step: %v too early", trap)
				}
			}
			if trap := code.Step(mem, 0, &r); trap != want || r.IP != c.fails || r.Micro != 0 {
				t.Errorf("Step: %v, now at %#x.%d; want %v", trap, r.IP, r.Micro, want)
			}
		})
	}
}

// TestStepsAllocateNothing: neither what is common nor what isn't.
func TestStepsAllocateNothing(t *testing.T) {
	w, err := newWorld(abi.AMD64,
		"ld.8 r0, [cell]", "xadd r0, [cell], r1", "{ add r2, r2, 1; ld.8 r4, [r5] }", "adds r6, r6, 1", "st.4 [cell + 28], r6")
	if err != nil {
		t.Fatal(err)
	}
	m := w.machine()
	m.regs.R[5] = uint64(w.symbols["cell"])
	start := m.regs
	if n := testing.AllocsPerRun(100, func() {
		m.regs = start
		if done, trap := w.code.Run(m.mem, 0, &m.regs, 5); done != 5 {
			t.Fatal(trap)
		}
		m.regs = start
		for range 5 {
			w.code.Step(m.mem, 0, &m.regs)
		}
	}); n != 0 {
		t.Errorf("%v allocations in ten instructions", n)
	}
}
