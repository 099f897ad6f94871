package gen_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/gen"
	"pgregory.net/rapid"
)

// aborts reports whether the kernel aborts sections on preemption at all: on
// arm64 it didn't from 6.19 to 7.0.13.
func aborts(k emu.Kernel) bool { return !k.NoUserIRQ }

// runs draws a program, a budget and every choice of a run on a kernel, and fails
// t if the run breaks what the program declares or doesn't end.
func runs(t *rapid.T, kernels *rapid.Generator[emu.Kernel]) {
	p := gen.Program().Draw(t, "program")
	k := kernels.Draw(t, "kernel")
	budget := gen.Budget().Draw(t, "budget")
	m, err := emu.New(p, emu.Config{Kernel: k, Budget: &budget})
	if err != nil {
		t.Fatal(err)
	}
	properties, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := explore.Run(m, properties, gen.Chooser(t), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out.Violation != nil {
		t.Fatalf("%s: %v\n%s%s", k, out.Violation, p, explore.FormatChoices(out.Schedule))
	}
	if !out.Done {
		t.Fatalf("%s: the run did not end\n%s", k, p)
	}
}

func TestEveryCallCommitsExactlyOnceOnEveryKernelThatAborts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { runs(t, gen.Kernel().Filter(aborts)) })
}

func TestGeneratedProgramsPrintAndParseBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := gen.Program().Draw(t, "program")
		q, err := ir.Parse("generated", []byte(p.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, p)
		}
		if d := cmp.Diff(p.String(), q.String()); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(p.Checks, q.Checks, cmpopts.IgnoreTypes(ir.Notes{}, ir.Pos{})); d != "" {
			t.Error(d)
		}
	})
}

// TestAKernelThatNeverAbortsIsFoundOut shows that the first test can fail.
func TestAKernelThatNeverAbortsIsFoundOut(t *testing.T) {
	found := 0
	for seed := range 20 {
		p := gen.Program().Example(seed)
		m, err := emu.New(p, emu.Config{Kernel: emu.Linux("6.19", abi.ARM64)})
		if err != nil {
			t.Fatal(err)
		}
		if aborts(m.Kernel()) {
			t.Fatalf("%s aborts", m.Kernel())
		}
		properties, err := props.Of(p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Exhaustive(context.Background(), m, properties, explore.Limits{States: 200_000}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Failure != nil {
			found++
		}
	}
	if found == 0 {
		t.Error("no generated program notices that sections aren't aborted")
	}
}

// A property of one's own: rapid draws the program, the kernel, the budget and
// every choice, and shrinks what fails. In a test it is rapid.Check(t, property),
// in a fuzz target f.Fuzz(rapid.MakeFuzz(property)); here it is run once.
func Example() {
	property := func(t *rapid.T) {
		p := gen.Program().Draw(t, "program")
		budget := gen.Budget().Draw(t, "budget")
		m, err := emu.New(p, emu.Config{Kernel: gen.DefaultKernel().Draw(t, "kernel"), Budget: &budget})
		if err != nil {
			t.Fatal(err)
		}
		properties, err := props.Of(p)
		if err != nil {
			t.Fatal(err)
		}
		out, err := explore.Run(m, properties, gen.Chooser(t), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out.Violation != nil {
			t.Fatalf("%v\n%s", out.Violation, explore.FormatChoices(out.Schedule))
		}
	}
	once := rapid.Custom(func(t *rapid.T) string {
		property(t)
		return "nothing is broken"
	})
	fmt.Println(once.Example(1))
	// Output: nothing is broken
}
