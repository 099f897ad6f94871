package conform

import (
	"fmt"
	"io"
	"strings"
)

// WriteKTAP prints results as the kernel's own test tools read them: a test for
// each group, with the group's cases as its subtests.
func WriteKTAP(w io.Writer, results []Result) error {
	groups := inGroups(results)
	p := &printer{w: w}
	p.printf("KTAP version 1\n1..%d\n", len(groups))
	for i, g := range groups {
		p.printf("  KTAP version 1\n  # Subtest: %s\n  1..%d\n", g.name, len(g.results))
		failed := 0
		for j, r := range g.results {
			name := strings.TrimPrefix(r.Case.Name, g.name+".")
			switch {
			case r.Status == Skipped:
				p.printf("  ok %d %s # SKIP %s\n", j+1, name, oneLine(r.Detail))
			case r.Status == Expected:
				p.printf("  ok %d %s # XFAIL %s\n", j+1, name, oneLine(r.Detail))
			case r.Status.OK():
				p.printf("  ok %d %s\n", j+1, name)
			default:
				failed++
				for line := range strings.Lines(r.Detail) {
					p.printf("  # %s: %s\n", name, strings.TrimRight(line, "\n"))
				}
				p.printf("  not ok %d %s\n", j+1, name)
			}
		}
		p.printf("%s %d %s\n", verdict(failed == 0), i+1, g.name)
	}
	return p.err
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "not ok"
}

type group struct {
	name    string
	results []Result
}

// inGroups puts results in groups, in the order in which the groups come.
func inGroups(results []Result) []group {
	var groups []group
	at := map[string]int{}
	for _, r := range results {
		g := r.Case.Group()
		if _, ok := at[g]; !ok {
			at[g] = len(groups)
			groups = append(groups, group{name: g})
		}
		groups[at[g]].results = append(groups[at[g]].results, r)
	}
	return groups
}

// oneLine makes a detail fit behind a directive.
func oneLine(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ")
}

// printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
