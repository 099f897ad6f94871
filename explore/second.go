package explore

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
)

// Seconded is a [Property] for which there is a judge: something that decides the
// same by other means. Each failing run that a search or sample returns is shown
// to it.
type Seconded interface {
	Property
	// Judge makes one for a machine in its initial state.
	Judge(m *emu.Machine) (Judge, error)
}

// Judge watches a run from its start.
type Judge interface {
	Observe(e emu.Event)
	// Broken reports whether the run so far breaks the property; ok is false
	// if that can't be told in a reasonable time.
	Broken() (broken, ok bool)
}

// confirm shows a failing run to the judges of its properties: each must say what
// its property says, of the whole run and of the run without its last transition.
// If one doesn't, we are wrong somewhere, and nothing that was found is worth
// anything.
func (w *world) confirm(f *Failure, reset func()) {
	for _, p := range w.props {
		s, ok := p.(Seconded)
		if !ok {
			continue
		}
		reset()
		j, err := s.Judge(w.m)
		if err != nil {
			panic(fmt.Sprintf("explore: BUG: a property without its judge: %v", err))
		}
		w.m.Observe(func(e emu.Event) {
			w.observe(e)
			j.Observe(e)
		})
		for i, c := range f.Schedule {
			w.m.Do(c)
			if i < len(f.Schedule)-2 {
				continue
			}
			v := p.After(w.m, c)
			if broken, ok := j.Broken(); ok && broken != (v != nil) {
				panic(fmt.Sprintf("explore: BUG: a property and its judge disagree after %d transitions of this run: broken %t, judged %t (%v)\n%s",
					i+1, v != nil, broken, v, FormatChoices(f.Schedule)))
			}
		}
		w.m.Observe(w.observe)
	}
}
