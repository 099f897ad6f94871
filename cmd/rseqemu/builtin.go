package main

import (
	"strings"

	"github.com/rseqemu/rseqemu/props/debates"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// builtin is a program that needs no file.
type builtin struct {
	Name  string `json:"name"`
	About string `json:"about"`
	// Bug is the program that it is a wrong version of.
	Bug string `json:"bug,omitempty"`

	text string
}

const (
	builtInPrefix = "percpu:"
	debatePrefix  = "debate:"
)

// builtIns are the per-CPU operations of package percpu and, behind them, the
// bugs in them; and the programs of package debates.
func builtIns() []builtin {
	var out []builtin
	for _, p := range percpu.Programs() {
		about := summary(p.Doc)
		if p.Index == "mm_cid" {
			about = "The same, indexed by mm_cid."
		}
		out = append(out, builtin{Name: builtInPrefix + p.Name, About: about, text: p.Source})
	}
	for _, b := range percpu.Bugs() {
		out = append(out, builtin{Name: builtInPrefix + b.Name, About: summary(b.What), Bug: builtInPrefix + b.Of, text: b.Source})
	}
	for _, d := range debates.Programs() {
		out = append(out, builtin{Name: debatePrefix + d.Name, About: d.Title, text: d.Source})
	}
	return out
}

func builtIn(arg string) (builtin, bool) {
	if !strings.HasPrefix(arg, builtInPrefix) && !strings.HasPrefix(arg, debatePrefix) {
		return builtin{}, false
	}
	for _, b := range builtIns() {
		if b.Name == arg {
			return b, true
		}
	}
	return builtin{}, false
}

// summary is the first sentence of a text, on one line.
func summary(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if i := strings.Index(text, ". "); i >= 0 {
		return text[:i+1]
	}
	return text
}
