package native

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// statsFile has what the kernel counts of its work for restartable sequences, of all
// processes (6.19 with CONFIG_RSEQ_STATS, for root).
const statsFile = "/sys/kernel/debug/rseq/stats"

// stats are the kernel's counters; nil if it doesn't tell.
func stats() map[string]uint64 {
	text, err := os.ReadFile(statsFile)
	if err != nil {
		return nil
	}
	all := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
			all[name] = n
		}
	}
	return all
}

// grown returns by how much a counter has grown since before.
func grown(before map[string]uint64) func(name string) (uint64, bool) {
	if before == nil {
		return nil
	}
	now := map[string]uint64{}
	return func(name string) (uint64, bool) {
		if len(now) == 0 { // all at one time
			now = stats()
		}
		n, ok := now[name]
		return n - before[name], ok
	}
}

// sliceLength is the file with how long a slice is, in nanoseconds.
const sliceLength = "/sys/kernel/debug/rseq/slice_ext_nsec"

// longSlices makes slices as long as they can be, 50 µs, so that a thread gets some
// way in one, and returns what makes them what they were.
func longSlices() (back func(), err error) {
	was, err := os.ReadFile(sliceLength)
	if err == nil {
		err = os.WriteFile(sliceLength, []byte("50000\n"), 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("the length of slices can't be set: %w", err)
	}
	return func() { os.WriteFile(sliceLength, was, 0o644) }, nil
}
