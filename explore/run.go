package explore

import (
	"github.com/rseqemu/rseqemu/emu"
)

// DefaultSteps bounds a single run, so that an endless loop ends.
const DefaultSteps = 100_000

// Outcome is how a single run went.
type Outcome struct {
	Schedule []emu.Choice
	// Violation is nil if the run broke nothing.
	Violation *Violation
	// Done says that every thread ended; a run that isn't done and broke
	// nothing was ended by its chooser or by the step bound.
	Done bool
}

// Run drives a fresh machine with a chooser until every thread has ended, a
// property breaks, the chooser ends it or steps transitions are made
// (DefaultSteps if 0). observe, which may be nil, sees every event.
func Run(m *emu.Machine, factories []Factory, ch Chooser, steps int, observe func(emu.Event)) (*Outcome, error) {
	w, err := newWorld(m, factories)
	if err != nil {
		return nil, err
	}
	if observe != nil {
		m.Observe(func(e emu.Event) {
			observe(e)
			w.observe(e)
		})
	}
	if steps == 0 {
		steps = DefaultSteps
	}
	var buf []emu.Choice
	out := &Outcome{}
	w.changed = true
	for range steps {
		if w.changed {
			if buf = m.Choices(buf[:0]); stuck(buf) {
				out.Violation = w.end()
				break
			}
		}
		i := ch.Choose(m, buf)
		if i < 0 {
			break
		}
		out.Schedule = append(out.Schedule, buf[i])
		if out.Violation = w.do(buf[i]); out.Violation != nil {
			break
		}
	}
	out.Done = m.Done()
	return out, nil
}

// stuck reports whether nothing can go on by itself: every thread has ended, or
// none can. Events that somebody might still send don't count. Nor does a CPU
// that might come back, as the kernel lets no thread wait for one.
func stuck(choices []emu.Choice) bool {
	for _, c := range choices {
		switch c.Kind() {
		case emu.Step, emu.Run, emu.Wake, emu.IPI, emu.Delay, emu.Stale, emu.Flush:
			return false
		}
	}
	return true
}
