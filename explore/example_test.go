package explore_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// read parses one of the examples and returns it with its own properties.
func read(name string) (*ir.Program, []explore.Factory) {
	src, err := os.ReadFile("../examples/" + name)
	if err != nil {
		log.Fatal(err)
	}
	p, err := ir.Parse(name, src)
	if err != nil {
		log.Fatal(err)
	}
	properties, err := props.Of(p)
	if err != nil {
		log.Fatal(err)
	}
	return p, properties
}

// machine boots a program.
func machine(p *ir.Program, k emu.Kernel, budget emu.Budget) *emu.Machine {
	m, err := emu.New(p, emu.Config{Kernel: k, Budget: &budget})
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// A per-CPU list, under every run with a preemption and a migration.
func ExampleExhaustive() {
	p, properties := read("list.rseq")
	m := machine(p, emu.Linux("6.18", abi.AMD64), emu.Budget{emu.Preemptions: 1, emu.Migrations: 1})
	r, err := explore.Exhaustive(context.Background(), m, properties, explore.Limits{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("complete:", r.Complete, "failure:", r.Failure)
	// Output: complete: true failure: <nil>
}

// The same list without the comparison of cpu_id: a failure is the cheapest
// schedule that breaks something.
func ExampleExhaustive_failure() {
	p, properties := read("list-no-cpu-check.rseq")
	m := machine(p, emu.Linux("6.18", abi.AMD64), emu.DefaultBudget)
	r, err := explore.Exhaustive(context.Background(), m, properties, explore.Limits{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("broken:", r.Failure.Property)
	fmt.Println("kernel events:", explore.Events(r.Failure.Schedule))
	// Output:
	// broken: linearizable(stack)
	// kernel events: 2
}

// Random runs find most bugs, and prove nothing.
func ExampleSample() {
	p, properties := read("list-no-cpu-check.rseq")
	m := machine(p, emu.Linux("6.18", abi.AMD64), emu.DefaultBudget)
	const seed, runs = 1, 10_000
	r, err := explore.Sample(context.Background(), m, properties, explore.Uniform(), seed, runs, explore.Limits{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("complete:", r.Complete, "broken:", r.Failure.Property)
	// Output: complete: false broken: final list(head, 0) + got(pop) == calls(push)
}

// A system call inside a critical section: the two kernels part where the older
// one aborts it.
func ExampleDiff() {
	p, _ := read("syscall-inside.rseq")
	from := machine(p, emu.Linux("6.18", abi.AMD64), emu.Budget{})
	to := machine(p, emu.Linux("6.19", abi.AMD64), emu.Budget{})
	r, err := explore.Diff(context.Background(), from, to, explore.Limits{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(explore.FormatChoices(r.Failure.Schedule))
	fmt.Println(r.Failure.Message)
	// Output:
	// c0 step x7
	// t0 wake
	// c0 run t0
	// t0 is at add.abort on 6.18, but at add.start+12 on 6.19
}

// A schedule from a bug report is followed on a machine that it describes.
func ExampleSchedule() {
	const report = `rseqemu schedule 1
program overwrite
kernel 7.3/v2
budget preempt=1 migrate=1
breaks survives

c0 step
c0 preempt
c1 run t0
`
	s, err := explore.ParseSchedule("report", []byte(report))
	if err != nil {
		log.Fatal(err)
	}
	p, properties := read("overwrite.rseq")
	m, err := emu.New(p, s.Config())
	if err != nil {
		log.Fatal(err)
	}
	out, err := s.Follow(m, properties, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Violation)
	// Output: survives: t0 was killed by SIGSEGV at mark+4: the program wrote to cpu_id_start, cpu_id, node_id or mm_cid
}

// A chooser is a function: this one preempts threads in their critical sections.
func ExampleRun() {
	p, properties := read("list.rseq")
	m := machine(p, emu.Linux("6.18", abi.AMD64), emu.Budget{emu.Preemptions: 20})
	rude := explore.ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
		for i, c := range choices {
			if c.Kind() != emu.Preempt {
				continue
			}
			if t, _ := m.Running(c.CPU()); m.Image().SectionAt(m.Next(t)) != nil {
				return i
			}
		}
		return 0
	})
	aborts := 0
	out, err := explore.Run(m, properties, rude, 0, func(e emu.Event) {
		if e.Kind == emu.EvAbort {
			aborts++
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("done:", out.Done, "broken:", out.Violation, "preempted:", explore.Events(out.Schedule), "aborted:", aborts)
	// Output: done: true broken: <nil> preempted: 20 aborted: 20
}
