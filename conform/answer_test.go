package conform

import (
	"context"
	"errors"
	"testing"
)

// script is a target whose runs have outcomes that were set down, one a letter.
type script struct {
	runs string
	n    int
}

func (s *script) Name() string { return "script" }
func (s *script) Tier() Tier   { return TierInject }
func (s *script) Run(context.Context, *Case) (Outcome, error) {
	s.n++
	if s.n > len(s.runs) {
		return Outcome{}, errFailed
	}
	return Outcome{Calls: []string{s.runs[s.n-1 : s.n]}}, nil
}

var errFailed = errors.New("failed")

// TestOddRunsAreTold: one run is enough if its outcome was wanted, two if nothing
// was; when they differ, an answer must come in three of four runs.
func TestOddRunsAreTold(t *testing.T) {
	for _, tt := range []struct {
		runs string
		want string // the outcome that is wanted; nothing: none is
		is   string
		odd  int
		err  bool
	}{
		{runs: "a", want: "a", is: "a"},
		{runs: "aa", is: "a"},
		{runs: "baaaaaaaaaaaaaaa", want: "a", is: "a", odd: 1},
		{runs: "bbbbbbbbbbbbbbbb", want: "a", is: "b"},
		{runs: "abaaabaaaaaaabaa", is: "a", odd: 3},
		{runs: "abaaabaabaaaabab", is: "a", err: true},
		{runs: "ab", err: true}, // the third run fails
	} {
		s := &script{runs: tt.runs}
		var want *Outcome
		if tt.want != "" {
			want = &Outcome{Calls: []string{tt.want}}
		}
		a, err := Ask(t.Context(), s, nil, want)
		if (err != nil) != tt.err {
			t.Errorf("%s: error %v", tt.runs, err)
		}
		if err == nil && (a.Calls[0] != tt.is || len(a.Odd) != tt.odd || a.Runs != len(tt.runs)) {
			t.Errorf("%s: answer %v after %d runs, odd %v", tt.runs, a.Calls, a.Runs, a.Odd)
		}
	}
}
