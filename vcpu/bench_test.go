package vcpu_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// loops are what is measured, each without an end: code that is all common, the
// same with an instruction that other CPUs see the middle of and that sets the
// flags, and the section that pops from a per-CPU list.
var loops = []struct{ name, text string }{
	{"cell", `
data cell: u64
func f()
    mov   r3, cell
again:
    ld.8  r1, [r3]
    add   r1, r1, 1
    st.8  [r3], r1
    sub   r2, r2, 1
    bne   r2, 0, again
    jmp   again
`},
	{"bundle", `
data cell: u64
func f()
    mov   r3, cell
again:
    { ld.8 t0, [r3]; adds t0, t0, 1; st.8 [r3], t0 }
    subs  r2, r2, 1
    b.ne  again
    jmp   again
`},
	{"section", `
percpu head: u64 = 0x200000
data   node: u64 = 0x200000
func f()
again:
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, head }
    st.8  [tp + rseq_cs], r4
    ld.4  r4, [tp + cpu_id]
    bne.4 r4, r2, again
    ld.8  r0, [r3]
    beq   r0, 0, again
    ld.8  r4, [r0]
    st.8  [r3], r4
    jmp   again
`},
}

func loop(tb testing.TB, text string) (*vcpu.Code, *machine) {
	tb.Helper()
	p, err := ir.Parse("loop.rseq", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		tb.Fatal(err)
	}
	m := &machine{vcpu.NewMemory(im, 2, 1), vcpu.Regs{IP: ir.CodeBase}}
	m.regs.R[ir.TP] = uint64(im.TP(0))
	return vcpu.Compile(im), m
}

// batch is the number of instructions between two looks at the clock.
const batch = 10_000

func BenchmarkRun(b *testing.B) {
	benchmark(b, func(c *vcpu.Code, m *machine) {
		if done, trap := c.Run(m.mem, 0, &m.regs, batch); done != batch {
			b.Fatal(trap)
		}
	})
}

// BenchmarkStep stops before every instruction, and in the middle of those that
// have one.
func BenchmarkStep(b *testing.B) {
	benchmark(b, func(c *vcpu.Code, m *machine) {
		for done := 0; done < batch; {
			if trap := c.Step(m.mem, 0, &m.regs); trap.Kind != vcpu.TrapNone {
				b.Fatal(trap)
			}
			if m.regs.Boundary() {
				done++
			}
		}
	})
}

func benchmark(b *testing.B, run func(*vcpu.Code, *machine)) {
	for _, l := range loops {
		b.Run(l.name, func(b *testing.B) {
			c, m := loop(b, l.text)
			b.ReportAllocs()
			for b.Loop() {
				run(c, m)
			}
			b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds()/1e6, "Minstr/s")
		})
	}
}

// TestCommonCodeIsRunFast: the loop that is measured and a section around a
// per-CPU list never leave the short way through the interpreter.
func TestCommonCodeIsRunFast(t *testing.T) {
	for _, l := range loops {
		c, m := loop(t, l.text)
		if all := c.Common(m.mem, &m.regs, 100); all == (l.name == "bundle") {
			t.Errorf("%s: 100 instructions are common: %v", l.name, all)
		}
	}
}

func BenchmarkClone(b *testing.B) {
	_, m := loop(b, loops[2].text)
	for b.Loop() {
		m.mem.Clone()
	}
}
