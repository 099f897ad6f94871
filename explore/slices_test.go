package explore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// TestWhoFindsTheLockTaken on the CPU of a holder, which asks for a slice or doesn't:
// on each kernel, within each budget.
func TestWhoFindsTheLockTaken(t *testing.T) {
	for _, tt := range []struct {
		name, kernel, budget string
		taken                bool
	}{
		{"holder.rseq", "7.3", "", true},
		{"holder.rseq", "7.3/slices", "", true},
		{"holder.rseq", "7.3/slices", "preempt=0", false},
		{"holder-slice.rseq", "6.19", "", true},
		{"holder-slice.rseq", "7.3", "", true},
		{"holder-slice.rseq", "7.3/slices-off", "", true},
		{"holder-slice.rseq", "7.3/slices/v1", "", true},
		{"holder-slice.rseq", "7.3/slices", "", false},
		{"holder-slice.rseq", "7.3/slices", "irq=2", false},
		{"holder-slice.rseq", "7.3/slices", "expire=1", true},
		{"holder-slice.rseq", "7.3/slices", "preempt=2", true},    // the second one isn't put off
		{"holder-slice.rseq", "7.3/slices", "fault=1", true},      // to sleep is no preemption
		{"holder-slice.rseq", "7.3/slices", "membarrier=1", true}, // it takes the request back
		{"holder-slice.rseq", "7.3/slices/debug", "irq=1", false}, //
		{"holder-slice.rseq", "7.3/slices/preempt-full", "", false},
		{"holder-slice.rseq", "7.3/slices/preempt-voluntary", "", false},
		{"holder-slice.rseq", "7.3/slices/preempt-none", "", false},
		{"holder-slice.rseq", "7.3/slices/preempt-rt", "", true}, // for a real-time thread
		{"holder-slice.rseq", "7.3/s390x/slices", "", false},
		{"holder-slice.rseq", "7.0.13/slices/riscv64", "", false}, //
	} {
		p, properties := read(tt.name)
		k, err := emu.ParseKernel(tt.kernel)
		if err != nil {
			t.Fatal(err)
		}
		budget, err := emu.DefaultBudget.With(p.Setup.Budget)
		if err == nil {
			budget, err = explore.ParseBudget(budget, tt.budget)
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Exhaustive(context.Background(), machine(p, k, budget), properties, explore.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Complete && r.Failure == nil || (r.Failure != nil) != tt.taken {
			t.Errorf("%s on %s %s: complete %v, failure %v; want the lock found taken: %v", tt.name, tt.kernel, tt.budget, r.Complete, r.Failure, tt.taken)
		}
	}
}

// TestExecutionsKnowNothingOfSlices, and say so.
func TestExecutionsKnowNothingOfSlices(t *testing.T) {
	p, properties := read("holder-slice.rseq")
	k, err := emu.ParseKernel("7.3/slices")
	if err != nil {
		t.Fatal(err)
	}
	_, err = explore.Executions(context.Background(), machine(p, k, emu.DefaultBudget), properties, explore.ExecutionLimits{})
	if err == nil || !strings.Contains(err.Error(), "time slice extensions: kernel 7.3/v2/slices has them") {
		t.Errorf("error %v", err)
	}
}
