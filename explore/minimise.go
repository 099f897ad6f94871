package explore

import (
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// mostTried bounds the transitions that are made to make one schedule shorter.
const mostTried = 5_000_000

// minimise makes a failing schedule cheaper for as long as some other one breaks
// the same property, by kernel events first and transitions second:
//
//  1. without one of its events, or two of them, or one with another one moved
//  2. without a stretch of it: first halves, then quarters, down to single
//     transitions
//  3. from the start, if that was worth it
//
// What is left is followed in two ways, by CPU and by task: without the preemption
// that made place for it, a task may do the same on another CPU.
func (w *world) minimise(v *Violation, way []emu.Choice, steps int, reset func()) []emu.Choice {
	s := &shrinker{world: w, v: v, steps: steps, reset: reset}
	s.keep(way)
	for better := true; better && s.tried < mostTried; {
		s.better = false
		s.withoutEvents()
		s.withoutStretches()
		better = s.better
	}
	return s.best
}

type shrinker struct {
	*world
	v     *Violation
	best  []emu.Choice
	steps int
	reset func()
	tried int // transitions
	// better says that the best schedule isn't the one that it was.
	better bool

	all          []act // what best does
	acts         []act // what is tried
	way, choices []emu.Choice
}

// withoutEvents leaves out events, one and then two at a time.
func (s *shrinker) withoutEvents() {
	for at := 0; at < len(s.best); at++ {
		if s.best[at].Cost() > 0 && s.without(at, 1) {
			at = -1
		}
	}
	for at := 0; at < len(s.best); at++ {
		for other := 0; other < len(s.best) && s.best[at].Cost() > 0 && s.tried < mostTried; other++ {
			if other != at && s.best[other].Cost() > 0 && s.without2(at, other) {
				at, other = 0, -1
			}
		}
	}
}

// without2 leaves out an event, and another one or moves that one.
func (s *shrinker) without2(at, other int) bool {
	moved := s.all[other]
	s.acts = slices.Delete(append(s.acts[:0], s.all...), max(at, other), max(at, other)+1)
	s.acts = slices.Delete(s.acts, min(at, other), min(at, other)+1)
	if s.breaks() {
		return true
	}
	for to := 0; to <= len(s.acts) && s.tried < mostTried; to++ {
		s.acts = slices.Insert(s.acts, to, moved)
		if s.breaks() {
			return true
		}
		s.acts = slices.Delete(s.acts, to, to+1)
	}
	return false
}

// withoutStretches leaves out stretches.
func (s *shrinker) withoutStretches() {
	for size := len(s.best) / 2; size >= 1; size /= 2 {
		for at := 0; at+size <= len(s.best) && s.tried < mostTried; {
			if !s.without(at, size) {
				at += size
			}
		}
	}
}

// without leaves out one stretch.
func (s *shrinker) without(at, size int) bool {
	s.acts = slices.Delete(append(s.acts[:0], s.all...), at, at+size)
	return s.breaks()
}

// breaks follows the acts and keeps what comes of them if it is cheaper and breaks
// the same property.
func (s *shrinker) breaks() bool {
	for _, byTask := range []bool{false, true} {
		if s.tried >= mostTried {
			return false
		}
		s.reset()
		// A run that got longer without a part isn't one that a person wants, and
		// one that spins is ended early.
		var v *Violation
		v, s.way, s.choices = s.walk(follow(s.acts, byTask), min(s.steps, 2*len(s.best)+100), s.way[:0], s.choices)
		s.tried += len(s.way)
		if v != nil && v.Property == s.v.Property && cheaper(s.way, s.best) {
			*s.v, s.better = *v, true
			s.keep(s.way)
			return true
		}
	}
	return false
}

// act is a choice and the task that it happens to, or -1.
type act struct {
	emu.Choice
	task emu.TaskID
}

// keep takes a schedule for the best one.
func (s *shrinker) keep(way []emu.Choice) {
	s.best, s.all = append(s.best[:0], way...), s.all[:0]
	s.reset()
	for _, c := range s.best {
		s.all = append(s.all, act{c, subject(s.m, c)})
		s.m.Do(c)
	}
}

// subject is the task that a choice happens to.
func subject(m *emu.Machine, c emu.Choice) emu.TaskID {
	switch c.Kind() {
	case emu.Run, emu.Wake, emu.Signal:
		return c.Task()
	case emu.Online:
		return -1
	}
	t, _ := m.Running(c.CPU())
	return t
}

// follow goes along acts as far as they fit: one that isn't enabled is left out, and
// behind their end the machine goes on by itself. By task, an act is looked for
// wherever its task is, and a task that has none gets a CPU first if one is idle.
func follow(acts []act, byTask bool) Chooser {
	return ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
		for len(acts) > 0 {
			want := acts[0]
			run := -1
			for i, c := range choices {
				if c == want.Choice && (!byTask || subject(m, c) == want.task) ||
					byTask && want.task >= 0 && c.Kind() == want.Kind() && c.Kind() != emu.Run && subject(m, c) == want.task && c.Signal() == want.Signal() {
					acts = acts[1:]
					return i
				}
				if byTask && want.Kind() == emu.Step && c.Kind() == emu.Run && c.Task() == want.task && (run < 0 || c.CPU() == want.CPU()) {
					run = i
				}
			}
			if run >= 0 {
				return run
			}
			acts = acts[1:]
		}
		return 0
	})
}

// tolerant follows a schedule as far as it fits: a choice that isn't enabled is
// left out, and behind its end the machine goes on by itself.
func tolerant(schedule []emu.Choice) Chooser {
	acts := make([]act, len(schedule))
	for i, c := range schedule {
		acts[i].Choice = c
	}
	return follow(acts, false)
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
