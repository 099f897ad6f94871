package explore_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

func BenchmarkExhaustive(b *testing.B) {
	src, _ := os.ReadFile(filepath.Join("..", "examples", "list.rseq"))
	p, err := ir.Parse("list.rseq", src)
	if err != nil {
		b.Fatal(err)
	}
	fs, _ := props.Of(p)
	k, _ := emu.ParseKernel("6.18")
	states := 0
	b.ReportAllocs()
	for b.Loop() {
		m, _ := emu.New(p, emu.Config{Kernel: k})
		r, err := explore.Exhaustive(context.Background(), m, fs, explore.Limits{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		states += r.States
	}
	b.ReportMetric(float64(states)/b.Elapsed().Seconds(), "states/s")
}
