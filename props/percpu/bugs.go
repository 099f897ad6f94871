package percpu

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rseqemu/rseqemu/internal/hunk"
	"github.com/rseqemu/rseqemu/ir"
)

// Bug is a mistake in a program: a program of its own.
type Bug struct {
	Name string // "list-commit-first", "list_mm_cid-commit-first"
	Of   string // the program that is right
	What string // what is wrong and how it shows
	// Diff is what is changed in the program that is right.
	Diff string
	// Source is the program's text, with What for its comment.
	Source string
}

// Parse returns the program, ready to be run.
func (b Bug) Parse() (*ir.Program, error) { return ir.Parse(b.Name+".rseq", []byte(b.Source)) }

// Bugs returns all bugs in the order of their names.
func Bugs() []Bug { return slices.Clone(bugs()) }

//go:embed bugs/*.diff
var bugFiles embed.FS

var bugs = sync.OnceValue(func() []Bug {
	byName := map[string]Program{}
	for _, p := range programs() {
		byName[p.Name] = p
	}
	var all []Bug
	for name, text := range files(bugFiles, "bugs", ".diff") {
		of, what, _ := strings.Cut(name, "-")
		d, err := parseDiff(text)
		if err != nil {
			panic(fmt.Sprintf("percpu: BUG: bugs/%s.diff: %v", name, err))
		}
		source, err := hunk.Apply(byName[of].Source, d.hunks)
		if err != nil {
			panic(fmt.Sprintf("percpu: BUG: bugs/%s.diff: %v", name, err))
		}
		_, source = cutDoc(source)
		b := Bug{Name: name, Of: of, What: docOf(d.comment), Diff: d.hunks, Source: d.comment + source}
		all = append(all, b)
		if _, ok := byName[of+mmCID.suffix]; ok && d.index != "cpu_id" {
			b.Of += mmCID.suffix
			b.Name = b.Of + "-" + what
			b.Diff, b.Source = mmCID.replace(b.Diff), mmCID.replace(b.Source)
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b Bug) int { return strings.Compare(a.Name, b.Name) })
	return all
})
