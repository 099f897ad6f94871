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
