package props_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
	"pgregory.net/rapid"
)

// object is a specification with a program that calls its operations; what
// they return is made up by a history.
type object struct {
	spec  *props.Spec
	text  string
	prog  *ir.Program
	funcs []string
	ops   [][]props.Op // by thread and call; Role -1: not the specification's
}

// dice draws a number from a range, both ends included.
type dice func(from, to int) int

func rapidly(t *rapid.T) dice {
	return func(from, to int) int { return rapid.IntRange(from, to).Draw(t, "number") }
}

// anyObject draws up to three threads with up to three calls.
func anyObject(t fataler, draw dice, spec *props.Spec) *object {
	o := &object{spec: spec}
	var b strings.Builder
	if capacity := draw(0, 3); capacity > 0 {
		fmt.Fprintf(&b, "const CAPACITY = %d\n", capacity)
	}
	for _, r := range spec.Roles {
		o.funcs = append(o.funcs, "do_"+r)
		fmt.Fprintf(&b, "func do_%s()\n ret\n", r)
	}
	b.WriteString("func other()\n ret\ncpus 2\n")
	for range draw(1, 3) {
		var ops []props.Op
		b.WriteString("thread: ")
		for i := range draw(1, 3) {
			op := props.Op{Role: draw(0, len(spec.Roles))}
			name := "other"
			if op.Role == len(spec.Roles) {
				op.Role = -1
			} else {
				name = o.funcs[op.Role]
			}
			for j := range 3 {
				op.Args[j] = uint64(draw(0, 2))
			}
			ops = append(ops, op)
			if i > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "%s %d, %d, %d", name, op.Args[0], op.Args[1], op.Args[2])
		}
		b.WriteString("\n")
		o.ops = append(o.ops, ops)
	}
	o.text = b.String()
	o.prog = parse(t, o.text)
	return o
}

// history draws a history that is linearizable, but for results that are changed
// now and then. A call takes effect, or not, at any time until it returns.
func (o *object) history(draw dice, init string) []emu.Event {
	type thread struct {
		next      int // call
		open      bool
		effective bool
		ret       props.Ret
	}
	threads := make([]thread, len(o.ops))
	state := init
	wrong := []int{3, 0, 10, 0}[draw(0, 3)]
	var events []emu.Event
	for range draw(1, 27) {
		i := draw(0, len(threads)-1)
		th := &threads[i]
		if !th.open && th.next == len(o.ops[i]) {
			continue
		}
		op := o.ops[i][min(th.next, len(o.ops[i])-1)]
		switch {
		case !th.open:
			events = append(events, emu.Event{Kind: emu.EvInvoke, Task: emu.TaskID(i), A: uint64(th.next)})
			th.open, th.effective, th.ret = true, false, props.Ret{}
		case !th.effective && op.Role >= 0:
			var rets []props.Ret
			var states []string
			o.spec.Next(state, op, func(r props.Ret, s string) { rets, states = append(rets, r), append(states, s) })
			if len(rets) > 0 {
				k := draw(0, len(rets)-1)
				th.ret, state = rets[k], states[k]
			}
			th.effective = true
		default:
			if wrong > 0 && draw(0, wrong) == 0 {
				th.ret = props.Ret{R0: uint64(draw(0, 3)), R1: uint64(draw(0, 2))}
			}
			events = append(events, emu.Event{Kind: emu.EvReturn, Task: emu.TaskID(i), A: th.ret.R0, B: th.ret.R1})
			th.open = false
			th.next++
		}
	}
	return events
}

func printHistory(events []emu.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "t%d %s %d %d\n", e.Task, e.Kind, e.A, e.B)
	}
	return b.String()
}

// historiesPerObject times rapid's hundred objects is 20,000.
const historiesPerObject = 200

// TestMonitorIsPorcupine: after every event of a history the monitor says what
// Porcupine says of all events up to there. And it says the same if its state is
// written and read, by another monitor, after every event.
func TestMonitorIsPorcupine(t *testing.T) {
	for _, spec := range props.Specs() {
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			good, bad := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				o := anyObject(t, rapidly(t), spec)
				m := boot(t, o.prog, "6.18", "")
				init, err := spec.Init(m)
				if err != nil {
					t.Fatal(err)
				}
				factory := props.Linearizable(spec, o.funcs...)
				spare := [2]explore.Property{property(t, factory, m), property(t, factory, m)}
				start := spare[0].AppendState(nil)
				read := property(t, props.Porcupine(spec, o.funcs...), m)
				for range historiesPerObject {
					events := o.history(rapidly(t), init)
					mon, porcupine := property(t, factory, m), property(t, props.Porcupine(spec, o.funcs...), m)
					set(t, spare[0], start)
					for i, e := range events {
						set(t, read, porcupine.AppendState(nil))
						mon.Observe(e)
						porcupine.Observe(e)
						if read.Observe(e); !bytes.Equal(read.AppendState(nil), porcupine.AppendState(nil)) {
							t.Fatalf("a history that was written and read goes on otherwise\n%s", printHistory(events[:i+1]))
						}
						spare[0].Observe(e)
						a, b, c := mon.After(m, 0), porcupine.After(m, 0), spare[0].After(m, 0)
						if (a == nil) != (b == nil) || (a == nil) != (c == nil) || a != nil && (a.Property != b.Property || *a != *c) {
							t.Fatalf("monitor: %v; relayed: %v; Porcupine: %v\n%s\n%s", a, c, b, o.text, printHistory(events[:i+1]))
						}
						if a != nil {
							bad++
							break
						}
						set(t, spare[1], spare[0].AppendState(nil))
						spare[0], spare[1] = spare[1], spare[0]
						if i == len(events)-1 {
							good++
						}
					}
				}
			})
			if !t.Failed() && (good < 20 || bad < 20) {
				t.Errorf("%d good histories, %d bad ones: hardly a test", good, bad)
			}
		})
	}
}

func set(t fataler, p explore.Property, state []byte) {
	t.Helper()
	if rest, err := p.SetState(append(state, "rest"...)); err != nil || string(rest) != "rest" {
		t.Fatalf("its own state: rest %q, %v", rest, err)
	}
}
