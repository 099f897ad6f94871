package conform

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// reasonsFile says why kernels differ.
//
//go:embed reasons.txt
var reasonsFile string

// reason is a line of it.
type reason struct {
	from, to string
	patterns []string
	sentence string
}

var reasons = sync.OnceValue(func() []reason {
	var all []reason
	for line := range strings.Lines(reasonsFile) {
		parts := strings.Split(strings.TrimSpace(line), " | ")
		if line[0] == '#' || len(parts) == 1 {
			continue
		}
		from, to, ok := strings.Cut(parts[0], " > ")
		if !ok || len(parts) != 3 {
			panic("conform: BUG: no reason: " + line)
		}
		all = append(all, reason{from, to, strings.Fields(parts[1]), parts[2]})
	}
	return all
})

// Reasons is why two kernels answer a case differently.
func Reasons(name, from, to string) []string {
	var all []string
	for _, r := range reasons() {
		for _, p := range r.patterns {
			if match, _ := path.Match(p, name); match && r.from == from && r.to == to {
				all = append(all, r.sentence)
				break
			}
		}
	}
	return all
}

// Neighbours are the pairs of recordings that are compared: releases of amd64 one
// after another, and the others with that of the same release. The recordings
// must be in this order: amd64's by release first.
func Neighbours(recs []*Recording) [][2]int {
	var pairs [][2]int
	plain := map[string]int{}
	last := -1
	for i, r := range recs {
		release, _, special := strings.Cut(r.Kernel, "/")
		switch base, ok := plain[release]; {
		case !special:
			plain[release] = i
			if last >= 0 {
				pairs = append(pairs, [2]int{last, i})
			}
			last = i
		case ok:
			pairs = append(pairs, [2]int{base, i})
		}
	}
	return pairs
}

// Table is what recordings have in common and where they differ, as Markdown.
// Cases are linked to their files in the folder that is given.
func Table(recs []*Recording, folder string) ([]byte, error) {
	t := table{folder: folder, recs: recs}
	targets := make([]Target, len(recs))
	for i, r := range recs {
		targets[i] = r
	}
	cases := Cases()
	var err error
	if t.rows, err = Compare(context.Background(), cases, targets); err != nil {
		return nil, err
	}
	t.columns(recs)
	t.head(recs)
	t.changes()
	for _, g := range Groups(cases) {
		t.group(g)
	}
	return t.Bytes(), nil
}

type table struct {
	bytes.Buffer
	recs   []*Recording
	folder string
	rows   []Row
	of     []int    // each recording's column
	names  []string // of the columns
}

// columns puts recordings that are the same in every case in one column.
func (t *table) columns(recs []*Recording) {
	byAnswers := map[string]int{}
	var members [][]string
	for i, r := range recs {
		var key strings.Builder
		for j := range t.rows {
			fmt.Fprintf(&key, "%d ", t.rows[j].answer(i))
		}
		c, ok := byAnswers[key.String()]
		if !ok {
			c = len(members)
			byAnswers[key.String()] = c
			members = append(members, nil)
		}
		members[c] = append(members[c], r.Kernel)
		t.of = append(t.of, c)
	}
	for _, m := range members {
		t.names = append(t.names, strings.Join(m, ", "))
	}
}

// answer is which of the row's answers a target gives.
func (r *Row) answer(target int) int {
	return slices.IndexFunc(r.Answers, func(a SameAnswer) bool { return slices.Contains(a.Targets, target) })
}

func (t *table) head(recs []*Recording) {
	runs, odd := 0, 0
	outcomes := 0
	for _, r := range recs {
		outcomes += len(r.Outcomes)
		for _, rep := range r.Repeated {
			runs += rep.Runs
			odd += rep.Odd
		}
	}
	fmt.Fprintf(t, `# What Linux does with restartable sequences

Made from the recordings of %d booted kernels: %d answers to %d cases. Do not edit; make it anew with

    go test ./conform -run Table -update

A case is a program and what happens to it; its file shows both. An answer is what the calls of the program
return, how it ends if a signal kills it, and what is in memory then. Every answer of a recording is also the
emulator's, on any system: `+"`go test ./conform`"+`. [rseq.md](rseq.md) explains what the cases are about.

`, len(recs), outcomes, len(Cases()))
	t.WriteString("| kernel | machine | cases | not run | not the same in all runs |\n|---|---|---|---|---|\n")
	for _, r := range recs {
		fmt.Fprintf(t, "| %s | %s | %d | %d | %d |\n", r.Kernel, escape(r.Uname), len(r.Outcomes), len(r.Skipped), len(r.Repeated))
	}
	fmt.Fprintf(t, "\nIn %d runs of the cases of the last column the kernel disturbed the thread on its own %d times.\n", runs, odd)
	t.WriteString("\nKernels that give the same answers to all cases share a column below:\n\n")
	for i, n := range t.names {
		fmt.Fprintf(t, "%d. %s\n", i+1, n)
	}
	t.WriteString("\nIn the tables a letter is an answer, a dash a case that could not be run; the answers follow.\n")
}

// changes lists what changed from one kernel to its neighbour, and why.
func (t *table) changes() {
	t.WriteString("\n## What changes from kernel to kernel\n")
	for _, pair := range Neighbours(t.recs) {
		from, to := t.recs[pair[0]].Kernel, t.recs[pair[1]].Kernel
		n := 0
		count := map[string]int{}
		var order []string
		for i := range t.rows {
			r := &t.rows[i]
			if !r.Differ(pair) {
				continue
			}
			cases := max(1, len(r.Points))
			n += cases
			for _, why := range Reasons(r.Name(), from, to) {
				if count[why] == 0 {
					order = append(order, why)
				}
				count[why] += cases
			}
		}
		fmt.Fprintf(t, "\n**%s → %s**: %d cases.\n", from, to, n)
		if n > 0 {
			t.WriteString("\n")
		}
		for _, why := range order {
			fmt.Fprintf(t, "* %s (%d)\n", escape(why), count[why])
		}
	}
}

// Differ reports whether two targets both ran the row's case and answered
// differently.
func (r *Row) Differ(pair [2]int) bool {
	a, b := r.answer(pair[0]), r.answer(pair[1])
	return a != b && r.Answers[a].Skip == "" && r.Answers[b].Skip == ""
}

// group writes a group's differences, and what is the same everywhere.
func (t *table) group(name string) {
	var same, differ []*Row
	for i := range t.rows {
		r := &t.rows[i]
		if r.Case.Group() != name {
			continue
		}
		if r.sameWhereRun() {
			same = append(same, r)
		} else {
			differ = append(differ, r)
		}
	}
	fmt.Fprintf(t, "\n## %s\n", name)
	if len(differ) > 0 {
		t.WriteString("\n| case |")
		for i := range t.names {
			fmt.Fprintf(t, " %d |", i+1)
		}
		t.WriteString("\n|---|" + strings.Repeat("---|", len(t.names)) + "\n")
		for _, r := range differ {
			fmt.Fprintf(t, "| %s |%s\n", t.link(r), t.letters(r))
		}
		if name != "PERCPU" {
			for _, r := range differ {
				t.details(r)
			}
		}
	}
	if len(same) == 0 {
		return
	}
	t.WriteString("\nThe same on every kernel that ran it:\n\n")
	for _, r := range same {
		text := "not run"
		for _, a := range r.Answers {
			if a.Skip == "" {
				text = a.Outcome.String()
			}
		}
		fmt.Fprintf(t, "* %s%s: %s\n", t.link(r), doc(r), escape(text))
	}
}

// sameWhereRun reports whether the row has one answer besides that it wasn't run.
func (r *Row) sameWhereRun() bool {
	n := 0
	for _, a := range r.Answers {
		if a.Skip == "" {
			n++
		}
	}
	return n <= 1
}

// letters are the row's answers by column.
func (t *table) letters(r *Row) string {
	var b strings.Builder
	letter := r.lettered()
	for c := range t.names {
		fmt.Fprintf(&b, " %s |", letter[r.answer(slices.Index(t.of, c))])
	}
	return b.String()
}

// lettered names the row's answers: a, b, …, and a dash for a case that wasn't run.
func (r *Row) lettered() []string {
	var out []string
	next := 'a'
	for _, a := range r.Answers {
		if a.Skip != "" {
			out = append(out, "–")
			continue
		}
		out = append(out, string(next))
		next++
	}
	return out
}

// details lists a row's answers, and says why they differ.
func (t *table) details(r *Row) {
	fmt.Fprintf(t, "\n**%s**%s%s", r.Name(), points(r), doc(r))
	var said []string
	for _, pair := range Neighbours(t.recs) {
		if !r.Differ(pair) {
			continue
		}
		for _, why := range Reasons(r.Name(), t.recs[pair[0]].Kernel, t.recs[pair[1]].Kernel) {
			if !slices.Contains(said, why) {
				said = append(said, why)
			}
		}
	}
	for _, why := range said {
		fmt.Fprintf(t, " *%s*", escape(why))
	}
	t.WriteString("\n\n")
	for i, l := range r.lettered() {
		if a := r.Answers[i]; a.Skip == "" {
			fmt.Fprintf(t, "* %s: %s\n", l, escape(a.Outcome.String()))
		}
	}
}

func doc(r *Row) string {
	if r.Case.Doc == "" {
		return ""
	}
	return " – " + escape(r.Case.Doc)
}

// link is the case's name, linked to its place.
func (t *table) link(r *Row) string {
	name := r.Name() + points(r)
	if strings.HasPrefix(r.Case.File, "percpu:") {
		return name
	}
	return fmt.Sprintf("[%s](%s/%s#L%d)", name, t.folder, r.Case.File, r.Case.Line)
}

// points says which of a case's points the row is about.
func points(r *Row) string {
	switch n := len(r.Points); n {
	case 0:
		return ""
	case 1:
		return " at " + r.Points[0].String()
	default:
		return fmt.Sprintf(" at %d points from %v", n, r.Points[0])
	}
}

// escape keeps text from being taken for Markdown.
func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;", "_", `\_`).Replace(s)
}
