package bench

import (
	"slices"
	"testing"
	"time"
)

// batch is the number of iterations that an engine is asked for at once: enough
// that entering it doesn't count.
const batch = 10_000

// TestEnginesCountAlike holds the loops against each other: what is compared
// must do the same work.
func TestEnginesCountAlike(t *testing.T) {
	w, run, step := newWasm(t), newEmulator(t), newEmulator(t)
	w.run(t, batch)
	run.run(t, batch)
	step.step(t, batch)
	if a, b, c := w.cell(t), run.cell(t), step.cell(t); a != batch || b != batch || c != batch {
		t.Errorf("after %d iterations the cell is %d in wazero, %d after Run, %d after Step", batch, a, b, c)
	}
}

// BenchmarkLoop measures each engine by itself.
func BenchmarkLoop(b *testing.B) {
	b.Run("vcpu.Run", func(b *testing.B) {
		e := newEmulator(b)
		measure(b, instrs, func() { e.run(b, batch) })
	})
	b.Run("vcpu.Step", func(b *testing.B) {
		e := newEmulator(b)
		measure(b, instrs, func() { e.step(b, batch) })
	})
	b.Run("wazero", func(b *testing.B) {
		w := newWasm(b)
		measure(b, wasmOps, func() { w.run(b, batch) })
	})
}

func measure(b *testing.B, ops int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	iterations := batch * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(iterations/1e6, "Miter/s")
	b.ReportMetric(iterations*float64(ops)/1e6, "Minstr/s")
}

// BenchmarkAgainstWazero measures the engines in turns, a batch each, and takes
// the median batch, so that what else the machine does hits all of them or
// none. It reports how many times as fast as wazero's interpreter the emulator
// is, by both readings.
func BenchmarkAgainstWazero(b *testing.B) {
	w, e := newWasm(b), newEmulator(b)
	engines := []struct {
		name string
		ops  float64
		run  func()
		took []time.Duration
	}{
		{name: "wazero", ops: wasmOps, run: func() { w.run(b, batch) }},
		{name: "run", ops: instrs, run: func() { e.run(b, batch) }},
		{name: "step", ops: instrs, run: func() { e.step(b, batch) }},
	}
	for b.Loop() {
		for i := range engines {
			start := time.Now()
			engines[i].run()
			engines[i].took = append(engines[i].took, time.Since(start))
		}
	}
	var iterations [3]float64 // a second
	for i, x := range engines {
		slices.Sort(x.took)
		iterations[i] = batch / x.took[len(x.took)/2].Seconds()
		b.ReportMetric(iterations[i]*x.ops/1e6, x.name+"-Minstr/s")
		if i > 0 {
			ratio := iterations[i] / iterations[0]
			b.ReportMetric(ratio, x.name+"/wazero-iter")
			b.ReportMetric(ratio*x.ops/wasmOps, x.name+"/wazero-instr")
		}
	}
}
