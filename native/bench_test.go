package native

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
)

// BenchmarkBuild makes the executable of a case whose program no other case has.
func BenchmarkBuild(b *testing.B) {
	cases := conform.Find("PERCPU.list-push-irq@")
	if len(cases) == 0 {
		b.Fatal("there is no such case")
	}
	c := &cases[len(cases)/2]
	b.ReportAllocs()
	for b.Loop() {
		laid, err := Lay(c.Program, abi.AMD64)
		if err != nil {
			b.Fatal(err)
		}
		im, err := ir.Link(laid, abi.AMD64)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := build(im, 32, []int{1, 2}, 50_000, true); err != nil {
			b.Fatal(err)
		}
	}
}
