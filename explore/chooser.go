package explore

import (
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// Chooser decides what happens next in a single run: a random generator, a
// recorded schedule, the bytes of a fuzzer, a person. It returns an index into
// choices, which is never empty, or -1 to end the run.
type Chooser interface {
	Choose(m *emu.Machine, choices []emu.Choice) int
}

// ChooserFunc is a function as a Chooser.
type ChooserFunc func(m *emu.Machine, choices []emu.Choice) int

// Choose calls f.
func (f ChooserFunc) Choose(m *emu.Machine, choices []emu.Choice) int { return f(m, choices) }

// patience is how many steps [Undisturbed] leaves to one CPU at a time.
const patience = 1000

// Undisturbed returns a chooser without kernel events, and with accesses in order:
// the lowest CPU's thread
// goes on until it ends or sleeps, then the next one's, each on the CPU that it
// had. One that doesn't stop, since it waits for another, has to let the others
// go on after a thousand steps.
func Undisturbed() Chooser {
	var last emu.Choice
	steps := 0
	return ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
		var quiet []int
		for i, c := range choices {
			if c.Cost() == 0 && !migrates(m, c) && c.Kind() != emu.Delay && c.Kind() != emu.Stale {
				quiet = append(quiet, i)
			}
		}
		if len(quiet) == 0 {
			return 0
		}
		at := slices.IndexFunc(quiet, func(i int) bool { return choices[i] == last })
		switch {
		case at < 0:
			at, steps = 0, 0
		case steps >= patience:
			at, steps = (at+1)%len(quiet), 0
		}
		steps++
		last = choices[quiet[at]]
		return quiet[at]
	})
}

// migrates reports whether a choice takes a thread to another CPU.
func migrates(m *emu.Machine, c emu.Choice) bool {
	if c.Kind() != emu.Run {
		return false
	}
	cpu := m.LastCPU(c.Task())
	return cpu >= 0 && cpu != c.CPU()
}

// Bytes returns a chooser that a fuzzer drives: each byte decides one choice
// among those there are; a choice among one takes none. When the bytes are used
// up it goes on with the first choice, which is never an event.
func Bytes(b []byte) Chooser {
	return ChooserFunc(func(_ *emu.Machine, choices []emu.Choice) int {
		if len(choices) == 1 || len(b) == 0 {
			return 0
		}
		i := int(b[0]) % len(choices)
		b = b[1:]
		return i
	})
}

// Replay returns a chooser that follows a schedule and ends the run with it, or
// at the first choice that isn't enabled.
func Replay(schedule []emu.Choice) Chooser {
	return ChooserFunc(func(_ *emu.Machine, choices []emu.Choice) int {
		if len(schedule) == 0 {
			return -1
		}
		want := schedule[0]
		schedule = schedule[1:]
		for i, c := range choices {
			if c == want {
				return i
			}
		}
		return -1
	})
}
