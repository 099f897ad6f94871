package emu

import (
	"math/rand/v2"
	"testing"
)

// What a search does a million times a second, and may not allocate.

// busy is a machine with 4 KiB of mutable memory and three threads that do what
// most programs do.
func busy(t testing.TB, kernel string) *Machine {
	t.Helper()
	program := `
cpus 2
data pad: u64[352]
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
func look()
    ret
handler SIGUSR1: look
stack 320
thread: incr; incr
thread: incr; incr
thread: incr; incr
`
	m, err := New(parse(t, program), Config{Kernel: mustKernel(t, kernel), Budget: &everything})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.mem[0].Mutable()); n != 4096 {
		t.Fatalf("%d bytes of mutable memory, want 4 KiB", n)
	}
	return m
}

var benchKernels = []string{"6.18", "7.3"}

// BenchmarkSnapshot is one Save and one Restore.
func BenchmarkSnapshot(b *testing.B) {
	m := busy(b, "6.18")
	s := m.NewSnapshot()
	b.ReportAllocs()
	for b.Loop() {
		m.Save(s)
		m.Restore(s)
	}
}

// BenchmarkStep is one instruction.
func BenchmarkStep(b *testing.B) {
	m, err := New(parse(b, "func spin()\n    nop\nagain:\n    jmp again\nthread: spin\n"), Config{Kernel: Linux("6.18", 0)})
	if err != nil {
		b.Fatal(err)
	}
	step := StepOn(0)
	b.ReportAllocs()
	for b.Loop() {
		m.Do(step)
	}
}

// BenchmarkSwitch is a preemption and the way back, with a section to abort.
func BenchmarkSwitch(b *testing.B) {
	for _, kernel := range benchKernels {
		b.Run(kernel, func(b *testing.B) {
			r := boot(b, kernel, section+"thread: op\n").run("t0 to inside")
			r.Observe(nil)
			s := r.NewSnapshot()
			b.ReportAllocs()
			for b.Loop() {
				r.Do(PreemptOn(0))
				r.Do(RunOn(0, 0))
				r.Restore(s)
			}
		})
	}
}

// BenchmarkAppendState is the canonical bytes of a state, into a buffer.
func BenchmarkAppendState(b *testing.B) {
	m := busy(b, "6.18")
	buf := m.AppendState(nil)
	b.SetBytes(int64(len(m.mem[0].Mutable())))
	b.ReportAllocs()
	for b.Loop() {
		buf = m.AppendState(buf[:0])
	}
}

// BenchmarkSetState reads them back.
func BenchmarkSetState(b *testing.B) {
	m := busy(b, "6.18")
	buf := m.AppendState(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.SetState(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChoices is the list of what can happen next.
func BenchmarkChoices(b *testing.B) {
	m := busy(b, "6.18")
	buf := m.Choices(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = m.Choices(buf[:0])
	}
}

// BenchmarkRandomRun is a whole run of the program by random choices, from a
// snapshot.
func BenchmarkRandomRun(b *testing.B) {
	for _, kernel := range benchKernels {
		b.Run(kernel, func(b *testing.B) {
			m := busy(b, kernel)
			m.budget = Budget{2, 2, 1, 1, 1, 1, 1}
			start := m.NewSnapshot()
			rng := rand.New(rand.NewPCG(1, 2))
			var buf []Choice
			steps := 0
			b.ReportAllocs()
			for b.Loop() {
				m.Restore(start)
				for buf = m.Choices(buf[:0]); len(buf) > 0; buf = m.Choices(buf[:0]) {
					m.Do(buf[rng.IntN(len(buf))])
					steps++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/choice")
		})
	}
}

// TestNothingAllocates: none of what a search does for every state, on any
// transition of a run that meets them all.
func TestNothingAllocates(t *testing.T) {
	for _, kernel := range []string{"5.10", "6.18", "6.19", "7.3/v1", "7.3/v2", "7.3/s390x"} {
		m := busy(t, kernel)
		m.budget = Budget{8, 8, 4, 4, 4, 4, 2}
		m.Observe(func(Event) {})
		start, s := m.NewSnapshot(), m.NewSnapshot()
		choices, state := make([]Choice, 0, 256), make([]byte, 0, 16<<10)
		rng := rand.New(rand.NewPCG(1, 2))
		kinds := map[ChoiceKind]bool{}
		for _, op := range []struct {
			name string
			do   func()
		}{
			{"a run", func() {
				m.Restore(start)
				for choices = m.Choices(choices[:0]); len(choices) > 0; choices = m.Choices(choices[:0]) {
					m.Do(choices[rng.IntN(len(choices))])
				}
			}},
			{"Save", func() { m.Save(s) }},
			{"Restore", func() { m.Restore(s) }},
			{"Choices", func() { choices = m.Choices(choices[:0]) }},
			{"AppendState", func() { state = m.AppendState(state[:0]) }},
			{"SetState", func() {
				if _, err := m.SetState(state); err != nil {
					t.Fatal(err)
				}
			}},
		} {
			if n := testing.AllocsPerRun(100, op.do); n != 0 {
				t.Errorf("%s: %s allocates %v times", kernel, op.name, n)
			}
		}
		for range 100 {
			m.Restore(start)
			for choices = m.Choices(choices[:0]); len(choices) > 0; choices = m.Choices(choices[:0]) {
				c := choices[rng.IntN(len(choices))]
				kinds[c.Kind()] = true
				m.Do(c)
			}
		}
		for _, k := range []ChoiceKind{Step, Run, Preempt, IRQ, Fault, FaultSleep, Wake, Membarrier, Signal, Offline, Online} {
			if !kinds[k] {
				t.Errorf("%s: no run has met %s", kernel, k)
			}
		}
	}
}
