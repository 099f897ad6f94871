package emu

import "pgregory.net/rapid"

// walk makes random choices until the machine is stuck or steps are made.
// before and after, either may be nil, run around each transition. It reports
// whether the run came to an end.
func walk(t *rapid.T, m *Machine, steps int, before func(Choice), after func()) bool {
	var buf []Choice
	for range steps {
		if buf = m.Choices(buf[:0]); len(buf) == 0 {
			return true
		}
		c := draw(t, buf)
		if before != nil {
			before(c)
		}
		m.Do(c)
		if after != nil {
			after()
		}
	}
	return false
}

// draw picks a choice. Events are many and steps are few, so it first decides
// between the machine going on and an event.
func draw(t *rapid.T, choices []Choice) Choice {
	events := 0
	for events < len(choices) && choices[events].Cost() == 0 && choices[events].Kind() != Online {
		events++
	}
	if events > 0 && events < len(choices) {
		if rapid.IntRange(0, 4).Draw(t, "event") > 0 {
			choices = choices[:events]
		} else {
			choices = choices[events:]
		}
	}
	return rapid.SampledFrom(choices).Draw(t, "choice")
}

// drawOne picks a machine by its number: a machine itself is much to print.
func drawOne(t *rapid.T, machines []*Machine) *Machine {
	m := machines[rapid.IntRange(0, len(machines)-1).Draw(t, "machine")]
	t.Logf("kernel %s", m.Kernel())
	return m
}
