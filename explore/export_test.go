package explore

import "github.com/rseqemu/rseqemu/emu"

// Tidy reorders a failure's schedule, as searches do before they return it.
func Tidy(m *emu.Machine, factories []Factory, f *Failure) error {
	w, err := newWorld(m, factories)
	if err == nil {
		w.tidy(f, w.rewind())
	}
	return err
}

// Switches counts the changes of CPU in a schedule.
var Switches = switches

// Kept is the number of schedules that a guided sampler keeps.
func Kept(s Sampler) int { return len(s.(*guided).kept) }

// Tolerant follows a schedule as far as it fits.
var Tolerant = tolerant
