package conform

import (
	"context"
	"errors"
	"testing"
)

// Status is how a case went.
type Status uint8

// The ways.
const (
	Same       Status = iota // the outcome is the one that was recorded
	Different                // it isn't
	Skipped                  // the target can't run the case
	Failed                   // the target failed to run the case
	Unrecorded               // there is an outcome and nothing to hold it against
)

// Result is a case and how it went.
type Result struct {
	Case    *Case
	Status  Status
	Outcome Outcome
	// Detail is why: the differences, a line each, or the reason of a skip or
	// failure.
	Detail string
}

// OK reports whether nothing is wrong.
func (r *Result) OK() bool { return r.Status == Same || r.Status == Skipped || r.Status == Unrecorded }

// Check runs cases on a target and holds the outcomes against a recording.
func Check(ctx context.Context, t Target, cases []Case, want *Recording) []Result {
	results := make([]Result, len(cases))
	for i := range cases {
		results[i] = check(ctx, t, &cases[i], want)
	}
	return results
}

func check(ctx context.Context, t Target, c *Case, want *Recording) Result {
	r := Result{Case: c}
	var err error
	r.Outcome, err = Run(ctx, t, c)
	w, recorded := want.Outcomes[c.Name]
	var skip *Skip
	switch {
	case errors.As(err, &skip):
		r.Status, r.Detail = Skipped, skip.Reason
	case err != nil:
		r.Status, r.Detail = Failed, err.Error()
	case !recorded:
		r.Status, r.Detail = Unrecorded, "the recording of "+want.Kernel+" has no such case"
	case !r.Outcome.Equal(w):
		r.Status, r.Detail = Different, r.Outcome.Diff(w)
	}
	return r
}

// Test runs the suite on a target as subtests, GROUP/case, and holds it against a
// recording. It is what an implementation of the ABI in Go calls from a test of
// its own.
func Test(t *testing.T, target Target, want *Recording) {
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
					switch r := check(t.Context(), target, c, want); r.Status {
					case Skipped, Unrecorded:
						t.Skip(r.Detail)
					case Failed:
						t.Fatal(r.Detail)
					case Different:
						t.Errorf("%s:%d: not as on Linux %s:\n%s", c.File, c.Line, want.Kernel, r.Detail)
					}
				})
			}
		})
	}
}
