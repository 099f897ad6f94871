package vcpu_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

func TestMin(t *testing.T) {
	p, err := ir.Parse("loop", []byte(loop))
	if err != nil { t.Fatal(err) }
	im, err := ir.Link(p, abi.AMD64)
	if err != nil { t.Fatal(err) }
	var r vcpu.Regs
	r.IP = ir.CodeBase
	r.R[3] = uint64(ir.DataBase)
	r.R[2] = 1 << 62
	c, m := vcpu.Compile(im), vcpu.NewMemory(im, 2, 2)
	f := func(name string, g func()) {
		var ds []time.Duration
		for range 5000 {
			s := time.Now()
			g()
			ds = append(ds, time.Since(s))
		}
		slices.Sort(ds)
		fmt.Printf("%s min %.0f p25 %.0f med %.0f\n", name, 5000e3/float64(ds[0]), 5000e3/float64(ds[len(ds)/4]), 5000e3/float64(ds[len(ds)/2]))
	}
	for range 2 {
	f("run", func() { c.Run(m, 0, &r, 5000) })
	f("step", func() { for range 5000 { c.Step(m, 0, &r) } })
	}
}
