package props_test

import (
	"os"
	"path/filepath"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// fataler is what helpers need of a testing.TB or a rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func parse(t fataler, src string) *ir.Program {
	t.Helper()
	p, err := ir.Parse("test.rseq", []byte(src))
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return p
}

// example reads a program of the examples' directory.
func example(t fataler, name string) *ir.Program {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(src))
}

// boot starts a program on a kernel with bounds of events, or the default ones.
func boot(t fataler, p *ir.Program, kernel, bounds string) *emu.Machine {
	t.Helper()
	k, err := emu.ParseKernel(kernel)
	if err != nil {
		t.Fatal(err)
	}
	cfg := emu.Config{Kernel: k}
	if bounds != "" {
		b, err := explore.ParseBudget(emu.Budget{}, bounds)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Budget = &b
	}
	m, err := emu.New(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func property(t fataler, f explore.Factory, m *emu.Machine) explore.Property {
	t.Helper()
	p, err := f(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
