package bench

import (
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
	report(b, "", batch*float64(b.N)/b.Elapsed().Seconds(), ops)
}

func report(b *testing.B, engine string, iterations float64, ops int) {
	b.ReportMetric(iterations/1e6, engine+"Miter/s")
	b.ReportMetric(iterations*float64(ops)/1e6, engine+"Minstr/s")
}

// BenchmarkAgainstWazero measures the engines in turns, a batch each, so that
// what else the machine does hits all of them, and reports how many times as
// fast as wazero's interpreter the emulator is, by both readings.
func BenchmarkAgainstWazero(b *testing.B) {
	w, e := newWasm(b), newEmulator(b)
	var wazero, run, step time.Duration
	timed := func(sum *time.Duration, f func()) {
		start := time.Now()
		f()
		*sum += time.Since(start)
	}
	b.ReportAllocs()
	for b.Loop() {
		timed(&wazero, func() { w.run(b, batch) })
		timed(&run, func() { e.run(b, batch) })
		timed(&step, func() { e.step(b, batch) })
	}
	for _, v := range []struct {
		name string
		took time.Duration
	}{{"run", run}, {"step", step}} {
		ratio := wazero.Seconds() / v.took.Seconds()
		b.ReportMetric(ratio, v.name+"/wazero-by-iter")
		b.ReportMetric(ratio*instrs/wasmOps, v.name+"/wazero-by-instr")
	}
}
