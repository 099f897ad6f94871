package explore

import (
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// tidy reorders a failure's schedule so that it jumps between CPUs as seldom as
// possible, for whoever reads it: of the many orders that break the same
// property in as many transitions, a search returns any. Each move takes a
// stretch of one CPU up to the end of the stretch of the same CPU before it,
// and stays if the property still breaks, with the last transition. In the end
// the schedule is shown to the properties' judges.
func (w *world) tidy(f *Failure, reset func()) {
	defer w.confirm(f, reset)
	for moved := true; moved; {
		moved = false
		for at := 1; at < len(f.Schedule); at++ {
			if sameCPU(f.Schedule[at-1], f.Schedule[at]) {
				continue
			}
			if from, to := nextOf(f.Schedule, at); from > 0 && w.tidier(f, at, from, to, reset) {
				moved = true
			}
		}
	}
}

// nextOf finds the next stretch of the CPU of transition at-1.
func nextOf(schedule []emu.Choice, at int) (from, to int) {
	for from = at; from < len(schedule); from++ {
		if !sameCPU(schedule[at-1], schedule[from]) {
			continue
		}
		for to = from; to < len(schedule) && sameCPU(schedule[at-1], schedule[to]); to++ {
		}
		return from, to
	}
	return 0, 0
}

// tidier moves transitions from..to before at if that leaves fewer switches and
// as much of the failure as there was.
func (w *world) tidier(f *Failure, at, from, to int, reset func()) bool {
	try := append([]emu.Choice(nil), f.Schedule[:at]...)
	try = append(try, f.Schedule[from:to]...)
	try = append(try, f.Schedule[at:from]...)
	try = append(try, f.Schedule[to:]...)
	if switches(try) >= switches(f.Schedule) {
		return false
	}
	reset()
	var choices []emu.Choice
	for i, c := range try {
		if choices = w.m.Choices(choices[:0]); !slices.Contains(choices, c) {
			return false
		}
		v := w.do(c)
		if i == len(try)-1 && v == nil {
			v = w.atEnd()
		}
		if v == nil {
			continue
		}
		if i < len(try)-1 || v.Property != f.Property {
			return false
		}
		f.Violation, f.Schedule = *v, try
		return true
	}
	return false
}

func (w *world) atEnd() *Violation {
	if !stuck(w.m.Choices(nil)) {
		return nil
	}
	return w.end()
}

// switches counts the neighbours in a schedule that are of different CPUs.
func switches(schedule []emu.Choice) int {
	n := 0
	for i := 1; i < len(schedule); i++ {
		if !sameCPU(schedule[i-1], schedule[i]) {
			n++
		}
	}
	return n
}

// sameCPU reports whether two transitions are of one CPU. Those that are of
// none are of none's.
func sameCPU(a, b emu.Choice) bool { return of(a) == of(b) }

func of(c emu.Choice) emu.CPUID {
	switch c.Kind() {
	case emu.Wake, emu.Signal:
		return -1
	}
	return c.CPU()
}
