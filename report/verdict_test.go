package report_test

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
)

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		budget emu.Budget
		want   string
	}{
		{emu.Budget{}, "no kernel events"},
		{emu.Budget{emu.Preemptions: 1}, "at most 1 preemption"},
		{emu.DefaultBudget, "at most 2 preemptions and 2 migrations"},
		{emu.Budget{1, 2, 3, 4, 5, 6, 7}, "at most 1 preemption, 2 migrations, 3 signals, 4 interrupts, 5 page faults, 6 membarriers and 7 CPU unplugs"},
		{emu.Budget{emu.Preemptions: 2, emu.Expiries: 1}, "at most 2 preemptions and 0 slice timers"},
		{emu.Budget{emu.Preemptions: emu.Unlimited, emu.Signals: 1}, "any number of preemptions, and at most 1 signal"},
		{emu.Budget{emu.Preemptions: emu.Unlimited, emu.Migrations: emu.Unlimited}, "any number of preemptions and migrations"},
	} {
		if got := report.Bounds(c.budget); got != c.want {
			t.Errorf("%v: %q, not %q", c.budget, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 states", 1: "1 state", 999: "999 states", 1000: "1,000 states", 88799: "88,799 states", 12345678: "12,345,678 states", -1234: "-1,234 states"} {
		if got := report.Count(n, "state"); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// TestVerdictClaimsNoMore than was done: "holds" stands for every schedule.
func TestVerdictClaimsNoMore(t *testing.T) {
	fail := &explore.Failure{Violation: explore.Violation{Property: "survives"}, Schedule: []emu.Choice{emu.StepOn(0), emu.PreemptOn(0)}}
	for _, c := range []struct {
		name string
		res  explore.Result
		kind report.VerdictKind
		want string
	}{
		{"complete", explore.Result{Complete: true, Ends: 3}, report.Holds, "holds, for all schedules within these bounds"},
		{"broken", explore.Result{Failure: fail}, report.Broken, "broken: survives (1 kernel event, 2 transitions)"},
		{"broken, late", explore.Result{Failure: fail, Why: "interrupted: Ctrl-C"}, report.Broken, "broken: survives (1 kernel event, 2 transitions)"},
		{"no end", explore.Result{Complete: true}, report.Incomplete, "not finished (no run ever ends): what must hold at the end was never asked"},
		{"limit", explore.Result{Why: "more than 9 states", Ends: 1}, report.Incomplete, "not finished (more than 9 states): not broken so far"},
		{"limit, no events", explore.Result{Why: "more than 9 states", Events: 1}, report.Incomplete, "not finished (more than 9 states): holds for all schedules without kernel events"},
		{"limit, events", explore.Result{Why: "more than 9 states", Events: 3}, report.Incomplete, "not finished (more than 9 states): holds for all schedules with fewer than 3 kernel events"},
		{"random", explore.Result{Runs: 5, Sampler: "pct", Sampled: true, Why: "random runs prove nothing"}, report.Sampled, "not broken in 5 random runs (pct), which proves nothing"},
		{"random, stopped", explore.Result{Runs: 5, Sampler: "pct", Why: "interrupted: Ctrl-C"}, report.Incomplete, "not finished (interrupted: Ctrl-C): not broken in 5 random runs (pct)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, kind := report.Verdict(&c.res), report.Kind(&c.res)
			if got != c.want || kind != c.kind {
				t.Errorf("%s: %q, not %s: %q", kind, got, c.kind, c.want)
			}
			if strings.HasPrefix(got, "holds") != (kind == report.Holds) {
				t.Errorf("%s claims %q", kind, got)
			}
		})
	}
}

func TestWorse(t *testing.T) {
	order := []report.VerdictKind{report.Holds, report.Sampled, report.Incomplete, report.Broken}
	for i, a := range order {
		for j, b := range order {
			if got := report.Worse(a, b); got != order[max(i, j)] {
				t.Errorf("the worse of %s and %s is %s", a, b, got)
			}
		}
	}
}
