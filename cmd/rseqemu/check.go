package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const checkLong = `Check covers every schedule of a program within its bounds, under each kernel,
and says either that the program holds or shows a schedule that breaks it, with
the fewest kernel events and steps. The bounds are the number of CPUs, the
threads' scripts and the budget of kernel events.

What must hold is what the program declares (spec, always, final), and that no
thread is killed and no run gets stuck. Without --kernels it is checked under one
kernel of each family that its kernels line claims.

The output is the same on every machine. On a terminal the times are added.

--kernels takes names (6.18, 7.3/v1, 6.12/arm64), ranges (6.3.., 6.3..6.18),
families, all, all/arm64, any of these behind ! to leave them out, and files with
proposals (rseqemu help proposals).

--random makes runs instead, and says how many and no more. The chooser decides
what happens next in them: guided keeps and changes runs that came to something
new, as fuzzers do; pct takes random priorities and changes them at depth-1 random
points, and prints the odds with which a run finds a bug of that depth (without
--depth it takes 1 to 5 in turn); weighted makes kernel events rare and some
threads slow; uniform picks anything with the same odds.

With --checkpoint it can be killed at any time, and the same command goes on from the
file; it is removed once there is an answer. With --shard it makes one part, of the
kernels or of the random runs, for rseqemu merge.

A search that doesn't finish says up to how many kernel events it is a proof
nevertheless. Then fewer threads or calls, a smaller --budget, more --states, or
--random help.`

type checkFlags struct {
	machineFlags
	searching searchFlags
	coverage  bool
	kernels   string
	random    int
	seed      uint64
	chooser   samplerFlags
	timeout   time.Duration
	save      string
	story     string
	jobs      int
	scaleFlags

	saved bool // a failure's schedule was
}

func (a *app) checkCmd() *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Cover every schedule within bounds, under each kernel",
		Long:  checkLong + "\n\n" + exitCodes,
		Example: `  rseqemu check percpu:list
  rseqemu check list.rseq --kernels all
  rseqemu check list.rseq --budget preempt=3,migrate=1 --cpus 3
  rseqemu check list.rseq --save fail.sched && echo holds
  rseqemu check big.rseq --random 100000 --seed 7
  rseqemu check big.rseq --random 100000 --chooser pct --depth 3
  rseqemu check big.rseq --checkpoint big.ckpt       killed? the same command goes on
  rseqemu check big.rseq --kernels all --shard 0/4 --result 0.json`,
		Args:              atLeast(1, "a program"),
		ValidArgsFunction: completePrograms,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.check(cmd.Context(), f, args) },
	}
	f.add(cmd)
	a.code.add(cmd)
	f.searching.add(cmd)
	f.searching.addStopAfter(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.kernels, "kernels", "", "kernels to check under (default: one of each family that the program claims)")
	fl.IntVar(&f.random, "random", 0, "make this many random runs instead of covering all")
	fl.Uint64Var(&f.seed, "seed", 1, "the first random run's seed")
	f.chooser.add(cmd, "guided", explore.SamplerNames)
	fl.DurationVar(&f.timeout, "timeout", 0, "stop after this time, as Ctrl-C does")
	fl.StringVar(&f.save, "save", "", "write the first failure's schedule to this file")
	fl.IntVar(&f.jobs, "jobs", 0, "processors to use (default: all)")
	fl.BoolVar(&f.coverage, "coverage", false, "print which kernel events were tried before each instruction of the sections")
	addStory(cmd, &f.story, "brief")
	f.addScale(cmd)
	cmd.RegisterFlagCompletionFunc("kernels", completeKernels)
	for _, name := range []string{"random", "seed", "timeout", "jobs"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func (a *app) check(ctx context.Context, f *checkFlags, args []string) error {
	if err := storyFlag(f.story); err != nil {
		return err
	}
	if err := checkSave(f.save); err != nil {
		return err
	}
	if f.random < 0 {
		return fmt.Errorf("--random %d is negative", f.random)
	}
	if f.random == 0 && f.chooser.given() {
		return errors.New("--chooser and --depth are for random runs: say how many with --random")
	}
	if _, err := f.chooser.sampler(); err != nil {
		return err
	}
	// Everything is read before anything runs, so that bad input leaves no trace.
	var programs []*program
	var sweeps []*explore.Sweep
	var notRun []string
	for _, arg := range args {
		ps, left, err := a.loadAll(arg)
		if err != nil {
			return err
		}
		notRun = append(notRun, left...)
		for _, p := range ps {
			s, err := a.sweep(f, p)
			if err != nil {
				return err
			}
			programs, sweeps = append(programs, p), append(sweeps, s)
		}
	}
	if err := a.scale(f, programs, sweeps); err != nil {
		return err
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.timeout, fmt.Errorf("--timeout %v", f.timeout))
		defer cancel()
	}
	doc := checkDocument{Verdict: report.Holds}
	for i, p := range programs {
		if i > 0 && !a.asJSON {
			a.out.printf("\n")
		}
		c, results, err := a.checkOne(ctx, f, p, sweeps[i])
		if err != nil {
			return err
		}
		if f.result != "" {
			if err := f.saveResult(p, sweeps[i], results); err != nil {
				return err
			}
		}
		doc.Programs = append(doc.Programs, c)
		doc.Verdict = report.Worse(doc.Verdict, c.Verdict)
	}
	for _, why := range notRun {
		a.err.printf("rseqemu: not run: %s\n", oneLine(why))
	}
	if len(notRun) > 0 {
		doc.NotRun, doc.Verdict = notRun, report.Worse(doc.Verdict, report.Incomplete)
	}
	return a.checked(doc, sweeps)
}

// checked prints what is behind all programs, and returns the exit code.
func (a *app) checked(doc checkDocument, sweeps []*explore.Sweep) error {
	if a.asJSON {
		a.out.json(doc)
	}
	for _, s := range sweeps {
		if c := s.Checkpoint; c != nil && doc.Verdict == report.Incomplete {
			a.err.printf("rseqemu: %s\n", oneLine(c.File+" has how far it got: the same command goes on from there"))
		} else if c != nil && a.out.err == nil {
			if err := c.Remove(); err != nil {
				return err
			}
		}
	}
	for _, c := range doc.Programs {
		if c.Verdict == report.Incomplete {
			a.err.printf("rseqemu: %s\n", oneLine(unfinishedCheck(c)))
		}
	}
	switch doc.Verdict {
	case report.Broken:
		return exit(exitBroken)
	case report.Incomplete:
		return exit(exitNoAnswer)
	}
	return nil
}

// pace is how long a search took, and how fast it was if that can be told.
func pace(f *explore.Finding) string {
	s := f.Took.Seconds()
	if s < 0.1 {
		return fmt.Sprintf("%.1f s", s)
	}
	return fmt.Sprintf("%.1f s, %s states/s", s, report.Thousands(int(float64(f.Result.States)/s)))
}

// unfinishedCheck says what ended searches, and how to get them to their end.
func unfinishedCheck(c *report.Check) string {
	why := ""
	var kernels []string
	for _, r := range c.Kernels {
		if r.Verdict == report.Incomplete {
			kernels = append(kernels, r.Kernel)
			if why == "" {
				why = r.Why
			}
		}
	}
	if why == report.NoEnd {
		return fmt.Sprintf("%s: %s: an endless loop? rseqemu run shows where it goes round", c.File, why)
	}
	if strings.HasPrefix(why, "shard ") {
		return fmt.Sprintf("%s: not finished on %s: %s", c.File, join(kernels), why)
	}
	return fmt.Sprintf("%s: not finished on %s: %s; %s", c.File, join(kernels), why, hint)
}

// checkDocument is what check --json prints.
type checkDocument struct {
	Verdict  report.VerdictKind `json:"verdict"`
	Programs []*report.Check    `json:"programs"`
	// NotRun are critical sections of an ELF file that could not be run, and why.
	NotRun []string `json:"not_run,omitempty"`
}

// sweep makes the search over the kernels and sees that it can begin.
func (a *app) sweep(f *checkFlags, p *program) (*explore.Sweep, error) {
	cfg, err := f.config(p)
	if err != nil {
		return nil, err
	}
	var kernels []emu.Kernel
	if f.kernels != "" {
		if kernels, err = a.kernelSet(f.kernels); err != nil {
			return nil, fmt.Errorf("--kernels: %w", err)
		}
		if len(kernels) == 0 {
			return nil, fmt.Errorf("--kernels %s leaves no kernel", f.kernels)
		}
	} else {
		if kernels, err = explore.Claimed(p.Program); err != nil {
			return nil, p.bad(err)
		}
		if len(kernels) == 0 {
			return nil, p.bad(fmt.Errorf("it claims none of the kernel families (%s): name kernels with --kernels", names(emu.DefaultKernelsOn(p.Setup.Arch))))
		}
	}
	sampler := func() explore.Sampler {
		s, _ := f.chooser.sampler() // it was asked for before
		return s
	}
	lim, err := f.searching.limits(f.steps)
	if err != nil {
		return nil, err
	}
	s := &explore.Sweep{Program: p.Program, Random: f.random, Seed: f.seed, Sampler: sampler, Workers: f.jobs,
		Options: explore.Options{Properties: p.properties, Kernels: kernels, Config: cfg, Limits: lim}}
	return s, p.bad(s.Validate())
}

// checkOne checks one program and prints its rows as they come.
// It returns the results too, by finding.
func (a *app) checkOne(ctx context.Context, f *checkFlags, p *program, s *explore.Sweep) (*report.Check, []*explore.Finding, error) {
	c, err := report.NewCheck(s)
	if err != nil {
		return nil, nil, p.bad(err)
	}
	bar := newProgress(a.err)
	s.Progress = bar.search
	defer bar.clear()
	style, width := a.out.style, 0
	for _, k := range s.Options.Kernels {
		width = max(width, len(k.String()))
	}
	if !a.asJSON {
		title := c.Title()
		if s.Shard.Of > 0 {
			title += "; shard " + s.Shard.String()
		}
		a.out.printf("%s\n", title)
		if note := c.Caveat(); note != "" {
			a.out.printf("%s\n", style.Dim(note))
		}
	}
	var failed error
	var findings []*explore.Finding
	err = s.Run(ctx, func(k emu.Kernel, found *explore.Finding) {
		row, err := c.Add(p.Program, k, found, p.properties, f.story != "none")
		if err != nil {
			failed = err
			return
		}
		if k == found.Kernels[0] {
			findings = append(findings, found)
		}
		bar.clear(found.Kernels...)
		if a.asJSON {
			return
		}
		took := ""
		if a.out.tty && k == found.Kernels[0] {
			took = style.Dim(", " + pace(found))
		}
		a.out.printf("%s%s\n", row.Row(width, style), took)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, nil, p.bad(err)
	}
	if len(findings) == 0 && !a.asJSON {
		a.out.printf("  none of the kernels: there are more shards than kernels with rules of their own\n")
	}
	if c.Verdict == report.Holds {
		if err := c.Starve(p.Program, s.Options.Config, s.Options.Kernels[0]); err != nil {
			return nil, nil, p.bad(err)
		}
	}
	saved := ""
	if failures, _ := c.Failures(); f.save != "" && !f.saved && len(failures) > 0 {
		if err := save(f.save, []byte(failures[0].Failure.Schedule)); err != nil {
			return nil, nil, err
		}
		f.saved, saved = true, f.save
	}
	if !a.asJSON {
		bar.clear()
		a.covered(f, c, s.Options.Config.Memory)
		a.checkEnd(f, p, c, saved)
	}
	return c, findings, nil
}

// covered prints what the first search that found nothing has covered, and with
// --coverage all of it.
func (a *app) covered(f *checkFlags, c *report.Check, memory emu.MemoryModel) {
	for i := range c.Kernels {
		r := &c.Kernels[i]
		if r.Failure != nil || r.Coverage == nil {
			continue
		}
		for _, line := range r.Covered(memory) {
			a.out.printf("%s\n", a.out.style.Dim("  "+line))
		}
		if f.coverage {
			a.out.printf("\n%s, under %s:\n", "What was tried", r.Kernel)
			for _, line := range r.Coverage.Matrix() {
				a.out.printf("  %s\n", strings.TrimRight(line, " "))
			}
			a.out.printf("\n")
		}
		return
	}
}

// checkEnd prints what is behind the rows: the story of the first failure, and
// how to see it and the others again.
func (a *app) checkEnd(f *checkFlags, p *program, c *report.Check, saved string) {
	st := a.out.style
	for i := range c.Starved {
		a.out.printf("%s\n", st.Dim(c.Starved[i].Text()))
	}
	failures, kernels := c.Failures()
	for i, r := range failures {
		a.out.printf("\n%s on %s", st.Bad(r.Failure.Property+" is broken"), join(kernels[i]))
		switch {
		case i > 0:
			a.out.printf(": %s\n  rseqemu check %s --kernels %s tells the story\n", r.Failure.Message, p.shell(), r.Kernel)
			continue
		case f.story == "none":
			a.out.printf(": %s\n", r.Failure.Message)
		default:
			a.out.printf("; under %s:\n\n", r.Kernel)
			r.Failure.Story.Text(a.out, f.style(st))
		}
		for _, o := range r.Others {
			a.out.printf("\nAlso broken: %s: %s (%s, %s)\n", st.Bad(o.Property), o.Message, report.Count(o.Events, "kernel event"), report.Count(o.Transitions, "transition"))
		}
		if saved != "" {
			a.out.printf("\nThe schedule is in %s. To see it again:\n  rseqemu replay %s %s\n", saved, p.shell(), shell(saved))
			continue
		}
		a.out.printf("\nThe schedule, for rseqemu replay %s FILE (--save FILE writes it):\n\n%s", p.shell(), r.Failure.Schedule)
	}
}

const hint = "try fewer threads or calls, a smaller --budget, more --states or --steps, or --random 100000"

func (f *checkFlags) style(st report.Style) report.Style {
	st.Brief = f.story == "brief"
	return st
}

func names(ks []emu.Kernel) string {
	var out []string
	for _, k := range ks {
		out = append(out, k.String())
	}
	return join(out)
}
