package native

import (
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/conform"
)

// ErrUnsupported is why there is no target, wrapped in what is missing: another
// operating system or architecture, no ptrace, no rseq.
var ErrUnsupported = errors.New("the native target doesn't run here")

// Answer is an outcome and how sure it is.
type Answer struct {
	conform.Outcome
	// Runs is how often the case was run; Odd are the outcomes that weren't the
	// answer, which is one run's only if there are none. The kernel can preempt
	// the thread at any time on its own.
	Runs int
	Odd  []conform.Outcome
}

// enough is how many equal answers settle a case in which the first two runs
// differed, and tooMany how many runs are spent on that.
const (
	enough  = 4
	tooMany = 12
)

// ask runs a case twice, and if the runs differ until one answer has come enough
// times. The others are told, never dropped.
func ask(run func() (conform.Outcome, error)) (Answer, error) {
	var seen []conform.Outcome
	for len(seen) < tooMany {
		o, err := run()
		if err != nil {
			return Answer{}, err
		}
		seen = append(seen, o)
		same, odd := split(seen)
		switch {
		case len(seen) == 2 && len(odd) == 0, same >= enough:
			return Answer{Outcome: best(seen), Runs: len(seen), Odd: odd}, nil
		}
	}
	var all []string
	for _, o := range seen {
		all = append(all, o.String())
	}
	return Answer{}, fmt.Errorf("no answer in %d runs: %q", len(seen), all)
}

// askAgain runs a case n times. It is for a case that disagrees with somebody:
// what disturbed one run may have disturbed the next as well. The answer must
// come three times out of four.
func askAgain(n int, run func() (conform.Outcome, error)) (Answer, error) {
	seen := make([]conform.Outcome, n)
	for i := range seen {
		var err error
		if seen[i], err = run(); err != nil {
			return Answer{}, err
		}
	}
	same, odd := split(seen)
	if 4*same < 3*n {
		return Answer{}, fmt.Errorf("the most frequent answer came in %d of %d runs only: %v; others: %v", same, n, best(seen), odd)
	}
	return Answer{Outcome: best(seen), Runs: n, Odd: odd}, nil
}

// best is the outcome that came most often.
func best(seen []conform.Outcome) conform.Outcome {
	var top conform.Outcome
	most := 0
	for i := range seen {
		n := 0
		for j := range seen {
			if seen[i].Equal(seen[j]) {
				n++
			}
		}
		if n > most {
			top, most = seen[i], n
		}
	}
	return top
}

// split counts the best outcome and lists the others.
func split(seen []conform.Outcome) (same int, odd []conform.Outcome) {
	top := best(seen)
	for _, o := range seen {
		if o.Equal(top) {
			same++
		} else {
			odd = append(odd, o)
		}
	}
	return same, odd
}
