package native

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLanes take CPUs from the end, and leave a third of them.
func TestLanes(t *testing.T) {
	for _, tt := range []struct {
		allowed []int
		want    string
	}{
		{[]int{3}, "[{[3] false}]"},
		{[]int{0, 1}, "[{[0 1] false}]"},
		{[]int{0, 1, 2}, "[{[1 2] true}]"},
		{[]int{0, 2, 4, 6, 8}, "[{[6 8] true}]"},
		{[]int{0, 1, 2, 3, 4, 5}, "[{[4 5] true} {[2 3] true}]"},
		{[]int{1, 3, 64, 65, 66, 1023}, "[{[66 1023] true} {[64 65] true}]"},
	} {
		var allowed unix.CPUSet
		for _, c := range tt.allowed {
			allowed.Set(c)
		}
		if got := fmt.Sprint(lanesOf(&allowed)); got != tt.want {
			t.Errorf("of %v: %s, want %s", tt.allowed, got, tt.want)
		}
	}
	var all unix.CPUSet
	for c := range 256 {
		all.Set(c)
	}
	if got := len(lanesOf(&all)); got != maxLanes || all.Count() != 256-2*maxLanes {
		t.Errorf("of 256: %d lanes, and %d CPUs are left", got, all.Count())
	}
}
