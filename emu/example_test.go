package emu_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// incr adds 1 to a counter of its CPU, and tries again if the kernel has sent it
// to abort.
const incr = `
percpu count: u64

func incr()
    cs incr_cs: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, count }
    mov   r4, incr_cs
    st.8  [tp + rseq_cs], r4
start:
    ld.4  r4, [tp + cpu_id]
    bne.4 r4, r2, abort
    ld.8  r5, [r3]
    add   r5, r5, 1
    st.8  [r3], r5
commit:
    ret
    sig
abort:
    jmp   retry

thread: incr
`

// machine builds a machine for a kernel and a program.
func machine(kernel, program string) *emu.Machine {
	p, err := ir.Parse("incr.rseq", []byte(program))
	if err != nil {
		log.Fatal(err)
	}
	k, err := emu.ParseKernel(kernel)
	if err != nil {
		log.Fatal(err)
	}
	m, err := emu.New(p, emu.Config{Kernel: k})
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// A machine does what it is told. Here the timer strikes between the load and the
// store, and the thread goes on elsewhere.
func Example() {
	m := machine("6.18", incr)
	for range 8 {
		m.Do(emu.StepOn(0))
	}
	m.Do(emu.PreemptOn(0))
	m.Do(emu.RunOn(1, 0))
	for !m.Done() {
		m.Do(emu.StepOn(1))
	}
	count := m.Image().Symbols["count"]
	stride := ir.Addr(1) << m.Image().PerCPUShift
	fmt.Println("CPU 0:", m.Peek(count, 8))
	fmt.Println("CPU 1:", m.Peek(count+stride, 8))
	// Output:
	// CPU 0: 0
	// CPU 1: 1
}

// Choices are what can happen next. A budget bounds the kernel's events.
func ExampleMachine_Choices() {
	m := machine("6.18", incr)
	for _, schedule := range []emu.Choice{emu.StepOn(0), emu.PreemptOn(0), emu.RunOn(0, 0), emu.PreemptOn(0)} {
		fmt.Printf("%v; %v\n", m.Choices(nil), m.Budget())
		m.Do(schedule)
	}
	fmt.Printf("%v; %v\n", m.Choices(nil), m.Budget())
	// Output:
	// [c0 step c0 preempt]; preempt=2 migrate=2
	// [c0 step c0 preempt]; preempt=2 migrate=2
	// [c0 run t0 c1 run t0]; preempt=1 migrate=2
	// [c0 step c0 preempt]; preempt=1 migrate=2
	// [c0 run t0 c1 run t0]; migrate=2
}

// A schedule from outside is checked.
func ExampleMachine_Try() {
	m := machine("6.18", incr)
	c, err := emu.ParseChoice("c1 run t0")
	if err != nil {
		log.Fatal(err)
	}
	err = m.Try(c)
	fmt.Println(err)
	fmt.Println(errors.Is(err, emu.ErrNotEnabled))
	// Output:
	// c1 run t0 can't happen now; enabled: c0 step, c0 preempt
	// true
}

// An observer sees what happens inside the transitions. The two kernels differ in
// what they do on the way back from the preemption: the old one writes the ids.
func ExampleMachine_Observe() {
	for _, kernel := range []string{"6.18", "7.3"} {
		m := machine(kernel, incr)
		for range 8 {
			m.Do(emu.StepOn(0))
		}
		fmt.Println(kernel)
		m.Observe(func(e emu.Event) {
			fmt.Printf("  c%d t%d %s at %s\n", e.CPU, e.Task, e.Kind, m.Image().Where(e.IP))
		})
		m.Do(emu.PreemptOn(0))
		m.Do(emu.RunOn(0, 0))
	}
	// Output:
	// 6.18
	//   c0 t0 sched_out at incr.start+16
	//   c0 t0 sched_in at incr.start+16
	//   c0 t0 abort at incr.start+16
	//   c0 t0 ids at incr.abort
	// 7.3
	//   c0 t0 sched_out at incr.start+16
	//   c0 t0 sched_in at incr.start+16
	//   c0 t0 abort at incr.start+16
}

// A snapshot brings a machine back, as often as one likes.
func ExampleMachine_Save() {
	m := machine("6.18", incr)
	s := m.NewSnapshot()
	count := m.Image().Symbols["count"]
	for range 2 {
		for !m.Done() {
			m.Do(m.Progress(nil)[0])
		}
		fmt.Println(m.Peek(count, 8), m.Done())
		m.Restore(s)
		fmt.Println(m.Peek(count, 8), m.Done())
	}
	// Output:
	// 1 true
	// 0 false
	// 1 true
	// 0 false
}

// States that have the same future have the same bytes, and go into files.
func ExampleMachine_AppendState() {
	m, other := machine("6.18", incr), machine("6.18", incr)
	for range 5 {
		m.Do(emu.StepOn(0))
	}
	fmt.Println(string(m.AppendState(nil)) == string(other.AppendState(nil)))
	if _, err := other.SetState(m.AppendState(nil)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(m.AppendState(nil)) == string(other.AppendState(nil)))
	// Output:
	// false
	// true
}

// A program that breaks the rules is killed, and the kernel says why.
func ExampleMachine_Killed() {
	m := machine("7.3/v2", incr+`
func clobber()
    st.4 [tp + cpu_id_start], 99
    nop
    ret
thread: clobber
`)
	m.Do(emu.StepOn(1))
	m.Do(emu.PreemptOn(1))
	m.Do(emu.StepOn(0)) // CPU 0 is busy
	m.Do(emu.PreemptOn(0))
	m.Do(emu.RunOn(0, 1))
	e, _ := m.Killed()
	fmt.Printf("t%d: %s: %s\n", e.Task, e.Signal, e.Reason)
	// Output:
	// t1: SIGSEGV: the program wrote to cpu_id_start, cpu_id, node_id or mm_cid
}

// A kernel is plain data.
func ExampleLinux() {
	for _, release := range []string{"5.10", "6.18", "7.3"} {
		k := emu.Linux(release, abi.AMD64)
		fmt.Printf("%s: %s, %s rule, flags %s\n", k, k.Family, k.Notify, k.Flags)
	}
	// Output:
	// 5.10: original, old rule, flags honoured
	// 6.18: extensible, old rule, flags any fatal
	// 7.3/v2: versioned, new rule, flags ignored
}

// Patterns say which kernels a program claims to be right on.
func ExampleClaims() {
	var patterns []emu.Pattern
	for _, text := range []string{"6.3..", "!6.19"} {
		p, err := emu.ParsePattern(text)
		if err != nil {
			log.Fatal(err)
		}
		patterns = append(patterns, p)
	}
	for _, k := range emu.DefaultKernels() {
		fmt.Println(k, emu.Claims(patterns, k))
	}
	// Output:
	// 5.10 false
	// 6.1 false
	// 6.18 true
	// 6.19 false
	// 7.3/v1 true
	// 7.3/v2 true
}

// A kernel that isn't there is a release with other rules.
func ExampleVariant() {
	base := emu.Linux("7.3", abi.AMD64)
	k, err := emu.Variant(base, emu.Change{Rule: "V2", Value: "flag"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(k)
	_, err = emu.Variant(emu.Linux("6.19", abi.AMD64), emu.Change{Rule: "V2", Value: "flag"})
	fmt.Println(err)
	// Output:
	// 7.3/v2+V2=flag
	// V2 = flag and Versions = no contradict each other: there are no versions to choose from
}
