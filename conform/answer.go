package conform

import (
	"context"
	"fmt"
)

// Answer is an outcome and how sure it is: a kernel can preempt a thread at any
// time on its own, and the outcome of such a run is another one.
type Answer struct {
	Outcome
	// Runs is how often the case was run. Odd are the outcomes that weren't the
	// answer.
	Runs int
	Odd  []Outcome
}

// enough is how many runs a case gets that isn't settled at once. Its answer must
// come in three of four of them.
const enough = 16

// Ask runs a case until its answer is sure. One run is enough if its outcome is
// the one that is wanted: noise doesn't lead there. Without a wanted outcome two
// equal ones are. Otherwise the case is run sixteen times, and what came at
// least twelve times is the answer; the others are told, never dropped. If none
// came so often that is told, too, as a [*Skip]: it says nothing for or against.
func Ask(ctx context.Context, t Target, c *Case, want *Outcome) (Answer, error) {
	var seen []Outcome
	for len(seen) < enough {
		o, err := t.Run(ctx, c)
		if err != nil {
			return Answer{}, err
		}
		seen = append(seen, o)
		switch {
		case len(seen) == 1 && want != nil && o.Equal(*want),
			len(seen) == 2 && want == nil && o.Equal(seen[0]):
			return Answer{Outcome: o, Runs: len(seen)}, nil
		}
	}
	top, same, odd := mostFrequent(seen)
	if 4*same < 3*enough {
		return Answer{}, &Skip{Reason: fmt.Sprintf("no sure answer in %d runs: %d times %v; otherwise %v", enough, same, top, distinct(odd))}
	}
	return Answer{Outcome: top, Runs: enough, Odd: odd}, nil
}

// mostFrequent returns the outcome that came most often, how often, and the
// others.
func mostFrequent(seen []Outcome) (top Outcome, same int, odd []Outcome) {
	for i := range seen {
		n, others := 0, []Outcome(nil)
		for j := range seen {
			if seen[i].Equal(seen[j]) {
				n++
			} else {
				others = append(others, seen[j])
			}
		}
		if n > same {
			top, same, odd = seen[i], n, others
		}
	}
	return top, same, odd
}

// distinct drops outcomes that are there already.
func distinct(all []Outcome) []Outcome {
	var out []Outcome
next:
	for _, o := range all {
		for _, p := range out {
			if o.Equal(p) {
				continue next
			}
		}
		out = append(out, o)
	}
	return out
}
