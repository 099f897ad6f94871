package props_test

import (
	"context"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// TestQuiescentIsPorcupine, of random histories, with the calls of each busy period all at
// once; what is linearizable is quiescently consistent, and not the other way round.
func TestQuiescentIsPorcupine(t *testing.T) {
	good, weaker, bad := 0, 0, 0
	for n := range 300 {
		spec := props.Specs()[n%len(props.Specs())]
		draw := diceOf(uint64(n))
		o := anyObject(t, draw, spec)
		m := boot(t, o.prog, "6.18", "")
		init, err := spec.Init(m)
		if err != nil {
			t.Fatal(err)
		}
		factory := props.Quiescent(spec, o.funcs...)
		if _, err := factory(m); err != nil {
			continue // too many calls
		}
		q := property(t, factory, m)
		mon, err := props.NewMonitor(m, spec, o.funcs...)
		if err != nil {
			t.Fatal(err)
		}
		empty := q.AppendState(nil)
		for range 50 {
			events := o.history(draw, init)
			if draw(0, 1) == 0 {
				events = merge(draw, events)
			}
			set(t, q, empty)
			var ops []porcupine.Operation
			open := map[emu.TaskID]int{}
			period := int64(0)
			var v *explore.Violation
			for _, e := range events {
				if v == nil {
					q.Observe(e)
					v = q.After(m, 0)
				}
				i, known := open[e.Task]
				switch {
				case e.Kind == emu.EvReturn && known:
					ops[i].Output = props.Ret{R0: e.A, R1: e.B}
					if delete(open, e.Task); len(open) == 0 {
						period++
					}
				case e.Kind == emu.EvInvoke && o.ops[e.Task][e.A].Role >= 0:
					open[e.Task] = len(ops)
					ops = append(ops, porcupine.Operation{ClientId: len(ops), Call: 2 * period, Return: 2*period + 1, Input: o.ops[e.Task][e.A]})
				}
			}
			if v == nil {
				v = q.AtEnd(m)
			}
			model := porcupine.NondeterministicModel{
				Init: func() []any { return []any{init} },
				Step: func(state, input, output any) (next []any) {
					if output == nil {
						next = append(next, state)
					}
					spec.Next(state.(string), input.(props.Op), func(r props.Ret, to string) {
						if output == nil || r == output.(props.Ret) {
							next = append(next, to)
						}
					})
					return next
				},
			}
			want := porcupine.CheckOperations(model.ToModel(), ops)
			if (v == nil) != want {
				t.Fatalf("%v; Porcupine: %t\n%s\n%s", v, want, o.text, printHistory(events))
			}
			linearizable := mon.Explains(events)
			switch {
			case linearizable && !want:
				t.Fatalf("linearizable, but not quiescently consistent\n%s\n%s", o.text, printHistory(events))
			case linearizable:
				good++
			case want:
				weaker++
			default:
				bad++
			}
		}
	}
	t.Logf("%d histories are linearizable, %d quiescent only, %d neither", good, weaker, bad)
	if min(good, bad) < 50 || weaker < 10 {
		t.Errorf("%d histories are linearizable, %d quiescent only, %d neither: hardly a test", good, weaker, bad)
	}
}

// twice is a register whose value is written to two places, each of which is read by
// some.
const twice = `
data cell: u64[2]
func write(v)
    ld.8 r2, [cell + 8]
    st.8 [cell], r0
    st.8 [cell + 8], r0
    mov r0, r2
    mov r1, 0
    ret
func read(slot, place)
    ld.8 r2, [r1 + cell]
    mov r1, r0
    mov r0, r2
    ret
cpus 2
`

// TestQuiescentAllowsAnyOrderInABusyPeriod, and no other: who reads the new value and then
// the old one is right while the writer is at it, and by no other consistency; who reads an
// old one when the writer is done is wrong.
func TestQuiescentAllowsAnyOrderInABusyPeriod(t *testing.T) {
	for threads, broken := range map[string]string{
		"thread: write 5\nthread: read 0, 0; read 0, 8\nspec register(write, read)\n":            "linearizable(register)",
		"thread: write 5\nthread: read 0, 0; read 0, 8\nspec register(write, read) sequential\n": "sequential(register)",
		"thread: write 5\nthread: read 0, 0; read 0, 8\nspec register(write, read) quiescent\n":  "",
		"thread: write 5; read 0, 8\nspec register(write, read) quiescent\n":                     "",
		"thread: write 5; read 0, 16\nspec register(write, read) quiescent\n":                    "quiescent(register)",
	} {
		p := parse(t, strings.Replace(twice, "u64[2]", "u64[3]", 1)+threads)
		fs, err := props.Of(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, without := range []emu.Reduction{0, emu.AllReductions} {
			r, err := explore.Exhaustive(context.Background(), boot(t, p, "6.18", ""), fs, explore.Limits{Without: without}, nil)
			switch {
			case err != nil:
				t.Fatal(err)
			case broken == "" && !r.Complete, broken != "" && (r.Failure == nil || r.Failure.Property != broken):
				t.Errorf("%s without %s: %+v, complete %t, want %q", threads, without, r.Failure, r.Complete, broken)
			case broken == "quiescent(register)":
				const want = "no order of the calls since the last moment without any explains their results: t0 read(0, 16) → 0, r1 = 0; before them the register was "
				if !strings.HasPrefix(r.Failure.Message, want) {
					t.Errorf("%s, want %s…", r.Failure.Message, want)
				}
			}
		}
	}
}

// TestQuiescentErrors: more calls than can be tried, and functions that the specification
// doesn't have, are refused.
func TestQuiescentErrors(t *testing.T) {
	text := "func push(v)\n ret\n"
	for range 3 {
		text += "thread: push 1; push 1; push 1\n"
	}
	const want = "spec stack quiescent: the threads make 9 calls, too many to try their orders (8)"
	if _, err := props.Quiescent(props.Stack, "push")(boot(t, parse(t, text), "6.18", "")); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := props.Quiescent(props.Stack)(boot(t, parse(t, text), "6.18", "")); err == nil {
		t.Error("a stack without functions")
	}
	if p := parse(t, text+"spec stack(push) quiescent\n"); p.Specs[0].Order != ir.Quiescent {
		t.Errorf("parsed as %v", p.Specs[0].Order)
	}
}
