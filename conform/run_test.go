package conform_test

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// crowd is a target that runs several cases at a time.
type crowd struct {
	conform.Target
	n       int
	running atomic.Int32
	most    atomic.Int32
	meeting chan struct{} // two runs meet here, if not nil
}

func (c *crowd) AtOnce() int { return c.n }

func (c *crowd) Run(ctx context.Context, case_ *conform.Case) (conform.Outcome, error) {
	now := c.running.Add(1)
	defer c.running.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	if c.meeting != nil {
		select {
		case c.meeting <- struct{}{}:
		case <-c.meeting:
		case <-ctx.Done():
		}
	}
	return c.Target.Run(ctx, case_)
}

// TestResultsDontDependOnHowManyCasesRunAtOnce, nor does their order.
func TestResultsDontDependOnHowManyCasesRunAtOnce(t *testing.T) {
	e := conform.Emulator(emu.Linux("7.3", abi.AMD64))
	cases := append(conform.Find("STALE.r"), conform.Find("PERCPU.list-push-preempt@")...)
	want := conform.Emulator(emu.Linux("6.18", abi.AMD64))
	results := func(target conform.Target) []string {
		var all []string
		for r := range conform.Check(t.Context(), target, cases, want) {
			line, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(line))
		}
		return all
	}
	inTurn := results(e)
	if len(inTurn) != len(cases) {
		t.Fatalf("%d results of %d cases", len(inTurn), len(cases))
	}
	for _, n := range []int{1, 4} {
		c := &crowd{Target: e, n: n}
		if diff := cmp.Diff(inTurn, results(c)); diff != "" {
			t.Errorf("with %d cases at once (-one after another +at once):\n%s", n, diff)
		}
		if most := int(c.most.Load()); most > n {
			t.Errorf("%d cases were run at once, where the target can run %d", most, n)
		}
	}
}

// TestCasesRunAtOnce of different programs: each waits for another.
func TestCasesRunAtOnce(t *testing.T) {
	e := conform.Emulator(emu.Linux("7.3", abi.AMD64))
	all := conform.Cases()
	cases := all[:1]
	for i := range all {
		if all[i].Program != cases[0].Program {
			cases = append(cases, all[i])
			break
		}
	}
	c := &crowd{Target: e, n: 2, meeting: make(chan struct{})}
	for r := range conform.Check(t.Context(), c, cases, e) {
		if r.Status != conform.Same {
			t.Errorf("%s: %v: %s", r.Case.Name, r.Status, r.Detail)
		}
	}
}

// TestCheckLeavesNothingRunning when nobody wants more results, or the context
// ends.
func TestCheckLeavesNothingRunning(t *testing.T) {
	e := conform.Emulator(emu.Linux("7.3", abi.AMD64))
	for _, cancelled := range []bool{false, true} {
		c := &crowd{Target: e, n: 4}
		ctx, cancel := context.WithCancel(t.Context())
		got := 0
		for range conform.Check(ctx, c, conform.Cases(), e) {
			if got++; cancelled {
				cancel()
			} else if got == 10 {
				break
			}
		}
		cancel()
		if n := c.running.Load(); n != 0 || cancelled && got != 1 {
			t.Errorf("cancelled %v: %d cases are running, after %d results", cancelled, n, got)
		}
	}
}
