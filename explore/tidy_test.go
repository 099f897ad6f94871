package explore_test

import (
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"pgregory.net/rapid"
)

// TestTidyKeepsTheFailure: a schedule that was put in order has the same
// transitions, breaks the same property with the last of them, and doesn't
// change CPUs more often.
func TestTidyKeepsTheFailure(t *testing.T) {
	failed := 0
	rapid.Check(t, func(t *rapid.T) {
		p := parse(t, tinyProgram(t))
		cfg := on(t, rapid.SampledFrom(releases()).Draw(t, "kernel"), "preempt=1 migrate=1 membarrier=1")
		fs := propsOf(t, p)
		for seed := range uint64(10) {
			raw, err := explore.Run(boot(t, p, cfg), fs, explore.Random(seed), 200, nil)
			if err != nil {
				t.Fatal(err)
			}
			if raw.Violation == nil {
				continue
			}
			failed++
			f := &explore.Failure{Violation: *raw.Violation, Schedule: slices.Clone(raw.Schedule)}
			if err := explore.Tidy(boot(t, p, cfg), fs, f); err != nil {
				t.Fatal(err)
			}
			if f.Property != raw.Violation.Property || !slices.Equal(slices.Sorted(slices.Values(f.Schedule)), slices.Sorted(slices.Values(raw.Schedule))) {
				t.Fatalf("%v\n%sbecame %v\n%s", raw.Violation, explore.FormatChoices(raw.Schedule), &f.Violation, explore.FormatChoices(f.Schedule))
			}
			if explore.Switches(f.Schedule) > explore.Switches(raw.Schedule) {
				t.Fatalf("%d changes of CPU became %d", explore.Switches(raw.Schedule), explore.Switches(f.Schedule))
			}
			follow(t, p, cfg, f, fs)
		}
	})
	if !t.Failed() && failed < 50 {
		t.Errorf("only %d runs broke something", failed)
	}
}

// TestTidyKeepsToTheProperty: of two threads that meet, an order that breaks
// something else is none.
func TestTidyKeepsToTheProperty(t *testing.T) {
	p := parse(t, "data a: u64\ndata x: u64\nfunc f()\n ld.8 r0, [x]\n add r0, r0, 1\n st.8 [a], r0\n ret\nfunc g()\n nop\n st.8 [x], 1\n ret\nthread: f\nthread: g\nalways a != 1\nalways a != 2")
	f := &explore.Failure{
		Violation: explore.Violation{Property: "always a != 1"},
		Schedule:  []emu.Choice{emu.StepOn(1), emu.StepOn(0), emu.StepOn(1), emu.StepOn(0), emu.StepOn(0)},
	}
	want := slices.Clone(f.Schedule)
	if err := explore.Tidy(boot(t, p, on(t, "6.18", "none")), propsOf(t, p), f); err != nil {
		t.Fatal(err)
	}
	if f.Property != "always a != 1" || !slices.Equal(f.Schedule, want) {
		t.Errorf("%s\n%s", f.Property, explore.FormatChoices(f.Schedule))
	}
}

// TestTidyJoinsStretches: of two threads that don't meet, one runs after the
// other.
func TestTidyJoinsStretches(t *testing.T) {
	p := parse(t, "data a: u64\ndata b: u64\nfunc f()\n st.8 [a], 1\n nop\n nop\n ret\nfunc g()\n st.8 [b], 1\n nop\n nop\n ret\nthread: f\nthread: g\nfinal a + b == 3")
	m := boot(t, p, on(t, "6.18", "none"))
	f := &explore.Failure{Violation: explore.Violation{Property: "final a + b == 3"}}
	for range 4 {
		f.Schedule = append(f.Schedule, emu.StepOn(1), emu.StepOn(0))
	}
	if err := explore.Tidy(m, propsOf(t, p), f); err != nil {
		t.Fatal(err)
	}
	if n := explore.Switches(f.Schedule); n != 1 {
		t.Errorf("%d changes of CPU in\n%s", n, explore.FormatChoices(f.Schedule))
	}
}
