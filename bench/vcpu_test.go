package bench

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// instrs is the number of the emulator's instructions in one iteration.
const instrs = 5

const loop = `
data cell: u64

func run(n)
    mov  r3, cell
again:
    ld.8 r1, [r3]
    add  r1, r1, 1
    st.8 [r3], r1
    sub  r0, r0, 1
    bne  r0, 0, again
    ret
`

// emulator is the loop on a virtual CPU.
type emulator struct {
	im   *ir.Image
	code *vcpu.Code
	mem  *vcpu.Memory
	regs vcpu.Regs
}

func newEmulator(tb testing.TB) *emulator {
	tb.Helper()
	p, err := ir.Parse("loop.rseq", []byte(loop))
	if err != nil {
		tb.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		tb.Fatal(err)
	}
	return &emulator{im: im, code: vcpu.Compile(im), mem: vcpu.NewMemory(im, 2, 2)}
}

// begin goes to where n iterations are ahead, and nothing else.
func (e *emulator) begin(tb testing.TB, n int) {
	e.regs = vcpu.Regs{IP: ir.CodeBase}
	e.regs.R[ir.R0] = uint64(n)
	if _, t := e.code.Run(e.mem, 0, &e.regs, 1); t.Kind != vcpu.TrapNone {
		tb.Fatal(t)
	}
}

// run does n iterations, as fast as it goes.
func (e *emulator) run(tb testing.TB, n int) {
	e.begin(tb, n)
	if done, t := e.code.Run(e.mem, 0, &e.regs, n*instrs); done != n*instrs {
		tb.Fatalf("%d instructions, then %v", done, t)
	}
}

// step does n iterations, with a stop before every instruction: room for
// everything that an interruption can be.
func (e *emulator) step(tb testing.TB, n int) {
	e.begin(tb, n)
	for range n * instrs {
		if t := e.code.Step(e.mem, 0, &e.regs); t.Kind != vcpu.TrapNone {
			tb.Fatal(t)
		}
	}
}

func (e *emulator) cell(tb testing.TB) uint64 {
	v, ok := e.mem.Load(e.im.Symbols["cell"], ir.W8)
	if !ok {
		tb.Fatal("no memory")
	}
	return v
}
