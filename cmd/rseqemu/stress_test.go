package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/report"
)

// TestStressSaysThatNothingProvesNothing.
func TestStressSaysThatNothingProvesNothing(t *testing.T) {
	var out bytes.Buffer
	a := &app{out: newOutput(&out), err: newOutput(&out)}
	p, err := a.load("percpu:counter")
	if err != nil {
		t.Fatal(err)
	}
	a.stressEnd(p, &stressDocument{Verdict: report.Sampled, Kernel: "6.18.44", Claimed: true, CPUs: 2, Processes: 6, Seed: 1, Rounds: 1234567, Different: 42, Seconds: 10})
	const want = `percpu:counter on Linux 6.18.44: 2 CPUs, up to 6 times 2 threads, delays put in by seed 1
  1,234,567 rounds in 10.0 s, 42 different
  nothing broken, which proves nothing: rseqemu check percpu:counter covers every schedule within its bounds
`
	if got := out.String(); strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
