package percpu

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/rseqemu/rseqemu/ir"
)

// Program is an operation on a per-CPU structure.
type Program struct {
	Name string // "list", "list_mm_cid"
	// Doc says what it is for; its first sentence is a summary.
	Doc string
	// Index is the field that it is indexed by: cpu_id or mm_cid.
	Index string
	// Source is its text.
	Source string
}

// Parse returns the program, ready to be run.
func (p Program) Parse() (*ir.Program, error) { return ir.Parse(p.Name+".rseq", []byte(p.Source)) }

// Programs returns all programs in the order of their names.
func Programs() []Program { return slices.Clone(programs()) }

//go:embed programs/*.rseq
var programFiles embed.FS

// form is a way to make a program from another one: words are replaced, and a
// paragraph of the comment says so.
type form struct {
	suffix string
	note   string
	pairs  []string
}

var (
	mmCID = form{
		suffix: "_mm_cid",
		note: "#\n# This form is indexed by mm_cid, which the kernel deals out densely to the threads\n" +
			"# that run: where a CPU is mentioned, read concurrency id.\n",
		pairs: []string{
			"[tp + cpu_id_start]", "[tp + mm_cid]",
			"[tp + cpu_id]", "[tp + mm_cid]",
			"MEMBARRIER_CMD_FLAG_CPU", "0",
			"kernels 5.10.. !", "kernels 6.3.. !",
			"kernels !", "kernels 6.3.. !",
		},
	}
	release = form{
		suffix: "_release",
		note:   "#\n# In this form the commits are release stores.\n",
		pairs:  []string{"st.8  [r2 + offset], ", "st.8.rel [r2 + offset], "},
	}
)

// derive returns the program in another form.
func (f form) derive(p Program) Program {
	comment, rest := cutDoc(p.Source)
	p.Name += f.suffix
	p.Source = comment + f.note + f.replace(rest)
	p.Doc = docOf(p.Source)
	return p
}

func (f form) replace(text string) string { return strings.NewReplacer(f.pairs...).Replace(text) }

// programs are those of the files and the forms made of them.
var programs = sync.OnceValue(func() []Program {
	var all []Program
	for name, text := range files(programFiles, "programs", ".rseq") {
		p := Program{Name: name, Index: "cpu_id", Source: text, Doc: docOf(text)}
		all = append(all, p)
		if name == "buffer" {
			all = append(all, release.derive(p))
		}
	}
	for _, p := range all {
		if p.Name != "cached_slab" { // whose trick is the place of cpu_id_start
			p = mmCID.derive(p)
			p.Index = "mm_cid"
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return all
})

// files yields the text of every file of a directory by its name without the
// ending.
func files(from fs.FS, dir, ending string) func(yield func(name, text string) bool) {
	return func(yield func(string, string) bool) {
		entries, err := fs.ReadDir(from, dir)
		if err != nil {
			panic(fmt.Sprintf("percpu: BUG: %v", err))
		}
		for _, e := range entries {
			b, err := fs.ReadFile(from, path.Join(dir, e.Name()))
			if err != nil {
				panic(fmt.Sprintf("percpu: BUG: %v", err))
			}
			if !yield(strings.TrimSuffix(e.Name(), ending), string(b)) {
				return
			}
		}
	}
}

// cutDoc cuts a text behind the comment that it begins with.
func cutDoc(text string) (comment, rest string) {
	rest = text
	for strings.HasPrefix(rest, "#") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	return text[:len(text)-len(rest)], rest
}

// docOf is the comment that a text begins with, a paragraph a line.
func docOf(text string) string {
	comment, _ := cutDoc(text)
	var paragraphs []string
	for p := range strings.SplitSeq(comment, "\n#\n") {
		lines := strings.Split(strings.TrimSpace(p), "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(strings.TrimPrefix(lines[i], "#"))
		}
		paragraphs = append(paragraphs, strings.Join(lines, " "))
	}
	return strings.Join(paragraphs, "\n")
}
