package explore_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// asked is a property that counts what it sees and how often it is asked.
type asked struct {
	kinds         emu.EventSet
	every         bool
	events, after int
}

func (a *asked) Observe(e emu.Event) {
	if !a.kinds.Has(e.Kind) {
		panic("it didn't ask for " + e.Kind.String())
	}
	a.events++
}

func (a *asked) After(*emu.Machine, emu.Choice) *explore.Violation {
	a.after++
	return nil
}

func (a *asked) AtEnd(*emu.Machine) *explore.Violation        { return nil }
func (a *asked) AppendState(b []byte) []byte                  { return b }
func (a *asked) SetState(b []byte) ([]byte, error)            { return b, nil }
func (a *asked) Selects() (kinds emu.EventSet, every bool)    { return a.kinds, a.every }
func (a *asked) make(*emu.Machine) (explore.Property, error)  { return a, nil }
func (a *asked) plain(*emu.Machine) (explore.Property, error) { return plain{a}, nil }

// plain is one that selects nothing, and so sees everything.
type plain struct{ explore.Property }

// TestASelectivePropertySeesWhatItSelects, beside others that see more.
func TestASelectivePropertySeesWhatItSelects(t *testing.T) {
	p := parse(t, "func f()\n    nop\n    nop\n    ret\nthread: f; f\ncpus 1\n") // 6 transitions, 2 calls
	all := &asked{kinds: emu.AllEvents}
	calls := &asked{kinds: emu.SetOf(emu.EvInvoke, emu.EvReturn)}
	every := &asked{kinds: emu.SetOf(emu.EvReturn), every: true}
	none := &asked{}
	out, err := explore.Run(boot(t, p, on(t, "6.18", "")), []explore.Factory{all.plain, calls.make, every.make, none.make},
		explore.Undisturbed(), 0, nil)
	if err != nil || len(out.Schedule) != 6 {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, tt := range []struct {
		name          string
		a             *asked
		events, after int
	}{{"all", all, 5, 6}, {"calls", calls, 4, 4}, {"every", every, 2, 6}, {"none", none, 0, 0}} {
		if tt.a.events != tt.events || tt.a.after != tt.after {
			t.Errorf("%s: saw %d events and was asked %d times, want %d and %d", tt.name, tt.a.events, tt.a.after, tt.events, tt.after)
		}
	}
}
