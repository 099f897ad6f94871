package vcpu_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

const loop = `
data cell: u64
func f()
again:
    ld.8 r1, [r3]
    add r1, r1, 1
    st.8 [r3], r1
    sub r2, r2, 1
    bne r2, 0, again
    ret
thread: f
`

func setup(b *testing.B) (*vcpu.Code, *vcpu.Memory, vcpu.Regs) {
	p, err := ir.Parse("loop", []byte(loop))
	if err != nil {
		b.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		b.Fatal(err)
	}
	var r vcpu.Regs
	r.IP = ir.CodeBase
	r.R[3] = uint64(ir.DataBase)
	r.R[2] = 1 << 62
	return vcpu.Compile(im), vcpu.NewMemory(im, 2, 2), r
}

func BenchmarkRun(b *testing.B) {
	c, m, r := setup(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		d, _ := c.Run(m, 0, &r, 5000)
		n += d
	}
	b.ReportMetric(float64(n)/1e6/b.Elapsed().Seconds(), "Minstr/s")
}

func BenchmarkStep(b *testing.B) {
	c, m, r := setup(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for range 5000 {
			c.Step(m, 0, &r)
		}
		n += 5000
	}
	b.ReportMetric(float64(n)/1e6/b.Elapsed().Seconds(), "Minstr/s")
}
