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
	Expiries                      // expire: SliceTimer. There is no bound unless one is set: a grant costs a preemption
	numEventClasses
)

var eventClassNames = [numEventClasses]string{"preempt", "migrate", "signal", "irq", "fault", "membarrier", "unplug", "expire"}

func (e EventClass) String() string { return eventClassNames[e] }

// Unlimited is a bound that is never used up.
const Unlimited = 255

// Budget bounds how often each class of kernel event happens in one run, so
// that a bounded search can say what it covered. In place of Expiries it holds 0 for
// no bound, and else one more than the bound.
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
		if EventClass(i) == Expiries {
			b[i]++ // Unlimited becomes 0
		}
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
	for i, n := range b[:Expiries] {
		switch {
		case n == Unlimited:
			s = append(s, eventClassNames[i]+"=unlimited")
		case n > 0:
			s = append(s, fmt.Sprintf("%s=%d", eventClassNames[i], n))
		}
	}
	if n, bounded := b.Expiries(); bounded {
		s = append(s, fmt.Sprintf("%s=%d", eventClassNames[Expiries], n))
	}
	if len(s) == 0 {
		return "no kernel events"
	}
	return strings.Join(s, " ")
}

// Expiries returns the bound of the class of that name, and whether there is one.
func (b Budget) Expiries() (n int, bounded bool) { return int(b[Expiries]) - 1, b[Expiries] > 0 }

func (b *Budget) has(e EventClass) bool {
	if e == Expiries {
		return b[e] != 1
	}
	return b[e] > 0
}

func (b *Budget) spend(e EventClass) {
	if b[e] != Unlimited && b[e] != 0 {
		b[e]--
	}
}
