package conform

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// Target is an implementation of the ABI that can be asked.
type Target interface {
	// Name is what a report calls it: "emulated Linux 6.18".
	Name() string
	// Tier is the highest tier that it can run.
	Tier() Tier
	// Run runs a case once. The error is a [*Skip] if it can't run this one.
	Run(ctx context.Context, c *Case) (Outcome, error)
}

// Parallel is a target that can run several cases at the same time.
type Parallel interface {
	Target
	// AtOnce is how many; Run is called from as many goroutines.
	AtOnce() int
}

// Skip is why a case wasn't run.
type Skip struct{ Reason string }

func (s *Skip) Error() string { return s.Reason }

// The reasons for leaving out a tier.
var tierReasons = map[Tier]string{
	TierSignals: "the target has no signals or sleep",
	TierInject:  "the target can't stop a thread at an exact instruction",
}

//go:embed cases/*.txtar
var caseFiles embed.FS

// Cases returns the suite, in the order of the files' names and of the cases in
// them, and then the operations of package percpu.
func Cases() []Case { return slices.Clone(suite()) }

var suite = sync.OnceValue(func() []Case {
	var all []Case
	names := map[string]string{}
	files, err := fs.Glob(caseFiles, "cases/*.txtar")
	if err != nil {
		panic("conform: BUG: " + err.Error())
	}
	for _, file := range files {
		src, err := caseFiles.ReadFile(file)
		if err != nil {
			panic("conform: BUG: " + err.Error())
		}
		cases, err := Parse(path.Base(file), src)
		if err != nil {
			panic("conform: BUG: " + err.Error())
		}
		for _, c := range cases {
			if other, ok := names[c.Name]; ok {
				panic(fmt.Sprintf("conform: BUG: %s and %s both have a case %s", other, file, c.Name))
			}
			names[c.Name] = file
		}
		all = append(all, cases...)
	}
	return append(all, perCPUCases()...)
})

// Groups returns the groups of some cases, in the order in which they come.
func Groups(cases []Case) []string {
	var all []string
	for i := range cases {
		if g := cases[i].Group(); !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

// Find returns the cases of the suite whose names begin with a prefix.
func Find(prefix string) []Case {
	var found []Case
	for _, c := range suite() {
		if strings.HasPrefix(c.Name, prefix) {
			found = append(found, c)
		}
	}
	return found
}
