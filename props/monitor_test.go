package props

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func emptyMonitor() *Monitor {
	return &Monitor{nodes: map[string]*node{}, configs: map[string]*config{}}
}

// TestConfigurationsHaveOneOrder: however a set of them came about, it is written
// in one way, so that equal monitors have equal bytes.
func TestConfigurationsHaveOneOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mon := emptyMonitor()
		cs := rapid.SliceOf(rapid.Custom(func(t *rapid.T) *config {
			c := mon.config(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "state"), 0, "")
			for thread := range 3 {
				if rapid.Bool().Draw(t, "has taken effect") {
					c = mon.with(c, thread, Ret{uint64(rapid.IntRange(0, 1).Draw(t, "r0")), 0}, c.state)
				}
			}
			return c
		})).Draw(t, "configurations")
		want := distinct(slices.Clone(cs))
		if got := distinct(rapid.Permutation(cs).Draw(t, "again")); !slices.Equal(got, want) {
			t.Fatalf("%v, then %v", want, got)
		}
		other := emptyMonitor()
		for i, c := range want {
			if slices.Contains(want[:i], c) || !slices.Contains(cs, c) {
				t.Fatalf("%v: %v is there twice, or wasn't", want, c)
			}
			if d := other.config(c.state, c.effect, c.rets); d == c || d.bytes != c.bytes {
				t.Fatalf("%q, and another monitor's %q", c.bytes, d.bytes)
			}
		}
	})
}

// TestResultsKeepTheirThread: taking effect in any order and returning in any
// other, a call has the result that it had.
func TestResultsKeepTheirThread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		threads := []int{0, 1, 5, 30, 63}
		ret := func(thread int) Ret { return Ret{uint64(thread) << 32, uint64(thread) + 1} }
		mon := emptyMonitor()
		first := mon.config("s", 0, "")
		c := first
		for _, thread := range rapid.Permutation(threads).Draw(t, "effects") {
			c = mon.with(c, thread, ret(thread), "s")
		}
		for _, thread := range rapid.Permutation(threads).Draw(t, "returns") {
			if got := c.result(thread); got != ret(thread) {
				t.Fatalf("t%d's result is %v", thread, got)
			}
			c = mon.without(c, thread)
		}
		if c != first {
			t.Fatalf("%v is left", c)
		}
	})
}
