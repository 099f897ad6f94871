package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/report"
)

const storyFile = "docs/619.md"

// published is a table of a cover letter of the 6.19 series: counts from before and
// after.
type published struct {
	workload string
	before   map[string]float64
	after    map[string]float64
}

var publishedRows = []string{"signal", "slowpath", "fastpath", "ids", "cs", "clear", "fixup"}

var publishedTables = []published{
	{ // V6, 2025-10-27
		"kernel-build",
		map[string]float64{"exit": 80692981, "signal": 32581, "slowpath": 1201408, "ids": 1233989, "cs": 1125366, "clear": 1125366},
		map[string]float64{"exit": 80514451, "signal": 121, "slowpath": 198, "fastpath": 675941, "ids": 50541},
	},
	{
		"selftests",
		map[string]float64{"exit": 386281778, "signal": 35661203, "slowpath": 140542396, "ids": 176203599, "cs": 175587856, "clear": 172359544, "fixup": 3228312},
		map[string]float64{"exit": 387373750, "slowpath": 100, "fastpath": 9509789, "ids": 9087994, "cs": 4728394, "clear": 1319307, "fixup": 3409087},
	},
	{ // V2, 2025-08-23
		"kernel-build-v2",
		map[string]float64{"exit": 50106428, "signal": 24703, "slowpath": 943785, "ids": 968488, "cs": 888768, "clear": 888768},
		map[string]float64{"exit": 50071399, "signal": 182, "slowpath": 8149, "fastpath": 763366, "ids": 78419},
	},
	{
		"selftests-v2",
		map[string]float64{"exit": 736462043, "signal": 61902154, "slowpath": 223394362, "ids": 285296516, "cs": 284430371, "clear": 277110571, "fixup": 7319800},
		map[string]float64{"exit": 736477630, "slowpath": 1367, "fastpath": 114230240, "ids": 106498492, "cs": 7665511, "clear": 2092386, "fixup": 5573118},
	},
}

// ours is what the workload gives on 6.18 and 6.19.
func ours(t *testing.T, workload string) (before, after map[string]float64) {
	t.Helper()
	if known, ok := measured[workload]; ok {
		return known[0], known[1]
	}
	var out, errOut bytes.Buffer
	if code := run([]string{"stats", workload, "--kernels", "6.18,6.19", "--json"}, nil, &out, &errOut); code != exitHolds {
		t.Fatal(errOut.String())
	}
	var s report.Stats
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	columns := make([]map[string]float64, 2)
	for i := range columns {
		columns[i] = map[string]float64{}
		for _, c := range s.Kernels[i].Counters {
			columns[i][c.Name] = float64(c.Count)
		}
	}
	measured[workload] = [2]map[string]float64{columns[0], columns[1]}
	return columns[0], columns[1]
}

// measured are ours that were measured already, by workload.
var measured = map[string][2]map[string]float64{}

// share is a counter by the exits, clear and fixup by cs.
func share(c map[string]float64, name string) float64 {
	of := "exit"
	if name == "clear" || name == "fixup" {
		of = "cs"
	}
	if c[of] == 0 {
		return 0
	}
	return c[name] / c[of]
}

// compared is the table that sets ours beside the published.
func (p *published) compared(t *testing.T) string {
	before, after := ours(t, p.workload)
	var b strings.Builder
	b.WriteString("| | before: published | 6.18 | after: published | 6.19 | less: published | 6.18 to 6.19 |\n|---|--:|--:|--:|--:|--:|--:|\n")
	less := func(a, b map[string]float64, row string) string {
		if share(a, row) == 0 || row == "clear" || row == "fixup" {
			return ""
		}
		return fmt.Sprintf("%.1f %%", 100*(1-share(b, row)/share(a, row)))
	}
	for _, row := range publishedRows {
		fmt.Fprintf(&b, "| %s | %.2f %% | %.2f %% | %.2f %% | %.2f %% | %s | %s |\n", row,
			100*share(p.before, row), 100*share(before, row), 100*share(p.after, row), 100*share(after, row), less(p.before, p.after, row), less(before, after, row))
	}
	return b.String()
}

// TestStory619: docs/619.md has what its commands print, and its tables what was
// published.
func TestStory619(t *testing.T) {
	t.Chdir("../..") // where the reader is
	text, err := os.ReadFile(storyFile)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for i := range publishedTables {
		p := &publishedTables[i]
		got = between(t, got, "<!-- published "+p.workload+" -->\n", "<!-- end -->", p.compared(t))
	}
	parts := strings.Split(got, "\n```\n$ ")
	for i, part := range parts[1:] {
		command, _, _ := strings.Cut(part, "\n")
		var out, errOut bytes.Buffer
		if code := run(strings.Fields(command)[1:], nil, &out, &errOut); code == exitNoAnswer {
			t.Fatalf("%s: %s", command, errOut.String())
		}
		parts[i+1] = between(t, part, command+"\n", "```\n", out.String())
	}
	got = strings.Join(parts, "\n```\n$ ")
	switch {
	case got == string(text):
	case *update:
		if err := os.WriteFile(storyFile, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is out of date: go test ./cmd/rseqemu -run Story -update", storyFile)
	}
}

// between replaces what stands between begin and end.
func between(t *testing.T, text, begin, end, now string) string {
	t.Helper()
	head, rest, ok := strings.Cut(text, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%q … %q isn't there", begin, end)
	}
	return head + begin + now + end + tail
}

// TestPublishedReductions are reproduced in direction and order of magnitude, by
// mixes that don't know them. What the before column can't tell of V2's selftests is
// left out: docs/619.md says why.
func TestPublishedReductions(t *testing.T) {
	for i := range publishedTables {
		p := &publishedTables[i]
		before, after := ours(t, p.workload)
		for _, row := range []string{"signal", "slowpath", "ids", "cs"} {
			was, is := share(p.after, row)/share(p.before, row), share(after, row)/share(before, row)
			if row == "ids" && p.workload == "selftests-v2" {
				continue
			}
			if was > 0.1 || is > 0.1 {
				t.Errorf("%s: %s is down to %.3f, published %.3f", p.workload, row, is, was)
			}
		}
		if p.workload == "selftests-v2" {
			continue
		}
		for _, row := range []string{"fastpath", "ids", "cs"} {
			if was, is := share(p.after, row), share(after, row); was > 2.2*is || is > 2.2*was {
				t.Errorf("%s: %s is %.4f of the exits, published %.4f", p.workload, row, is, was)
			}
		}
		if was, is := p.after["fixup"]/p.after["exit"], after["fixup"]/after["exit"]; was > 1.2*is || is > 1.2*was {
			t.Errorf("%s: fixup is %.4f of the exits, published %.4f", p.workload, is, was)
		}
	}
}
