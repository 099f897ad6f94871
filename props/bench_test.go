package props_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/props"
)

// histories are those of random runs of a per-CPU list, two threads with a push
// and a pop each.
func histories(b *testing.B) (*emu.Machine, [][]emu.Event) {
	b.Helper()
	p := example(b, "list.rseq")
	var all [][]emu.Event
	for seed := range uint64(100) {
		var events []emu.Event
		_, err := explore.Run(boot(b, p, "6.18", ""), nil, explore.Random(seed), 0, func(e emu.Event) {
			if e.Kind == emu.EvInvoke || e.Kind == emu.EvReturn {
				events = append(events, e)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, events)
	}
	return boot(b, p, "6.18", ""), all
}

// BenchmarkMonitor judges each return of a history as it happens.
func BenchmarkMonitor(b *testing.B) {
	m, all := histories(b)
	mon := property(b, props.Linearizable(props.Stack, "push", "pop"), m)
	start := mon.AppendState(nil)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mon.SetState(start); err != nil {
			b.Fatal(err)
		}
		for _, e := range all[i%len(all)] {
			mon.Observe(e)
		}
		if v := mon.After(m, 0); v != nil {
			b.Fatal(v)
		}
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "histories/s")
}

// BenchmarkPorcupine judges the same histories, each once at its end.
func BenchmarkPorcupine(b *testing.B) {
	m, all := histories(b)
	h, err := props.NewHistory(m, props.Stack, "push", "pop")
	if err != nil {
		b.Fatal(err)
	}
	start := h.AppendState(nil)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.SetState(start); err != nil {
			b.Fatal(err)
		}
		for _, e := range all[i%len(all)] {
			h.Observe(e)
		}
		if !h.Judge() {
			b.Fatal("not linearizable")
		}
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "histories/s")
}
