package emu

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// EventClass is a kind of kernel event that a budget counts.
type EventClass uint8

// The classes, under the names that programs and the command line use.
const (
	Preemptions EventClass = iota // preempt
	Migrations                    // migrate: a Run on another CPU than the last
	Signals                       // signal
	IRQs                          // irq
	Faults                        // fault, with and without sleep
	Membarriers                   // membarrier, from outside the program
	Unplugs                       // unplug: Offline; Online is free
	numEventClasses
)

var eventClassNames = [numEventClasses]string{"preempt", "migrate", "signal", "irq", "fault", "membarrier", "unplug"}

func (e EventClass) String() string { return eventClassNames[e] }

// Unlimited is a bound that is never used up.
const Unlimited = 255

// Budget bounds how often each class of kernel event happens in one run, so
// that a bounded search can say what it covered.
type Budget [numEventClasses]uint8

// DefaultBudget is what most bugs need and a search finishes in seconds: two
// preemptions and two migrations.
var DefaultBudget = Budget{Preemptions: 2, Migrations: 2}

// Set changes one bound by its name; n is 0..254, or Unlimited.
func (b *Budget) Set(name string, n int) error {
	for i, s := range eventClassNames {
		if s != name {
			continue
		}
		if n < 0 || n > Unlimited {
			return fmt.Errorf("budget %s=%d is out of range (0..%d, %d for no limit)", name, n, Unlimited-1, Unlimited)
		}
		b[i] = uint8(n)
		return nil
	}
	return fmt.Errorf("unknown event %q in a budget (%s)", name, strings.Join(eventClassNames[:], ", "))
}

// With returns the budget with the program's own bounds in place.
func (b Budget) With(items ir.Budget) (Budget, error) {
	for _, it := range items {
		if err := b.Set(it.Event, it.Max); err != nil {
			return b, err
		}
	}
	return b, nil
}

// String lists the bounds that aren't zero: "preempt=2 migrate=1".
func (b Budget) String() string {
	var s []string
	for i, n := range b {
		switch {
		case n == Unlimited:
			s = append(s, eventClassNames[i]+"=unlimited")
		case n > 0:
			s = append(s, fmt.Sprintf("%s=%d", eventClassNames[i], n))
		}
	}
	if len(s) == 0 {
		return "no kernel events"
	}
	return strings.Join(s, " ")
}

func (b *Budget) has(e EventClass) bool { return b[e] > 0 }

func (b *Budget) spend(e EventClass) {
	if b[e] != Unlimited {
		b[e]--
	}
}
