package native

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rseqemu/rseqemu/conform"
)

// TestOtherSystemsSayWhy there is no target.
func TestOtherSystemsSayWhy(t *testing.T) {
	_, err := New()
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		if err != nil && !errors.Is(err, ErrUnsupported) {
			t.Errorf("the error %v isn't ErrUnsupported", err)
		}
		return
	}
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "linux/amd64") {
		t.Errorf("the error is %v", err)
	}
}

// TestOddRunsAreTold: two equal runs are an answer; when they differ, four equal
// ones are, and the others are listed.
func TestOddRunsAreTold(t *testing.T) {
	for _, tt := range []struct {
		runs string // an outcome a letter
		want string
		odd  int
		err  bool
	}{
		{runs: "aa", want: "a"},
		{runs: "abaaa", want: "a", odd: 1},
		{runs: "abbbb", want: "b", odd: 1},
		{runs: "abcabcaa", want: "a", odd: 4},
		{runs: "abcdabcdabcd", err: true},
	} {
		n := 0
		a, err := ask(func() (conform.Outcome, error) {
			n++
			return conform.Outcome{Calls: []string{tt.runs[n-1 : n]}}, nil
		})
		if (err != nil) != tt.err {
			t.Errorf("%s: error %v", tt.runs, err)
		}
		if err == nil && (a.Calls[0] != tt.want || len(a.Odd) != tt.odd || a.Runs != len(tt.runs)) {
			t.Errorf("%s: answer %v after %d runs, odd %v", tt.runs, a.Calls, a.Runs, a.Odd)
		}
	}
	failed := errors.New("failed")
	if _, err := ask(func() (conform.Outcome, error) { return conform.Outcome{}, failed }); err != failed {
		t.Errorf("a run's error becomes %v", err)
	}
}

// TestEndlessProgramIsEnded, and its process with it.
func TestEndlessProgramIsEnded(t *testing.T) {
	target, _ := here(t)
	cases, err := conform.Parse("f.txtar", []byte("-- program --\nfunc op()\nround:\n    jmp round\nthread: op\n-- SIG.endless --\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := target.Once(ctx, &cases[0]); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}
