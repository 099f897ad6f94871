package emu

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestIndependentTransitionsCommute: of two choices whose footprints don't conflict
// either leaves the other enabled and its footprint alone, and both orders lead to
// the same state, unless the budget pays for one of them only.
func TestIndependentTransitionsCommute(t *testing.T) {
	ks := kernels(t)
	independent, conflicts := map[ChoiceKind]int{}, map[ChoiceKind]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		if m.MemoryModel() != SC {
			return // nobody asks
		}
		var foot Footprint
		m.Observe(func(e Event) { foot.Observe(e) })
		// do makes a choice and returns its footprint and the state, nil if it isn't enabled.
		do := func(c Choice) (Footprint, []byte) {
			if !slices.Contains(m.Choices(nil), c) {
				return Footprint{}, nil
			}
			foot = Footprint{}
			m.Footprint(c, &foot)
			m.Do(c)
			return foot, m.AppendState(nil)
		}
		here := m.NewSnapshot()
		walk(t, m, 40, func(Choice) {
			m.Save(here)
			before := m.Budget()
			var choices []Choice
			var feet []Footprint
			var spent []Budget
			for _, c := range m.Choices(nil) {
				f, _ := do(c)
				b := before
				for e, left := range m.Budget() {
					b[e] -= left
				}
				choices, feet, spent = append(choices, c), append(feet, f), append(spent, b)
				m.Restore(here)
			}
			for i, a := range choices {
				for j, b := range choices[:i] {
					if feet[i].Conflicts(&feet[j]) {
						conflicts[a.Kind()]++
						continue
					}
					do(a)
					footB, ab := do(b)
					m.Restore(here)
					do(b)
					footA, ba := do(a)
					m.Restore(here)
					if !pays(before, spent[i], spent[j]) {
						if ab != nil || ba != nil {
							t.Fatalf("%s and %s cost more than %s", a, b, before)
						}
						continue
					}
					switch {
					case ab == nil || ba == nil:
						t.Fatalf("%s and %s don't conflict, but one of them takes the other away", a, b)
					case !bytes.Equal(ab, ba):
						t.Fatalf("%s and %s don't conflict, but their order makes a difference", a, b)
					case !reflect.DeepEqual(footA, feet[i]) || !reflect.DeepEqual(footB, feet[j]):
						t.Fatalf("%s and %s don't conflict, but one changes what the other touches", a, b)
					}
					independent[a.Kind()]++
				}
			}
		}, nil)
	})
	if t.Failed() || testing.Short() {
		return
	}
	for _, k := range []ChoiceKind{Step, Run, Preempt, IRQ, Fault, FaultSleep, Membarrier, Wake} {
		// What a wake conflicts with is hardly ever on the menu beside it.
		if independent[k] == 0 || conflicts[k] == 0 && k != Wake {
			t.Errorf("%s: %d pairs commute, %d may not: hardly a test", k, independent[k], conflicts[k])
		}
	}
}

// pays reports whether a budget is enough for both.
func pays(budget, a, b Budget) bool {
	for e, left := range budget {
		if int(a[e])+int(b[e]) > int(left) {
			return false
		}
	}
	return true
}
