package conform

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
)

// Status is how a case went.
type Status uint8

// The ways.
const (
	Same      Status = iota // the outcome is the one that is wanted
	Different               // it isn't
	Skipped                 // the target can't run the case, or nobody knows what is wanted
	Failed                  // the target failed to run the case
	Expected                // it isn't, as a list of known deviations says
	Vanished                // it is, although a list of known deviations says that it isn't
)

var statusNames = [...]string{"same", "different", "skipped", "failed", "expected deviation", "deviation gone"}

func (s Status) String() string { return statusNames[s] }

// OK reports whether nothing is wrong.
func (s Status) OK() bool { return s == Same || s == Skipped || s == Expected }

// Result is a case and how it went.
type Result struct {
	Case   *Case
	Status Status
	Answer
	// Detail is why: the differences, a line each, or the reason of a skip or
	// failure.
	Detail string
}

// Check runs cases on a target and holds the outcomes against those of another
// target: the emulator, or a recording. The results come in the order of the
// cases, also from a [Parallel] target. It ends early when ctx does.
func Check(ctx context.Context, t Target, cases []Case, want Target) iter.Seq[Result] {
	if p, ok := t.(Parallel); ok && p.AtOnce() > 1 {
		return atOnce(ctx, p, cases, want)
	}
	return func(yield func(Result) bool) {
		for i := range cases {
			r := check(ctx, t, &cases[i], want)
			if ctx.Err() != nil || !yield(r) {
				return
			}
		}
	}
}

// atOnce is Check with several cases at a time. Cases of one program, which follow
// one another, are run one after another: the target has the program ready then.
// Nothing is left running when it ends.
func atOnce(ctx context.Context, t Parallel, cases []Case, want Target) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		var workers sync.WaitGroup
		defer workers.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		results := make([]chan Result, len(cases))
		for i := range results {
			results[i] = make(chan Result, 1)
		}
		firsts := make(chan int) // the first case of each program
		workers.Go(func() {
			defer close(firsts)
			for i := range cases {
				if i > 0 && cases[i].Program == cases[i-1].Program {
					continue
				}
				select {
				case firsts <- i:
				case <-ctx.Done():
					return
				}
			}
		})
		for range t.AtOnce() {
			workers.Go(func() {
				for first := range firsts {
					for i := first; i < len(cases) && cases[i].Program == cases[first].Program && ctx.Err() == nil; i++ {
						results[i] <- check(ctx, t, &cases[i], want)
					}
				}
			})
		}
		for i := range cases {
			select {
			case r := <-results[i]:
				if ctx.Err() != nil || !yield(r) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func check(ctx context.Context, t Target, c *Case, want Target) Result {
	r := Result{Case: c}
	wanted, err := want.Run(ctx, c)
	var skip *Skip
	if errors.As(err, &skip) {
		r.Status, r.Detail = Skipped, want.Name()+": "+skip.Reason
		return r
	}
	if err == nil {
		r.Answer, err = ask(ctx, t, c, &wanted)
	}
	switch {
	case errors.As(err, &skip):
		r.Status, r.Detail = Skipped, skip.Reason
	case err != nil:
		r.Status, r.Detail = Failed, err.Error()
	case !r.Equal(wanted):
		r.Status, r.Detail = Different, r.Diff(wanted)+r.repeats()
	}
	return r
}

// ask is Ask for a case of a tier that the target has.
func ask(ctx context.Context, t Target, c *Case, want *Outcome) (Answer, error) {
	if tier := c.Tier(); tier > t.Tier() {
		return Answer{}, &Skip{Reason: tierReasons[tier]}
	}
	return Ask(ctx, t, c, want)
}

// repeats says how often a case was run and what else came, in a line, if the
// runs weren't all the same.
func (a *Answer) repeats() string {
	if len(a.Odd) == 0 {
		return ""
	}
	return fmt.Sprintf("in %d of %d runs; in the others: %v\n", a.Runs-len(a.Odd), a.Runs, distinct(a.Odd))
}

// Test runs the suite on a target as subtests, GROUP/case, and holds it against
// another: conform.Emulator(emu.Linux("7.3", abi.AMD64)), or a [Recording]. It is
// what an implementation of the ABI in Go calls from a test of its own.
func Test(t *testing.T, target, want Target) {
	t.Helper()
	cases := Cases()
	for _, group := range Groups(cases) {
		t.Run(group, func(t *testing.T) {
			for i := range cases {
				c := &cases[i]
				if c.Group() != group {
					continue
				}
				t.Run(c.Name[len(group)+1:], func(t *testing.T) {
					switch r := check(t.Context(), target, c, want); {
					case r.Status == Skipped:
						t.Skip(r.Detail)
					case r.Status == Failed:
						t.Fatal(r.Detail)
					case !r.Status.OK():
						t.Errorf("%s:%d: not as %s:\n%s", c.File, c.Line, want.Name(), r.Detail)
					}
				})
			}
		})
	}
}
