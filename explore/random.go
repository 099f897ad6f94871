package explore

import (
	"math/rand/v2"

	"github.com/rseqemu/rseqemu/emu"
)

// Uniform returns a sampler that picks every choice with the same probability.
// With two CPUs at work every second transition is a preemption: the budget is
// used up early in a run.
func Uniform() Sampler { return &uniform{} }

type uniform struct {
	pcg rand.PCG
	rnd *rand.Rand
}

func (u *uniform) String() string { return "uniform" }

func (u *uniform) Begin(_ *emu.Machine, run uint64) {
	if u.rnd == nil {
		u.rnd = rand.New(&u.pcg)
	}
	u.pcg.Seed(run, streamUniform)
}

func (u *uniform) Choose(_ *emu.Machine, choices []emu.Choice) int { return u.rnd.IntN(len(choices)) }

// Weighted returns a sampler for which kernel events are rarer than what the
// machine does by itself, and threads are of different speed. Each run draws what
// an event weighs and what each thread's choices weigh, of 1, 2, 4, …, 64: nobody
// knows how long the runs of a program are, and some bugs take a thread that
// stands still for most of a run.
func Weighted() Sampler { return &weighted{} }

type weighted struct {
	dice
	event int // the weights
	task  [emu.MaxTasks]int
}

// maxWeight is that of the fastest thread, and of an interrupt that another CPU
// has sent.
const maxWeight = 1 << maxWeightLog

const maxWeightLog = 6

func (w *weighted) Begin(m *emu.Machine, run uint64) {
	w.seed(run, streamWeighted)
	w.event = 1 << w.intN(maxWeightLog+1)
	for i := range m.Tasks() {
		w.task[i] = 1 << w.intN(maxWeightLog+1)
	}
}

// Choose picks by weight. The events are behind the others.
func (w *weighted) Choose(m *emu.Machine, choices []emu.Choice) int {
	own, sum := 0, 0
	for own < len(choices) && byItself(choices[own]) {
		sum += w.weight(m, choices[own])
		own++
	}
	at := w.intN(sum + (len(choices)-own)*w.event)
	if at >= sum {
		return own + (at-sum)/w.event
	}
	for i := 0; ; i++ {
		if at -= w.weight(m, choices[i]); at < 0 {
			return i
		}
	}
}

// weight is that of a choice that is no event.
func (w *weighted) weight(m *emu.Machine, c emu.Choice) int {
	switch c.Kind() {
	case emu.Step:
		t, _ := m.Running(c.CPU())
		return w.task[t]
	case emu.Run, emu.Wake:
		return w.task[c.Task()]
	}
	return maxWeight
}

func (w *weighted) String() string { return "weighted" }
