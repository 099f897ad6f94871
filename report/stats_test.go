package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/report"
	"github.com/rseqemu/rseqemu/workload"
)

// stats are two kernels' work, the second's more and less than the first's.
func stats(t *testing.T) *report.Stats {
	t.Helper()
	var results []workload.Result
	for _, name := range []string{"6.18", "6.19/irq-only"} {
		k, err := emu.ParseKernel(name)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, workload.Result{Kernel: k})
	}
	results[0].Counters = emu.Counters{Exit: 200, NoWork: 100, SlowPath: 100, IDs: 100, CS: 40, Clear: 30, Fixup: 10}
	results[1].Counters = emu.Counters{Exit: 200, NoWork: 49, SlowPath: 1, FastPath: 150, IDs: 150, CS: 8, Clear: 6, Fixup: 2}
	results[1].Accesses[emu.FieldRSeqCS] = emu.Access{Loads: 1234, Stores: 8}
	s := &report.Stats{Title: `<a & "b">`}
	s.Fill("w,1", 7, results)
	return s
}

// TestStatsShares: of the exits or of cs, and by how much less than on the first.
func TestStatsShares(t *testing.T) {
	want := map[string][2]float64{
		"slowpath": {0.005, 0.99}, "fastpath": {0.75, 0}, "all work": {0.755, -0.51}, "ids": {0.75, -0.5}, "cs": {0.04, 0.8}, "clear": {0.75, 0.8}, "loads": {6.17, 0},
	}
	for _, c := range stats(t).Kernels[1].Counters {
		w, ok := want[c.Name]
		near := func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }
		if ok && (!near(c.Share, w[0]) || !near(c.Less, w[1])) {
			t.Errorf("%+v, want %v", c, w)
		}
		delete(want, c.Name)
	}
	if len(want) > 0 {
		t.Errorf("no %v", want)
	}
}

// TestStatsFormatsAreWellFormed whatever a workload is called.
func TestStatsFormatsAreWellFormed(t *testing.T) {
	s := stats(t)
	var svg, table bytes.Buffer
	if err := s.SVG(&svg); err != nil {
		t.Fatal(err)
	}
	text := ""
	for dec := xml.NewDecoder(&svg); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if chars, ok := token.(xml.CharData); ok {
			text += string(chars)
		}
	}
	for _, want := range []string{`w,1: <a & "b">`, "6.19/irq-only", "(+50.0%)", "(-80.0%)", "1,234"} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture has no %s: %s", want, text)
		}
	}
	if err := s.CSV(&table); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&table).ReadAll()
	if err != nil || lines[1][0] != "w,1" || len(lines) < 20 {
		t.Errorf("%v, %v", err, lines)
	}
}
