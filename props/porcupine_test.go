package props_test

import (
	"context"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// specified are the per-CPU operations and their bugs that have a specification.
func specified(t *testing.T) (all []*ir.Program) {
	t.Helper()
	add := func(p *ir.Program, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Specs) > 0 {
			all = append(all, p)
		}
	}
	for _, p := range percpu.Programs() {
		add(p.Parse())
	}
	for _, b := range percpu.Bugs() {
		add(b.Parse())
	}
	return append(all, example(t, "list.rseq"), example(t, "list-no-cpu-check.rseq"))
}

// history is an empty one of the first specification that a program declares.
func history(t *testing.T, m *emu.Machine) *props.History {
	t.Helper()
	s := m.Image().Prog.Specs[0]
	spec, err := props.SpecByName(s.Name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := props.NewHistory(m, spec, s.Funcs...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// newest is the newest kernel that a program claims to be right on.
func newest(t *testing.T, p *ir.Program) string {
	t.Helper()
	ks, err := explore.Claimed(p)
	if err != nil || len(ks) == 0 {
		t.Fatal(ks, err)
	}
	return ks[len(ks)-1].String()
}

// TestRunsAreJudgedAlike: at the end of random runs of real programs, right and
// wrong ones, the monitor says what Porcupine says of the whole history.
func TestRunsAreJudgedAlike(t *testing.T) {
	good, bad := 0, 0
	for _, p := range specified(t) {
		kernel := newest(t, p)
		s := p.Specs[0]
		spec, err := props.SpecByName(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(50) {
			m := boot(t, p, kernel, "")
			mon, h := property(t, props.Linearizable(spec, s.Funcs...), m), history(t, m)
			out, err := explore.Run(m, nil, explore.Random(seed), 2000, func(e emu.Event) {
				mon.Observe(e)
				h.Observe(e)
			})
			if err != nil {
				t.Fatal(err)
			}
			linearizable := mon.After(m, 0) == nil
			if h.Judge() != linearizable {
				t.Errorf("%s, seed %d: the monitor says %t, Porcupine %t\n%s", p.Name, seed, linearizable, !linearizable, explore.FormatChoices(out.Schedule))
			}
			if linearizable {
				good++
			} else {
				bad++
			}
		}
	}
	if good < 500 || bad < 50 {
		t.Errorf("%d good runs, %d bad ones: hardly a test", good, bad)
	}
}

// TestPorcupineRejectsEveryCounterexample that blames linearizability, and
// accepts it without its last transition.
func TestPorcupineRejectsEveryCounterexample(t *testing.T) {
	found := 0
	for _, p := range specified(t) {
		kernel := newest(t, p)
		s := p.Specs[0]
		spec, err := props.SpecByName(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Sample(context.Background(), boot(t, p, kernel, ""), []explore.Factory{props.Linearizable(spec, s.Funcs...)}, explore.Uniform(), 1, 100, explore.Limits{Steps: 2000}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Failure == nil || r.Failure.Property != "linearizable("+spec.Name+")" {
			continue
		}
		found++
		m := boot(t, p, kernel, "")
		h := history(t, m)
		last := len(r.Failure.Schedule) - 1
		for i, c := range r.Failure.Schedule {
			if i == 0 {
				m.Observe(h.Observe)
			}
			if i == last && !h.Judge() {
				t.Errorf("%s: Porcupine rejects it before the last transition", p.Name)
			}
			if err := m.Try(c); err != nil {
				t.Fatal(err)
			}
		}
		if h.Judge() {
			t.Errorf("%s: Porcupine accepts %v\n%s", p.Name, &r.Failure.Violation, explore.FormatChoices(r.Failure.Schedule))
		}
	}
	if found < 10 {
		t.Errorf("only %d programs broke their specification", found)
	}
}

// TestSearchesWithEitherJudgeAgree: on the verdict, and on what the cheapest
// counterexample costs. Porcupine's keeps whole histories apart and so sees more
// states.
func TestSearchesWithEitherJudgeAgree(t *testing.T) {
	list, counter := example(t, "list.rseq"), parse(t, racy)
	list.Threads[0].Calls = list.Threads[0].Calls[:1]
	for _, tt := range []struct {
		program *ir.Program
		bounds  string
		broken  bool
	}{
		{list, "none", false},
		{list, "preempt=1 migrate=1", false},
		{counter, "none", false},
		{counter, "preempt=2", true},
	} {
		s := tt.program.Specs[0]
		spec, err := props.SpecByName(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		search := func(f explore.Factory) *explore.Result {
			r, err := explore.Exhaustive(context.Background(), boot(t, tt.program, "6.18", tt.bounds), []explore.Factory{f}, explore.Limits{}, nil)
			if err != nil || r.Why != "" || r.Complete == tt.broken {
				t.Fatalf("%s, %s: %+v, %v", spec.Name, tt.bounds, r, err)
			}
			return r
		}
		a, b := search(props.Linearizable(spec, s.Funcs...)), search(props.Porcupine(spec, s.Funcs...))
		if !tt.broken {
			if a.States > b.States {
				t.Errorf("%s, %s: the monitor keeps %d states apart, whole histories only %d", spec.Name, tt.bounds, a.States, b.States)
			}
			continue
		}
		if len(a.Failure.Schedule) != len(b.Failure.Schedule) || explore.Events(a.Failure.Schedule) != explore.Events(b.Failure.Schedule) {
			t.Errorf("%s, %s: the monitor's failure is\n%s, Porcupine's\n%s", spec.Name, tt.bounds, explore.FormatChoices(a.Failure.Schedule), explore.FormatChoices(b.Failure.Schedule))
		}
		if b.Failure.Property != a.Failure.Property || b.Failure.Message != "Porcupine finds no order of the 2 calls" {
			t.Errorf("%s, %s: %v", spec.Name, tt.bounds, b.Failure)
		}
	}
}

// TestPorcupineModelDescribes operations and states by the program's names.
func TestPorcupineModelDescribes(t *testing.T) {
	m := boot(t, example(t, "list.rseq"), "6.18", "none")
	h := history(t, m)
	out, err := explore.Run(m, nil, explore.Undisturbed(), 0, h.Observe)
	if err != nil || !out.Done {
		t.Fatal(out, err)
	}
	model, err := props.PorcupineModel(props.Stack, m)
	if err != nil {
		t.Fatal(err)
	}
	ops := h.Operations()
	if len(ops) != 4 {
		t.Fatalf("%d operations", len(ops))
	}
	want := []string{"push(n1) → 0, r1 = 0", "pop() → n1, r1 = 0", "push(n2) → 0, r1 = 1", "pop() → n2, r1 = 1"}
	for i, op := range ops {
		if got := model.DescribeOperation(op.Input, op.Output); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
		if op.ClientId != i/2 || op.Call >= op.Return || i > 0 && op.Call <= ops[i-1].Return {
			t.Errorf("operation %d: %+v", i, op)
		}
	}
	state := model.Init()
	if got := model.DescribeState(state); got != "{slot 0 [], slot 1 []}" {
		t.Error(got)
	}
	if _, state = model.Step(state, ops[0].Input, ops[0].Output); model.DescribeState(state) != "{slot 0 [n1], slot 1 []}" {
		t.Error(model.DescribeState(state))
	}
	if ok, _ := model.Step(state, ops[1].Input, props.Ret{R0: 99}); ok {
		t.Error("a pop of what isn't there is accepted")
	}
	// A call that hasn't returned has taken effect, in any way, or not.
	if _, state = model.Step(model.Init(), ops[0].Input, nil); model.DescribeState(state) != "{slot 0 [], slot 1 [], slot 0 [n1], slot 1 [], slot 0 [], slot 1 [n1]}" {
		t.Error(model.DescribeState(state))
	}
	if !porcupine.CheckOperations(model, ops) || !h.Judge() {
		t.Error("a run without events isn't linearizable")
	}
}
