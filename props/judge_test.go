package props_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/props"
)

var long = flag.Bool("long", false, "hold a million random histories against Porcupine")

func diceOf(seed uint64) dice {
	r := rand.New(rand.NewPCG(seed, 0))
	return func(from, to int) int { return from + r.IntN(to-from+1) }
}

// TestJudgeIsPorcupine, of random finished histories: 24,000, or with -long a
// million. Those that end before all calls have returned are among them.
func TestJudgeIsPorcupine(t *testing.T) {
	histories := 24_000
	if *long {
		histories = 1_000_000
	}
	const perObject = 200
	good, bad, open := 0, 0, 0
	for n := range (histories + perObject - 1) / perObject {
		spec := props.Specs()[n%len(props.Specs())]
		draw := diceOf(uint64(n))
		o := anyObject(t, draw, spec)
		m := boot(t, o.prog, "6.18", "")
		init, err := spec.Init(m)
		if err != nil {
			t.Fatal(err)
		}
		mon, err := props.NewMonitor(m, spec, o.funcs...)
		if err != nil {
			t.Fatal(err)
		}
		h, err := props.NewHistory(m, spec, o.funcs...)
		if err != nil {
			t.Fatal(err)
		}
		empty := h.AppendState(nil)
		for range perObject {
			events := o.history(draw, init)
			if len(events)%2 != 0 {
				open++
			}
			set(t, h, empty)
			for _, e := range events {
				h.Observe(e)
			}
			got := mon.Explains(events)
			if got != h.Judge() {
				t.Fatalf("monitor: %t, Porcupine: %t\n%s\n%s", got, !got, o.text, printHistory(events))
			}
			if got {
				good++
			} else {
				bad++
			}
		}
	}
	t.Logf("%d histories are linearizable, %d aren't; %d or more have a call without a return", good, bad, open)
	if min(good, bad, open) < histories/10 {
		t.Errorf("%d good histories, %d bad ones, %d open ones: hardly a test", good, bad, open)
	}
}

// sixOps are finished histories, all different, of three threads with a push and
// a pop each on a stack with two slots.
func sixOps(t fataler, n int) (*emu.Machine, [][]emu.Event) {
	t.Helper()
	o := &object{spec: props.Stack, text: "func push(v)\n ret\nfunc pop()\n ret\ncpus 2\n" +
		"thread: push 1; pop\nthread: push 2; pop\nthread: push 3; pop\n"}
	for v := range uint64(3) {
		o.ops = append(o.ops, []props.Op{{Role: 0, Args: [6]uint64{v + 1}}, {Role: 1}})
	}
	m := boot(t, parse(t, o.text), "6.18", "")
	init, err := o.spec.Init(m)
	if err != nil {
		t.Fatal(err)
	}
	random, seen := diceOf(0), map[string]bool{}
	draw := func(from, to int) int {
		if to == 27 {
			return 60 // attempts: enough for all calls to return, most often
		}
		return random(from, to)
	}
	var all [][]emu.Event
	var key []byte
	for len(all) < n {
		events := o.history(draw, init)
		key = key[:0]
		for _, e := range events {
			key = append(key, byte(e.Kind), byte(e.Task), byte(e.A), byte(e.B))
		}
		if len(events) == 12 && !seen[string(key)] {
			seen[string(key)] = true
			all = append(all, events)
		}
	}
	return m, all
}

func stackMonitor(t fataler, m *emu.Machine) *props.Monitor {
	t.Helper()
	mon, err := props.NewMonitor(m, props.Stack, "push", "pop")
	if err != nil {
		t.Fatal(err)
	}
	return mon
}

// TestJudgingAllocatesNothing once the histories' prefixes have been seen, be
// they linearizable or not; nor does writing and reading the states on the way.
func TestJudgingAllocatesNothing(t *testing.T) {
	m, all := sixOps(t, 200)
	mon := stackMonitor(t, m)
	state, start := make([]byte, 0, 1000), mon.AppendState(nil)
	judge := func() {
		for _, h := range all {
			mon.Explains(h)
			if _, err := mon.SetState(start); err != nil {
				t.Fatal(err)
			}
			for _, e := range h {
				mon.Observe(e)
				state = mon.AppendState(state[:0])
			}
			if _, err := mon.SetState(state); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(10, judge); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAMonitorForgets what it has worked out, when that is too much, and judges
// the same.
func TestAMonitorForgets(t *testing.T) {
	m, all := sixOps(t, 500)
	mon, small := stackMonitor(t, m), stackMonitor(t, m)
	const bound, slack = 100_000, 30_000 // one state may take some
	small.Bound(bound)
	for _, h := range all {
		if mon.Explains(h) != small.Explains(h) {
			t.Fatalf("judged otherwise:\n%s", printHistory(h))
		}
		for _, e := range h {
			set(t, small, mon.AppendState(nil))
			mon.Observe(e)
			small.Observe(e)
			if mon.After(m, 0) != nil {
				break
			}
			if string(mon.AppendState(nil)) != string(small.AppendState(nil)) {
				t.Fatalf("another state:\n%s", printHistory(h))
			}
			if small.Size() > bound+slack {
				t.Fatalf("%d bytes", small.Size())
			}
		}
	}
	if mon.Size() < 4*bound {
		t.Errorf("%d bytes without a bound: hardly a test", mon.Size())
	}
}

// BenchmarkJudge is about finished histories of six calls by three threads, all
// different: seen before; not seen before, by a monitor that has seen 200,000
// others, and by one that has seen none; and by Porcupine.
func BenchmarkJudge(b *testing.B) {
	m, all := sixOps(b, 220_000)
	all, others := all[:20_000], all[20_000:]
	judge := func(b *testing.B, again bool, before [][]emu.Event) {
		var mon *props.Monitor
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i == 0 || again && i%len(all) == 0 {
				b.StopTimer()
				mon = stackMonitor(b, m)
				for _, h := range before {
					mon.Explains(h)
				}
				b.StartTimer()
			}
			mon.Explains(all[i%len(all)])
		}
	}
	b.Run("seen", func(b *testing.B) { judge(b, false, all) })
	b.Run("new", func(b *testing.B) { judge(b, true, others) })
	b.Run("first", func(b *testing.B) { judge(b, true, nil) })
	b.Run("porcupine", func(b *testing.B) {
		model, err := props.PorcupineModel(props.Stack, m)
		if err != nil {
			b.Fatal(err)
		}
		var ops [][]porcupine.Operation
		for _, events := range all {
			h, err := props.NewHistory(m, props.Stack, "push", "pop")
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range events {
				h.Observe(e)
			}
			ops = append(ops, h.Operations())
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			porcupine.CheckOperations(model, ops[i%len(ops)])
		}
	})
}
