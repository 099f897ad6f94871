package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

// conformHead is what precedes the results in JSON: in jsonl the first line.
type conformHead struct {
	Target  string `json:"target"`
	Against string `json:"against"`
	Uname   string `json:"uname,omitempty"`
	Kernel  string `json:"kernel,omitempty"` // of the recording that the answers would make
}

// check runs the cases, prints the results, and keeps the answers of a real
// kernel.
func (r *conformRun) check(ctx context.Context, target, want conform.Target, rec *conform.Recording) error {
	head := conformHead{Target: target.Name(), Against: want.Name()}
	if rec != nil {
		head.Uname, head.Kernel = rec.Uname, rec.Kernel
	}
	return r.results(ctx, head, conform.Check(ctx, target, r.cases, want), rec)
}

// results prints results as they come or when all are there.
func (r *conformRun) results(ctx context.Context, head conformHead, all iter.Seq[conform.Result], rec *conform.Recording) error {
	lines := r.flags.format == "jsonl"
	if lines {
		r.line(head)
	}
	var done []conform.Result
	for res := range all {
		res = r.known.Apply(res)
		if rec != nil {
			rec.Record(&res)
		}
		if lines {
			r.line(res)
		}
		done = append(done, res)
		r.progress(len(done))
	}
	r.progress(-1)
	if !lines {
		if err := r.print(head, done); err != nil {
			return err
		}
	}
	if len(done) < len(r.cases) {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("stopped after %d of %d cases: %w", len(done), len(r.cases), err)
		}
		return fmt.Errorf("%d of %d cases were run", len(done), len(r.cases))
	}
	if r.flags.record != "" {
		if err := r.keep(rec); err != nil {
			return err
		}
	}
	for _, res := range done {
		if !res.Status.OK() {
			return exit(exitBroken)
		}
	}
	return nil
}

// keep writes a recording. What an older one says of cases that weren't run stays.
func (r *conformRun) keep(rec *conform.Recording) error {
	if data, err := os.ReadFile(r.flags.record); err == nil && len(data) > 0 {
		old, err := conform.ReadRecording(r.flags.record, data)
		if err == nil && old.Kernel == rec.Kernel {
			rec.Add(old)
		}
	}
	return save(r.flags.record, rec.Bytes())
}

// line prints a value as a line of JSON.
func (r *conformRun) line(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("rseqemu: BUG: " + err.Error())
	}
	r.out.Write(append(b, '\n'))
}

// progress says on a terminal how far it is; -1 takes the line away.
func (r *conformRun) progress(n int) {
	switch {
	case !r.err.tty || n > 0 && n%50 != 0:
	case n < 0:
		r.err.printf("\r\x1b[K")
	default:
		r.err.printf("\r\x1b[K  %d of %d cases", n, len(r.cases))
	}
}

// print prints all results in the form that was asked for.
func (r *conformRun) print(head conformHead, all []conform.Result) error {
	switch r.flags.format {
	case "ktap":
		return conform.WriteKTAP(r.out, all)
	case "junit":
		return conform.WriteJUnit(r.out, all)
	case "json":
		r.out.json(struct {
			conformHead
			Results []conform.Result `json:"results"`
		}{head, all})
		return nil
	}
	r.table(head, all)
	return nil
}

// table is for people: what isn't as it should be, then the groups' counts.
func (r *conformRun) table(head conformHead, all []conform.Result) {
	r.out.printf("%s, held against %s\n", head.Target, head.Against)
	var groups []string
	counts := map[string]*[6]int{}
	for _, res := range all {
		g := res.Case.Group()
		if counts[g] == nil {
			counts[g] = new([6]int)
			groups = append(groups, g)
		}
		counts[g][res.Status]++
		if res.Status.OK() && len(res.Odd) == 0 {
			continue
		}
		r.out.printf("\n%s  %s\n", res.Case.Name, res.Status)
		if res.Case.Doc != "" {
			r.out.printf("  %s\n", res.Case.Doc)
		}
		detail := res.Detail
		if res.Status.OK() {
			detail = fmt.Sprintf("%s, but otherwise in %d of %d runs\n", res.Status, len(res.Odd), res.Runs)
		}
		for l := range strings.Lines(detail) {
			r.out.printf("    %s\n", strings.TrimSuffix(l, "\n"))
		}
	}
	r.out.printf("\n")
	var total [6]int
	for _, g := range groups {
		r.out.printf("  %-9s %s\n", g, counted(counts[g]))
		for i, n := range counts[g] {
			total[i] += n
		}
	}
	r.out.printf("  %-9s %s\n", "all", counted(&total))
	reasons := map[string]int{}
	var order []string
	for _, res := range all {
		if res.Status == conform.Skipped {
			if reasons[res.Detail] == 0 {
				order = append(order, res.Detail)
			}
			reasons[res.Detail]++
		}
	}
	for _, reason := range order {
		r.out.printf("  %s skipped: %s\n", report.Count(reasons[reason], "case"), reason)
	}
}

// counted lists how many cases went which way.
func counted(n *[6]int) string {
	var out []string
	for s := range conform.Status(len(n)) {
		if n[s] > 0 {
			out = append(out, fmt.Sprintf("%d %v", n[s], s))
		}
	}
	return strings.Join(out, ", ")
}

// sideBySide shows what several kernels answer.
func (r *conformRun) sideBySide(ctx context.Context, kernels []emu.Kernel) error {
	var targets []conform.Target
	var names []string
	for _, k := range kernels {
		targets = append(targets, conform.Emulator(k))
		names = append(names, k.String())
	}
	rows, err := conform.Compare(ctx, r.cases, targets)
	if err != nil {
		return err
	}
	switch r.flags.format {
	case "table":
	case "json":
		r.out.json(sideBySideDocument{Kernels: names, Cases: rowsJSON(rows, names)})
		return nil
	default:
		return errors.New("--format " + r.flags.format + " needs something to hold the answers against: add --against")
	}
	same := 0
	for i := range rows {
		row := &rows[i]
		if len(row.Answers) == 1 && len(kernels) > 1 {
			same++
			continue
		}
		r.out.printf("%s%s\n", row.Name(), pointsOf(row))
		for _, ans := range row.Answers {
			var who []string
			for _, t := range ans.Targets {
				who = append(who, names[t])
			}
			text := ans.Outcome.String()
			if ans.Skip != "" {
				text = "skipped: " + ans.Skip
			}
			if len(kernels) == 1 {
				r.out.printf("    %s\n", text)
				continue
			}
			r.out.printf("    %-24s %s\n", strings.Join(who, ", "), text)
		}
	}
	if len(kernels) > 1 {
		r.out.printf("The same by %s: %s.\n", join(names), report.Count(same, "case"))
	}
	return nil
}

// pointsOf lists the points that a row stands for.
func pointsOf(row *conform.Row) string {
	switch n := len(row.Points); n {
	case 0:
		return ""
	case 1:
		return " at " + row.Points[0].String()
	default:
		return fmt.Sprintf(" at %d points, %v to %v", n, row.Points[0], row.Points[n-1])
	}
}

// sideBySideDocument is what conform --json prints without --against.
type sideBySideDocument struct {
	Kernels []string        `json:"kernels"`
	Cases   []sideBySideRow `json:"cases"`
}

type sideBySideRow struct {
	Case    string           `json:"case"`
	Points  []string         `json:"points,omitempty"`
	Answers []sideBySideCell `json:"answers"`
}

type sideBySideCell struct {
	Kernels []string         `json:"kernels"`
	Outcome *conform.Outcome `json:"outcome,omitempty"`
	Skipped string           `json:"skipped,omitempty"`
}

func rowsJSON(rows []conform.Row, names []string) []sideBySideRow {
	var out []sideBySideRow
	for i := range rows {
		row := sideBySideRow{Case: rows[i].Name()}
		for _, p := range rows[i].Points {
			row.Points = append(row.Points, p.String())
		}
		for _, ans := range rows[i].Answers {
			cell := sideBySideCell{Skipped: ans.Skip}
			if ans.Skip == "" {
				cell.Outcome = &ans.Outcome
			}
			for _, t := range ans.Targets {
				cell.Kernels = append(cell.Kernels, names[t])
			}
			row.Answers = append(row.Answers, cell)
		}
		out = append(out, row)
	}
	return out
}

// listedCase is a case in what conform --list --json prints.
type listedCase struct {
	Case string `json:"case"`
	Tier int    `json:"tier"`
	Doc  string `json:"doc,omitempty"`
}

// listCases prints the cases and what they show.
func (a *app) listCases(f *conformFlags, cases []conform.Case) error {
	all := []listedCase{}
	for i := range cases {
		c := &cases[i]
		all = append(all, listedCase{c.Name, int(c.Tier()), c.Doc})
		if f.format != "json" {
			a.out.printf("%-40s tier %d  %s\n", c.Name, c.Tier(), c.Doc)
		}
	}
	if f.format == "json" {
		a.out.json(struct {
			Cases []listedCase `json:"cases"`
		}{all})
	}
	return nil
}

// completeCases offers groups and cases.
func completeCases(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	var names []string
	cases := conform.Cases()
	for _, g := range conform.Groups(cases) {
		if strings.HasPrefix(g, word) {
			names = append(names, g)
		}
	}
	for _, c := range cases {
		if strings.Contains(word, ".") && strings.HasPrefix(c.Name, word) {
			names = append(names, c.Name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}
