package explore

import (
	"context"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// TB is what Check needs of a testing.TB.
type TB interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Options say what Check covers; the zero value is sensible but for the
// properties.
type Options struct {
	// Properties must hold; props.Of gives those that a program declares.
	Properties []Factory
	// Kernels defaults to those of emu.DefaultKernels that the program claims.
	Kernels []emu.Kernel
	// Config is the machine; its Kernel is filled in.
	Config emu.Config
	Limits Limits
}

// Check covers every run of a program within its budget, under each kernel, and
// fails the test with the cheapest schedule that breaks a property, or if it
// could not cover them all. The schedule in the message replays.
func Check(t TB, p *ir.Program, o Options) {
	t.Helper()
	if o.Properties == nil && len(p.Specs)+len(p.Checks)+len(p.NoRaces)+len(p.Blocks) > 0 {
		t.Errorf("%s declares what must hold, but Options.Properties is empty: pass those of props.Of", p.Name)
		return
	}
	kernels := o.Kernels
	if kernels == nil {
		var err error
		if kernels, err = Claimed(p); err != nil {
			t.Errorf("%v", err)
			return
		}
	}
	if len(kernels) == 0 {
		t.Errorf("no kernel to check on: the program claims none of %v", emu.DefaultKernelsOn(p.Setup.Arch))
	}
	for _, k := range kernels {
		cfg := o.Config
		cfg.Kernel = k
		m, err := emu.New(p, cfg)
		if err != nil {
			t.Errorf("%s: %v", k, err)
			return
		}
		budget := m.Budget()
		r, err := Exhaustive(t.Context(), m, o.Properties, o.Limits, nil)
		switch {
		case err != nil:
			t.Errorf("%s: %v", k, err)
		case r.Failure != nil:
			s := r.ScheduleOf(p, cfg, budget)
			t.Errorf("broken on %s: %v\n\n%s", k, &r.Failure.Violation, s)
		case !r.Complete:
			t.Errorf("%s: nothing broken in %d states, but not all were seen: %s", k, r.States, r.Why)
		case r.Ends == 0:
			t.Errorf("%s: no run ends, so that what must hold at the end was never asked", k)
		default:
			t.Logf("holds on %s: %d states, %s", k, r.States, r.Budget)
		}
	}
}

// Claimed returns the default kernels that the program says it is right on.
func Claimed(p *ir.Program) ([]emu.Kernel, error) {
	var patterns []emu.Pattern
	for _, text := range p.Setup.Kernels {
		pat, err := emu.ParsePattern(text)
		if err != nil {
			return nil, &ir.LinkError{File: p.File, Pos: p.Setup.Places[ir.KernelsDirective], Msg: err.Error()}
		}
		patterns = append(patterns, pat)
	}
	var out []emu.Kernel
	for _, k := range emu.DefaultKernelsOn(p.Setup.Arch) {
		if emu.Claims(patterns, k) {
			out = append(out, k)
		}
	}
	return out, nil
}

// ScheduleOf makes the failure's schedule a file for the program and machine
// that it was found on.
func (r *Result) ScheduleOf(p *ir.Program, cfg emu.Config, budget emu.Budget) *Schedule {
	return &Schedule{Program: p.Name, Sum: Fingerprint(p), Kernel: r.Kernel, CPUs: r.CPUs, Nodes: cfg.Nodes, Idle: cfg.Idle, Memory: cfg.Memory,
		Budget: budget, Breaks: r.Failure.Property, Choices: r.Failure.Schedule}
}
