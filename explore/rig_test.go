package explore_test

import (
	"context"
	"os"
	"path/filepath"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
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
	p, err := ir.Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// on is a machine's configuration: a kernel, and bounds of events by name
// instead of the default ones.
func on(t fataler, kernel string, bounds string) emu.Config {
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
	return cfg
}

func boot(t fataler, p *ir.Program, cfg emu.Config) *emu.Machine {
	t.Helper()
	m, err := emu.New(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func propsOf(t fataler, p *ir.Program) []explore.Factory {
	t.Helper()
	fs, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// exhaust covers a program's runs, with the properties that it declares.
func exhaust(t fataler, p *ir.Program, cfg emu.Config, lim explore.Limits) *explore.Result {
	t.Helper()
	r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), propsOf(t, p), lim, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// follow makes a failure's schedule on a fresh machine and holds what comes of
// it against the failure.
func follow(t fataler, p *ir.Program, cfg emu.Config, f *explore.Failure, fs []explore.Factory) {
	t.Helper()
	m := boot(t, p, cfg)
	s := &explore.Schedule{Choices: f.Schedule}
	out, err := s.Follow(m, fs, nil)
	switch {
	case err != nil:
		t.Fatalf("the failure's schedule does not fit: %v", err)
	case out.Violation == nil:
		t.Fatalf("the failure's schedule breaks nothing, not %v:\n%s", &f.Violation, explore.FormatChoices(f.Schedule))
	case *out.Violation != f.Violation:
		t.Fatalf("the failure's schedule breaks %v, not %v", out.Violation, &f.Violation)
	case len(out.Schedule) != len(f.Schedule):
		t.Fatalf("the failure's schedule has %d transitions, but it is broken after %d", len(f.Schedule), len(out.Schedule))
	}
}

// releases has one kernel of each family.
func releases() []string {
	var names []string
	for _, k := range emu.DefaultKernels() {
		names = append(names, k.String())
	}
	return names
}
