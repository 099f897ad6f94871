package explore

import (
	"context"

	"github.com/rseqemu/rseqemu/emu"
)

// Sample has a sampler make runs of a machine, numbered from seed, until one
// breaks a property or runs are made. It proves nothing: the result is never
// complete. A failing schedule is made shorter before it is returned.
func Sample(ctx context.Context, m *emu.Machine, factories []Factory, s Sampler, seed uint64, runs int, lim Limits, progress Progress) (*Result, error) {
	if lim.Steps == 0 {
		lim.Steps = DefaultSteps
	}
	w, err := newWorld(m, factories)
	if err != nil {
		return nil, err
	}
	reset := w.rewind()
	res := &Result{Kernel: m.Kernel(), CPUs: m.CPUs(), Budget: m.Budget(), Sampler: s.String(), Why: "random runs prove nothing"}
	choices, way := make([]emu.Choice, 0, 64), make([]emu.Choice, 0, 1024)
	if p, ok := s.(*PCTSampler); ok {
		defer func() { res.Bound = p.Bound() }()
	}
	for ; res.Runs < runs; res.Runs++ {
		if res.Runs&0xff == 0 {
			if ctx.Err() != nil {
				res.Why = "interrupted: " + context.Cause(ctx).Error()
				return res, nil
			}
			if progress != nil {
				progress(res)
			}
		}
		reset()
		s.Begin(m, seed+uint64(res.Runs))
		var v *Violation
		if v, way, choices = w.walk(s, lim.Steps, way[:0], choices); v != nil {
			res.Failure = &Failure{Violation: *v, Schedule: w.minimise(v, way, lim.Steps, reset)}
			w.tidy(res.Failure, reset)
			res.Runs++
			return res, nil
		}
		res.Transitions += len(way)
		res.Depth = max(res.Depth, len(way))
	}
	res.Sampled = true
	return res, nil
}

// walk makes one run.
func (w *world) walk(ch Chooser, steps int, way, choices []emu.Choice) (*Violation, []emu.Choice, []emu.Choice) {
	w.changed = true
	for range steps {
		if w.changed {
			if choices = w.m.Choices(choices[:0]); stuck(choices) {
				return w.end(), way, choices
			}
		}
		i := ch.Choose(w.m, choices)
		if i < 0 {
			break
		}
		way = append(way, choices[i])
		if v := w.do(choices[i]); v != nil {
			return v, way, choices
		}
	}
	return nil, way, choices
}

// tolerant follows a schedule as far as it fits: a choice that isn't enabled is
// left out, and behind its end the machine goes on by itself.
func tolerant(schedule []emu.Choice) Chooser {
	return ChooserFunc(func(_ *emu.Machine, choices []emu.Choice) int {
		for len(schedule) > 0 {
			want := schedule[0]
			schedule = schedule[1:]
			for i, c := range choices {
				if c == want {
					return i
				}
			}
		}
		return 0
	})
}

// minimise makes a failing schedule shorter for as long as leaving out a part of
// it still breaks the same property: first halves, then quarters, down to single
// transitions.
func (w *world) minimise(v *Violation, way []emu.Choice, steps int, reset func()) []emu.Choice {
	best := append([]emu.Choice(nil), way...)
	// A run that got longer without a part isn't one that a person wants, and
	// one that spins is ended early.
	try := func(candidate []emu.Choice) bool {
		reset()
		got, ran, _ := w.walk(tolerant(candidate), min(steps, 2*len(best)+100), nil, nil)
		if got == nil || got.Property != v.Property || !cheaper(ran, best) {
			return false
		}
		*v, best = *got, ran
		return true
	}
	for size := len(best) / 2; size >= 1; size /= 2 {
		for at := 0; at+size <= len(best); {
			without := append(append([]emu.Choice(nil), best[:at]...), best[at+size:]...)
			if !try(without) {
				at += size
			}
		}
	}
	return best
}

// cheaper compares schedules as the exhaustive search does: events first.
func cheaper(a, b []emu.Choice) bool {
	ea, eb := Events(a), Events(b)
	return ea < eb || ea == eb && len(a) < len(b)
}

// Events counts the kernel events of a schedule.
func Events(schedule []emu.Choice) int {
	n := 0
	for _, c := range schedule {
		n += int(c.Cost())
	}
	return n
}
