package props_test

import (
	"context"
	"fmt"
	"log"

	"github.com/anishathalye/porcupine"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// A counter without a critical section: a preemption at the wrong place loses an
// addition.
const racy = `
percpu count: u64
func add(n)
    ld.4 r1, [tp + cpu_id]
    { shl t0, r1, percpu_shift; add r2, t0, count }
    mov  r3, r0
    ld.8 r0, [r2]
    add  r3, r0, r3
    st.8 [r2], r3
    ret
cpus 1
thread: add 1
thread: add 1
spec  counter(add)
final sum(count) == calls(add)
`

func machine(text string, budget emu.Budget) *emu.Machine {
	p, err := ir.Parse("racy.rseq", []byte(text))
	if err != nil {
		log.Fatal(err)
	}
	m, err := emu.New(p, emu.Config{Kernel: emu.Linux("6.18", abi.AMD64), Budget: &budget})
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// What a program declares is what a search asks.
func ExampleOf() {
	m := machine(racy, emu.Budget{emu.Preemptions: 1})
	properties, err := props.Of(m.Image().Prog)
	if err != nil {
		log.Fatal(err)
	}
	r, err := explore.Exhaustive(context.Background(), m, properties, explore.Limits{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Failure.Property)
	fmt.Println(r.Failure.Message)
	// Output:
	// linearizable(counter)
	// t0's add returned 0 with r1 = 0, which no order of the calls explains; before it the counter was slot 0 [1]
}

// A specification of one's own: a ticket is given out once, whoever asks.
func ExampleLinearizable() {
	tickets := &props.Spec{
		Name: "tickets", Roles: []string{"take"}, Required: 1,
		Init: func(*emu.Machine) (string, error) { return "\x00", nil },
		Next: func(state string, _ props.Op, yield func(props.Ret, string)) {
			yield(props.Ret{R0: uint64(state[0])}, string(state[0]+1))
		},
	}
	m := machine(`
data next: u64
func take()
    ld.8 r0, [next]
    add  r2, r0, 1
    st.8 [next], r2
    ret
thread: take
thread: take
`, emu.Budget{})
	r, err := explore.Exhaustive(context.Background(), m, []explore.Factory{props.Linearizable(tickets, "take")}, explore.Limits{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Failure.Message)
	// Output: t1's take returned 0 with r1 = 0, which no order of the calls explains
}

// A run's history goes to Porcupine, to be judged and to be drawn
// (porcupine.Visualize).
func ExampleHistory() {
	m := machine(racy, emu.Budget{})
	h, err := props.NewHistory(m, props.Counter, "add")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := explore.Run(m, nil, explore.Undisturbed(), 0, h.Observe); err != nil {
		log.Fatal(err)
	}
	model, err := props.PorcupineModel(props.Counter, m)
	if err != nil {
		log.Fatal(err)
	}
	for _, op := range h.Operations() {
		fmt.Println(model.DescribeOperation(op.Input, op.Output))
	}
	fmt.Println(h.Judge(), porcupine.CheckOperations(model, h.Operations()))
	// Output:
	// add(1) → 0, r1 = 0
	// add(1) → 1, r1 = 0
	// true true
}
