package props_test

import (
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/props"
)

// inTurn is a call with its place in its thread.
type inTurn struct {
	thread, n int
	op        props.Op
}

// ordered is an object that also knows how many calls each thread has made.
type ordered struct{ state, calls string }

// sequentialModel is the specification for Porcupine, with the threads' orders in
// the state; so that calls may all have happened at once.
func sequentialModel(spec *props.Spec, init string, threads int) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{ordered{init, string(make([]byte, threads))}} },
		Step: func(state, input, output any) (next []any) {
			s, in := state.(ordered), input.(inTurn)
			if output == nil {
				next = append(next, s)
			}
			if int(s.calls[in.thread]) != in.n {
				return next
			}
			calls := []byte(s.calls)
			calls[in.thread]++
			spec.Next(s.state, in.op, func(r props.Ret, to string) {
				if output == nil || r == output.(props.Ret) {
					next = append(next, ordered{to, string(calls)})
				}
			})
			return next
		},
	}
	return m.ToModel()
}

// TestSequentialIsPorcupine, of random histories; what is linearizable is
// sequential, and not the other way round.
func TestSequentialIsPorcupine(t *testing.T) {
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
		seq := property(t, props.Sequential(spec, o.funcs...), m)
		mon, err := props.NewMonitor(m, spec, o.funcs...)
		if err != nil {
			t.Fatal(err)
		}
		empty := seq.AppendState(nil)
		for range 50 {
			events := o.history(draw, init)
			if draw(0, 1) == 0 {
				events = merge(draw, events)
			}
			set(t, seq, empty)
			var ops []porcupine.Operation
			open, made := map[emu.TaskID]int{}, map[emu.TaskID]int{}
			for _, e := range events {
				seq.Observe(e)
				i, known := open[e.Task]
				switch {
				case e.Kind == emu.EvReturn && known:
					ops[i].Output = props.Ret{R0: e.A, R1: e.B}
					delete(open, e.Task)
				case e.Kind == emu.EvInvoke && o.ops[e.Task][e.A].Role >= 0:
					open[e.Task] = len(ops)
					ops = append(ops, porcupine.Operation{ClientId: len(ops), Call: 0, Return: 1,
						Input: inTurn{int(e.Task), made[e.Task], o.ops[e.Task][e.A]}})
					made[e.Task]++
				}
			}
			v := seq.AtEnd(m)
			want := porcupine.CheckOperations(sequentialModel(spec, init, len(o.ops)), ops)
			if (v == nil) != want {
				t.Fatalf("%v; Porcupine: %t\n%s\n%s", v, want, o.text, printHistory(events))
			}
			linearizable := mon.Explains(events)
			switch {
			case linearizable && !want:
				t.Fatalf("linearizable, but not sequential\n%s\n%s", o.text, printHistory(events))
			case linearizable:
				good++
			case want:
				weaker++
			default:
				bad++
			}
		}
	}
	t.Logf("%d histories are linearizable, %d sequential only, %d neither", good, weaker, bad)
	if min(good, weaker, bad) < 50 {
		t.Errorf("%d histories are linearizable, %d sequential only, %d neither: hardly a test", good, weaker, bad)
	}
}

// merge puts the threads' events into another order, and keeps each thread's.
func merge(draw dice, events []emu.Event) (out []emu.Event) {
	var threads [][]emu.Event
	for _, e := range events {
		for len(threads) <= int(e.Task) {
			threads = append(threads, nil)
		}
		threads[e.Task] = append(threads[e.Task], e)
	}
	for len(out) < len(events) {
		if t := draw(0, len(threads)-1); len(threads[t]) > 0 {
			out = append(out, threads[t][0])
			threads[t] = threads[t][1:]
		}
	}
	return out
}

// TestSequentialErrors: one with more calls than can be tried is refused.
func TestSequentialErrors(t *testing.T) {
	text := "func push(v)\n ret\n"
	for range 7 {
		text += "thread: " + strings.TrimSuffix(strings.Repeat("push 1; ", 7), "; ") + "\n"
	}
	const want = "spec stack sequential: the threads make too many calls to try their orders"
	if _, err := props.Sequential(props.Stack, "push")(boot(t, parse(t, text), "6.18", "")); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	m := boot(t, parse(t, "func push(v)\n ret\nthread: push 1\n"), "6.18", "")
	if _, err := props.Sequential(props.Stack)(m); err == nil {
		t.Error("no function for push, and no error")
	}
}
