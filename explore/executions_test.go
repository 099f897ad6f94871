package explore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

func testProgram(t fataler, name string) *ir.Program {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(src))
}

// TestExecutionsAreThoseOfOptimalDPOR: on the models that Nidhugg (optimal) and
// GenMC were measured on there are as many executions, and no run is made in vain.
//
// The models have a context switch between two threads of a CPU where the machine has
// a preemption and the run of another thread, so that with Switches the two have the
// same runs. What the machine has besides is a thread that is preempted for nobody who
// makes a step: it comes back, or gives way to one that is preempted at once. That is
// what a real kernel does too, and without Switches and with a budget it is covered.
func TestExecutionsAreThoseOfOptimalDPOR(t *testing.T) {
	for _, tt := range []struct {
		program, kernel string
		want            int
	}{
		{"push.rseq", "6.1", 134},
		{"push_retry.rseq", "6.1", 26_294},
		{"push_pop.rseq", "6.1", 21_462},
		{"push_apart.rseq", "6.1", 134},
		// A kernel that deals out concurrency ids makes a difference: which one a
		// thread gets depends on who runs on the other CPU, and it is in its area.
		{"push_apart.rseq", "6.18", 693},
	} {
		p := testProgram(t, tt.program)
		r, err := explore.Executions(t.Context(), boot(t, p, on(t, tt.kernel, "")), propsOf(t, p), explore.ExecutionLimits{Switches: true})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Complete || r.Executions != tt.want || r.Blocked != 0 {
			t.Errorf("%s on %s: %d executions, %d blocked, %s %v, want %d", tt.program, tt.kernel, r.Executions, r.Blocked, r.Why, r.Failure, tt.want)
		}
	}
}

// watchful is a property that wants to see every state.
type watchful struct{ ends }

func (w watchful) factory(*emu.Machine) (explore.Property, error) { return w, nil }
func (watchful) AtEnd(*emu.Machine) *explore.Violation            { return nil }

// TestWhoWatchesEverythingSeesEverySchedule: with a property that may look at every
// state there is no reduction, and without one steps that touch nothing in common have
// one order.
func TestWhoWatchesEverythingSeesEverySchedule(t *testing.T) {
	p := parse(t, "func f()\n    nop\n    nop\n    ret\nthread on 0: f\nthread on 1: f\n")
	for _, tt := range []struct {
		factories []explore.Factory
		want      int
	}{
		{nil, 1},
		{propsOf(t, p), 1},
		{[]explore.Factory{watchful{}.factory}, 20}, // three of six are the one thread's
	} {
		r, err := explore.Executions(t.Context(), boot(t, p, on(t, "6.1", "none")), tt.factories, explore.ExecutionLimits{})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Complete || r.Executions != tt.want {
			t.Errorf("%d properties: %d executions, %s, want %d", len(tt.factories), r.Executions, r.Why, tt.want)
		}
	}
}

// TestPreemptedForNobody: what a context switch can't do a preemption can, which is
// to send a thread that is alone on its CPU to its abort handler.
func TestPreemptedForNobody(t *testing.T) {
	alone := strings.Replace(testProgram(t, "push.rseq").String(), "thread on 0: push nodes + 8\n", "", 1)
	p := parse(t, alone+"final list(head, 0) == 1\n")
	for _, switches := range []bool{false, true} {
		r, err := explore.Executions(t.Context(), boot(t, p, on(t, "6.1", "preempt=1")), propsOf(t, p), explore.ExecutionLimits{Switches: switches})
		if err != nil {
			t.Fatal(err)
		}
		if broken := r.Failure != nil; broken == switches || r.Complete != switches {
			t.Errorf("context switches only: %t: %+v", switches, r)
		}
	}
}

// TestExecutionsSayWhyTheyEnd: no limit is a claim.
func TestExecutionsSayWhyTheyEnd(t *testing.T) {
	spin := parse(t, "data a: u64\nfunc f()\nagain:\n    ld.8 r0, [a]\n    beq r0, 0, again\n    ret\nthread: f\n")
	for _, tt := range []struct {
		p    *ir.Program
		lim  explore.ExecutionLimits
		want string
		runs int
	}{
		{testProgram(t, "push.rseq"), explore.ExecutionLimits{Switches: true, Executions: 134}, "", 134},
		{testProgram(t, "push.rseq"), explore.ExecutionLimits{Switches: true, Executions: 133}, "more than 133 executions", 133},
		{testProgram(t, "push.rseq"), explore.ExecutionLimits{Switches: true, Steps: 5}, "runs of more than 5 transitions exist: an endless loop?", 0},
		{spin, explore.ExecutionLimits{}, "runs of more than 10000 transitions exist: an endless loop?", 0},
	} {
		r, err := explore.Executions(t.Context(), boot(t, tt.p, on(t, "6.1", "")), propsOf(t, tt.p), tt.lim)
		if err != nil {
			t.Fatal(err)
		}
		if r.Why != tt.want || r.Complete != (tt.want == "") || r.Executions != tt.runs {
			t.Errorf("%+v: %+v", tt.lim, r)
		}
	}
	p := example(t, "list.rseq")
	weak := on(t, "6.1", "")
	weak.Memory = emu.TSO
	if _, err := explore.Executions(t.Context(), boot(t, p, weak), nil, explore.ExecutionLimits{}); err == nil {
		t.Error("independence under tso isn't refused")
	}
	if _, err := explore.Executions(t.Context(), boot(t, p, on(t, "6.1", "")), nil, explore.ExecutionLimits{Switches: true}); err == nil {
		t.Error("threads that aren't bound have context switches only")
	}
}

// BenchmarkExecutions makes the 26,294 executions of two threads that push and retry.
func BenchmarkExecutions(b *testing.B) {
	p, cfg := testProgram(b, "push_retry.rseq"), on(b, "6.1", "")
	fs := propsOf(b, p)
	executions, transitions := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		r, err := explore.Executions(b.Context(), boot(b, p, cfg), fs, explore.ExecutionLimits{Switches: true})
		if err != nil || !r.Complete {
			b.Fatal(r, err)
		}
		executions += r.Executions
		transitions += r.Transitions
	}
	b.ReportMetric(float64(executions)/b.Elapsed().Seconds(), "executions/s")
	b.ReportMetric(float64(transitions)/b.Elapsed().Seconds(), "transitions/s")
}
