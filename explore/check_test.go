package explore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// recorder is a testing.TB that writes down what it is told.
type recorder struct {
	ctx          context.Context
	logs, errors []string
}

func (r *recorder) Helper()                      {}
func (r *recorder) Context() context.Context     { return r.ctx }
func (r *recorder) Logf(format string, a ...any) { r.logs = append(r.logs, fmt.Sprintf(format, a...)) }
func (r *recorder) Errorf(format string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, a...))
}

func check(t *testing.T, program string, o explore.Options) *recorder {
	t.Helper()
	p := example(t, program)
	o.Properties = propsOf(t, p)
	r := &recorder{ctx: t.Context()}
	explore.Check(r, p, o)
	return r
}

func TestCheckPassesOnEachKernel(t *testing.T) {
	budget := emu.Budget{emu.Preemptions: 1}
	r := check(t, "list.rseq", explore.Options{Config: emu.Config{Budget: &budget}})
	if len(r.errors) != 0 || len(r.logs) != len(emu.DefaultKernels()) {
		t.Fatalf("errors %q, logs %q", r.errors, r.logs)
	}
	for i, k := range emu.DefaultKernels() {
		if !strings.HasPrefix(r.logs[i], "holds on "+k.String()+": ") || !strings.HasSuffix(r.logs[i], " states, preempt=1") {
			t.Errorf("%q", r.logs[i])
		}
	}
}

// TestCheckFailsWithASchedule that can be saved and followed.
func TestCheckFailsWithASchedule(t *testing.T) {
	r := check(t, "list-no-cpu-check.rseq", explore.Options{Kernels: []emu.Kernel{on(t, "6.18", "").Kernel}})
	if len(r.errors) != 1 {
		t.Fatalf("%q", r.errors)
	}
	message, text, _ := strings.Cut(r.errors[0], "\n\n")
	if !strings.HasPrefix(message, "broken on 6.18: linearizable(stack): t") {
		t.Errorf("%q", message)
	}
	s, err := explore.ParseSchedule("message", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p := example(t, "list-no-cpu-check.rseq")
	if s.Program != p.Name || s.Sum != explore.Fingerprint(p) || s.Breaks != "linearizable(stack)" || s.CPUs != 2 || s.Budget != emu.DefaultBudget {
		t.Errorf("%+v", s)
	}
	out, err := s.Follow(boot(t, p, s.Config()), propsOf(t, p), nil)
	if err != nil || out.Violation == nil || out.Violation.Property != s.Breaks {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestCheckFailsIfItCannotSeeAll: an incomplete search is no pass.
func TestCheckFailsIfItCannotSeeAll(t *testing.T) {
	one := []emu.Kernel{on(t, "6.18", "").Kernel}
	if r := check(t, "list.rseq", explore.Options{Kernels: one, Limits: explore.Limits{States: 100}}); len(r.errors) != 1 ||
		r.errors[0] != "6.18: nothing broken in 101 states, but not all were seen: more than 100 states" {
		t.Errorf("%q", r.errors)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, p := &recorder{ctx: ctx}, example(t, "list.rseq")
	explore.Check(r, p, explore.Options{Kernels: one, Properties: propsOf(t, p)})
	if len(r.errors) != 1 || !strings.HasSuffix(r.errors[0], "interrupted: context canceled") {
		t.Errorf("%q", r.errors)
	}
}

// TestCheckFailsIfNoRunEnds: a condition that was never asked doesn't hold.
func TestCheckFailsIfNoRunEnds(t *testing.T) {
	p := parse(t, "data lock: u64 = 1\nfunc f()\nspin:\n ld.8 r0, [lock]\n bne r0, 0, spin\n ret\nthread: f\nfinal lock == 5")
	r := &recorder{ctx: t.Context()}
	explore.Check(r, p, explore.Options{Kernels: []emu.Kernel{on(t, "6.18", "").Kernel}, Properties: propsOf(t, p)})
	if want := "6.18: no run ends, so that what must hold at the end was never asked"; len(r.errors) != 1 || r.errors[0] != want {
		t.Errorf("%q", r.errors)
	}
}

// TestCheckFailsIfThereIsNothingToCheck: no kernel, no machine, no property.
func TestCheckFailsIfThereIsNothingToCheck(t *testing.T) {
	const f = "func f()\n ret\nthread: f\n"
	for _, tt := range []struct {
		program string
		o       explore.Options
		want    string
	}{
		{f + "kernels 6.2", explore.Options{}, "no kernel to check on: the program claims none of [5.10 6.1 6.18 6.19 7.3/v1 7.3/v2]"},
		{f, explore.Options{Kernels: []emu.Kernel{}}, "no kernel to check on: the program claims none of [5.10 6.1 6.18 6.19 7.3/v1 7.3/v2]"},
		{f + "kernels 9.9", explore.Options{}, `test.rseq:4:1: unknown kernel "9.9" (`},
		{f + "final 1 == 1", explore.Options{}, "test declares what must hold, but Options.Properties is empty: pass those of props.Of"},
		{f, explore.Options{Config: emu.Config{CPUs: 99}}, "5.10: 99 CPUs are out of range (1..64)"},
		{f, explore.Options{Properties: []explore.Factory{func(*emu.Machine) (explore.Property, error) { return nil, fmt.Errorf("no such thing") }},
			Kernels: emu.DefaultKernels()[:1]}, "5.10: no such thing"},
	} {
		r := &recorder{ctx: t.Context()}
		explore.Check(r, parse(t, tt.program), tt.o)
		if len(r.errors) != 1 || !strings.HasPrefix(r.errors[0], tt.want) || len(r.logs) != 0 {
			t.Errorf("errors %q, logs %q, want %q", r.errors, r.logs, tt.want)
		}
	}
}
