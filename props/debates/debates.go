package debates

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rseqemu/rseqemu/ir"
)

// Program is a claim.
type Program struct {
	Name string // "own-cache", "own-cache-fixed"
	// Title is the first sentence of its story.
	Title string
	// Fixed says that it is what came of the debate about another one.
	Fixed bool
	// Source is its text, which begins with the story.
	Source string
}

// Parse returns the program, ready to be run.
func (p Program) Parse() (*ir.Program, error) { return ir.Parse(p.Name+".rseq", []byte(p.Source)) }

// Programs returns all programs in the order of their names.
func Programs() []Program { return slices.Clone(programs()) }

//go:embed programs/*.rseq
var files embed.FS

var programs = sync.OnceValue(func() []Program {
	entries, err := files.ReadDir("programs")
	if err != nil {
		panic(fmt.Sprintf("debates: BUG: %v", err))
	}
	var all []Program
	for _, e := range entries {
		b, err := files.ReadFile("programs/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("debates: BUG: %v", err))
		}
		p := Program{Name: strings.TrimSuffix(e.Name(), ".rseq"), Source: string(b)}
		p.Fixed = strings.HasSuffix(p.Name, "-fixed")
		p.Title = title(p.Source)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return all
})

// title is the first sentence of the comment that a text begins with.
func title(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		line, ok := strings.CutPrefix(line, "#")
		if !ok || strings.TrimSpace(line) == "" {
			break
		}
		words = append(words, strings.Fields(line)...)
	}
	sentence, _, more := strings.Cut(strings.Join(words, " "), ". ")
	if more {
		sentence += "."
	}
	return sentence
}
