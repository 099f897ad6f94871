package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Check is what is known about a program after a sweep over kernels.
type Check struct {
	Program string `json:"program"`
	File    string `json:"file,omitempty"`
	Sum     string `json:"sum"` // see explore.Fingerprint
	Threads int    `json:"threads"`
	CPUs    int    `json:"cpus"`
	Memory  string `json:"memory,omitempty"` // the order of accesses, unless it is sc
	Budget  string `json:"budget"`           // as a schedule writes it
	Random  int    `json:"random,omitempty"`
	// Properties are what the program declares to hold. That no thread is killed
	// and none gets stuck is checked of every program.
	Properties []string    `json:"properties"`
	Verdict    VerdictKind `json:"verdict"` // the worst
	Kernels    []KernelRun `json:"kernels"`
	// Starved are the functions that kernel events can keep from ever ending, by
	// what it takes. That is no bug.
	Starved []Starved `json:"starved,omitempty"`

	bounds string
	// noSignals: the budget has some, but nothing handles any.
	noSignals bool
}

// Starved says what keeps calls of some functions from ever ending.
type Starved struct {
	Funcs []string `json:"functions"`
	// By is the kernel event that has to come each time around, or their number.
	By string `json:"by"`
}

// KernelRun is a kernel's result.
type KernelRun struct {
	Kernel  string      `json:"kernel"`
	Verdict VerdictKind `json:"verdict"`
	// Why says what ended an incomplete search. All runs with fewer than Events
	// kernel events were covered nevertheless.
	Why         string `json:"why,omitempty"`
	Events      int    `json:"events"`
	States      int    `json:"states"`
	Transitions int    `json:"transitions"`
	Depth       int    `json:"depth"`
	Runs        int    `json:"runs,omitempty"`
	// Chooser made the runs, and Odds has those with which a run finds a bug of a
	// depth, for choosers that know them.
	Chooser string   `json:"chooser,omitempty"`
	Odds    []Depth  `json:"odds,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	// Others are failures of other causes, if they were asked for.
	Others []*Failure `json:"others,omitempty"`
	// Reductions are those that the search made; Symmetric is what could change
	// places, or why nothing could.
	Reductions []string `json:"reductions,omitempty"`
	Symmetric  string   `json:"symmetric,omitempty"`
	// Missed is the binary logarithm of the odds that a state was taken for
	// another, as their hashes are the same.
	Missed   float64   `json:"missed,omitempty"`
	Coverage *Coverage `json:"coverage,omitempty"`

	words, like, odds string
}

// Depth is what random runs aimed at bugs of a depth are good for: each finds one
// with at least these odds.
type Depth struct {
	Depth int     `json:"depth"`
	Odds  float64 `json:"odds"`
}

// Failure is a broken property and the run that breaks it.
type Failure struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	// Events and Transitions are how long the run is.
	Events      int `json:"events"`
	Transitions int `json:"transitions"`
	// Schedule is the text to replay.
	Schedule string `json:"schedule"`
	Story    *Story `json:"story,omitempty"`
}

// NewCheck describes a sweep that is about to begin.
func NewCheck(s *explore.Sweep) (*Check, error) {
	c := &Check{Program: s.Program.Name, File: s.Program.File, Sum: explore.Fingerprint(s.Program), Threads: len(s.Program.Threads),
		Random: s.Random, Verdict: Holds, Properties: []string{}, Kernels: []KernelRun{}}
	if len(s.Options.Kernels) == 0 {
		return nil, fmt.Errorf("no kernel to check the program under")
	}
	for _, spec := range s.Program.Specs {
		c.Properties = append(c.Properties, spec.Order.String()+"("+spec.Name+")")
	}
	for _, check := range s.Program.Checks {
		c.Properties = append(c.Properties, fmt.Sprintf("%v %v", check.When, check.Cond))
	}
	for i := range s.Program.NoRaces {
		c.Properties = append(c.Properties, s.Program.NoRaces[i].String())
	}
	for i := range s.Program.Blocks {
		c.Properties = append(c.Properties, s.Program.Blocks[i].String())
	}
	cfg := s.Options.Config
	cfg.Kernel = s.Options.Kernels[0]
	m, err := emu.New(s.Program, cfg)
	if err != nil {
		return nil, err
	}
	budget := m.Budget()
	if budget[emu.Signals] > 0 && len(s.Program.Handlers) == 0 {
		// Nothing sends a signal that nothing handles: don't claim to have tried.
		budget[emu.Signals], c.noSignals = 0, true
	}
	if cfg.Memory != emu.SC {
		c.Memory = cfg.Memory.String()
	}
	c.CPUs, c.Budget, c.bounds = m.CPUs(), budget.String(), Bounds(budget)
	return c, nil
}

// Title says what is covered.
func (c *Check) Title() string {
	name := c.File
	if name == "" {
		name = c.Program
	}
	how := "every schedule with " + c.bounds
	if c.Random > 0 {
		how = Count(c.Random, "random schedule") + strings.TrimPrefix(how, "every schedule")
	}
	on := Count(c.CPUs, "CPU")
	if c.Memory != "" {
		on += " with " + c.Memory + " memory"
	}
	return fmt.Sprintf("%s: %s on %s, %s", name, Count(c.Threads, "thread"), on, how)
}

// Caveat is what a reader should know about the claim; "" if there is nothing.
func (c *Check) Caveat() string {
	var out []string
	if c.noSignals {
		out = append(out, "No signal comes, as the program has no handler.")
	}
	if len(c.Properties) == 0 {
		out = append(out, "The program declares nothing to hold (spec, always, final): checked is that no thread is killed or gets stuck.")
	}
	return strings.Join(out, " ")
}

// Add takes in what was found under a kernel, with the story of its failure if
// tell, and returns its row.
func (c *Check) Add(p *ir.Program, k emu.Kernel, f *explore.Finding, factories []explore.Factory, tell bool) (_ *KernelRun, err error) {
	r := f.Result
	run := KernelRun{Kernel: k.String(), Verdict: Kind(r), Why: r.Why, Events: r.Events, States: r.States, Transitions: r.Transitions,
		Depth: r.Depth, Runs: r.Runs, Chooser: r.Sampler, words: Verdict(r)}
	if r.Bound != nil {
		run.odds = Odds(r.Bound)
		for _, d := range r.Bound.Depths {
			run.Odds = append(run.Odds, Depth{d, 1 / r.Bound.OneIn(d)})
		}
	}
	if run.Verdict == Holds || run.Verdict == Broken {
		run.Why = ""
	} else if run.Why == "" {
		run.Why = NoEnd
	}
	if r.Coverage != nil {
		if run.Coverage, err = newCoverage(p, k, r.Coverage, r.Reduced); err != nil {
			return nil, err
		}
		if r.Reduced != 0 {
			run.Reductions = strings.Split(r.Reduced.String(), ",")
		}
		run.Symmetric, run.Missed = r.Symmetric, math.Round(r.Missed)
	}
	for _, o := range r.Others {
		run.Others = append(run.Others, &Failure{Property: o.Property, Message: o.Message, Events: explore.Events(o.Schedule),
			Transitions: len(o.Schedule), Schedule: f.ScheduleOf(o).String()})
	}
	if r.Failure != nil {
		run.Failure = &Failure{Property: r.Failure.Property, Message: r.Failure.Message, Events: explore.Events(r.Failure.Schedule),
			Transitions: len(r.Failure.Schedule), Schedule: f.Schedule.String()}
		if tell {
			m, err := emu.New(p, f.Schedule.Config())
			if err != nil {
				return nil, err
			}
			if run.Failure.Story, err = Tell(m, f.Schedule, factories); err != nil {
				return nil, err
			}
		}
	}
	if k != f.Kernels[0] {
		run.like = f.Kernels[0].String()
	}
	c.Kernels = append(c.Kernels, run)
	c.Verdict = Worse(c.Verdict, run.Verdict)
	return &c.Kernels[len(c.Kernels)-1], nil
}

// NoEnd is why a search that covered everything may not say that a program holds.
const NoEnd = "no run ever ends"

// severity orders verdicts.
var severity = map[VerdictKind]int{Holds: 0, Sampled: 1, Incomplete: 2, Broken: 3}

func Worse(a, b VerdictKind) VerdictKind {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// Row is the kernel's line for a person; width is that of the kernels' names.
func (r *KernelRun) Row(width int, st Style) string {
	words := r.words
	switch r.Verdict {
	case Holds:
		words = st.Good("holds") + strings.TrimPrefix(words, "holds")
	case Broken:
		words = st.Bold("") + st.Bad("broken") + strings.TrimPrefix(words, "broken")
	default:
		words = st.Event(words)
	}
	stats := ""
	switch {
	case r.like != "":
		stats = "same rules as " + r.like
	case r.Verdict == Sampled:
		stats = r.odds
	case r.Verdict == Holds || r.Verdict == Incomplete && r.Runs == 0:
		stats = fmt.Sprintf("%s, %s, depth %d", Count(r.States, "state"), Count(r.Transitions, "transition"), r.Depth)
	}
	gap := "  "
	if r.odds != "" {
		gap = "\n" + strings.Repeat(" ", 2+width+2) // they are long
	}
	if stats != "" {
		stats = gap + st.Dim(stats)
	}
	return "  " + pad(r.Kernel, width) + words + stats
}

// Covered says in a few lines what the search under this kernel has covered beside
// the bounds.
func (r *KernelRun) Covered(memory emu.MemoryModel) []string {
	if r.Coverage == nil {
		return nil
	}
	how := "every state by itself"
	if len(r.Reductions) > 0 {
		how = "states reduced by " + strings.Join(r.Reductions, ", ")
		if slices.Contains(r.Reductions, "symmetry") {
			how += " (" + r.Symmetric + ")"
		}
	}
	how += fmt.Sprintf("; memory order %s", memory)
	if r.Missed < 0 {
		how += fmt.Sprintf("; odds that a state is missed 2^%.0f", r.Missed)
	}
	return append([]string{how}, r.Coverage.Summary()...)
}

// Failures returns the first failure of each broken property, with the kernels
// that break it.
func (c *Check) Failures() (runs []*KernelRun, kernels [][]string) {
	at := map[string]int{}
	for i := range c.Kernels {
		r := &c.Kernels[i]
		if r.Failure == nil {
			continue
		}
		n, ok := at[r.Failure.Property]
		if !ok {
			n = len(runs)
			at[r.Failure.Property] = n
			runs, kernels = append(runs, r), append(kernels, nil)
		}
		kernels[n] = append(kernels[n], r.Kernel)
	}
	return runs, kernels
}
