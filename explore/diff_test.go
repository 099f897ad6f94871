package explore_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

func diff(t fataler, p *ir.Program, from, to, bounds string) *explore.Result {
	t.Helper()
	r, err := explore.Diff(context.Background(), boot(t, p, on(t, from, bounds)), boot(t, p, on(t, to, bounds)), explore.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestKernelsPartWhereTheyShould: the examples of what 6.19 and 7.3 changed show
// just that, in the fewest transitions, and list.rseq shows nothing.
func TestKernelsPartWhereTheyShould(t *testing.T) {
	for _, tt := range []struct {
		program, from, to string
		events            int
		last, want        string // of the failure; empty: they never part
	}{
		{"syscall-inside.rseq", "6.18", "6.19", 0, "c0 run t0", "t0 is at add.abort on 6.18, but at add.start+12 on 6.19"},
		{"syscall-inside.rseq", "6.18", "6.12", 0, "", ""},
		{"overwrite.rseq", "6.18", "6.19", 1, "c0 step", "t0's r0 is 0 on 6.18, but 85 on 6.19"},
		{"overwrite.rseq", "6.18", "7.3/v2", 1, "c1 run t0", "on 6.18 it lives, but on 7.3/v2 t0 is killed by SIGSEGV at mark+4 (the program wrote to cpu_id_start, cpu_id, node_id or mm_cid)"},
		{"overwrite.rseq", "6.18", "7.3/v1", 0, "", ""},
		{"list.rseq", "6.19", "7.3/v2", 0, "", ""},
		{"list.rseq", "6.18", "6.18", 0, "", ""},
	} {
		p := example(t, tt.program)
		r := diff(t, p, tt.from, tt.to, "preempt=1 migrate=1")
		switch {
		case tt.want == "" && (!r.Complete || r.Failure != nil):
			t.Errorf("%s, %s and %s: complete %t, %v", tt.program, tt.from, tt.to, r.Complete, r.Failure)
		case tt.want == "":
		case r.Failure == nil:
			t.Errorf("%s: %s and %s do the same, %+v", tt.program, tt.from, tt.to, r)
		default:
			s := r.Failure.Schedule
			if r.Failure.Property != explore.Parted || r.Failure.Message != tt.want || s[len(s)-1].String() != tt.last || explore.Events(s) != tt.events {
				t.Errorf("%s, %s and %s: %v\n%s", tt.program, tt.from, tt.to, &r.Failure.Violation, explore.FormatChoices(s))
			}
			follow(t, p, on(t, tt.from, "preempt=1 migrate=1"), r.Failure,
				[]explore.Factory{explore.Twin(boot(t, p, on(t, tt.to, "preempt=1 migrate=1")))})
		}
	}
}

// TestDiffIsSymmetric: which kernel comes first doesn't change what the cheapest
// schedule costs.
func TestDiffIsSymmetric(t *testing.T) {
	for _, name := range []string{"syscall-inside.rseq", "overwrite.rseq", "list.rseq"} {
		p := example(t, name)
		for _, pair := range [][2]string{{"6.18", "6.19"}, {"6.18", "7.3/v2"}, {"5.10", "7.3/v1"}} {
			a, b := diff(t, p, pair[0], pair[1], "preempt=1"), diff(t, p, pair[1], pair[0], "preempt=1")
			if (a.Failure == nil) != (b.Failure == nil) || a.Failure != nil && costs(a.Failure.Schedule, b.Failure.Schedule) != 0 {
				t.Errorf("%s on %v: %+v, and the other way round %+v", name, pair, a.Failure, b.Failure)
			}
		}
	}
}

// TestDiffLooksPastADeadlock, which both kernels have.
func TestDiffLooksPastADeadlock(t *testing.T) {
	p := parse(t, "func f()\n syscall pause\n ret\nfunc h()\n syscall rt_sigreturn\nhandler SIGUSR1: h\nthread: f")
	if r := diff(t, p, "6.18", "6.19", "signal=1"); !r.Complete {
		t.Errorf("%+v", r)
	}
	if r := exhaust(t, p, on(t, "6.18", "signal=1"), explore.Limits{}); r.Failure == nil || r.Failure.Property != explore.Deadlock {
		t.Errorf("%+v", r)
	}
}

// TestATwinThatCannotFollowHasParted: a transition that the other machine
// doesn't have is a difference too.
func TestATwinThatCannotFollowHasParted(t *testing.T) {
	p := example(t, "syscall-inside.rseq")
	from, to := boot(t, p, on(t, "6.18", "irq=1")), boot(t, p, on(t, "6.19", "none"))
	r, err := explore.Diff(context.Background(), from, to, explore.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Failure == nil || r.Failure.Property != explore.Parted || !strings.HasPrefix(r.Failure.Message, "on 6.19 c0 irq can't happen now; enabled: ") &&
		!strings.HasPrefix(r.Failure.Message, "t0 is at") {
		t.Errorf("%+v", r.Failure)
	}
}

// TestDiffLeavesTheSecondMachineAlone, so that the schedule can be followed with
// the same one.
func TestDiffLeavesTheSecondMachineAlone(t *testing.T) {
	p, cfg := example(t, "overwrite.rseq"), on(t, "6.18", "preempt=1")
	to := boot(t, p, on(t, "6.19", "preempt=1"))
	before := to.AppendState(nil)
	r, err := explore.Diff(context.Background(), boot(t, p, cfg), to, explore.Limits{}, nil)
	if err != nil || r.Failure == nil {
		t.Fatal(r, err)
	}
	for range 2 {
		if !bytes.Equal(to.AppendState(nil), before) {
			t.Fatal("the second machine was changed")
		}
		follow(t, p, cfg, r.Failure, []explore.Factory{explore.Twin(to)})
	}
}
