package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const diffLong = `Diff runs a program under two kernels on the same schedule and shows the first
step at which they part: where the program can tell them apart, by a thread's
place or registers, by memory, or by being killed. What a kernel writes to struct
rseq counts once the program has loaded it.

Without --schedule it looks for the shortest schedule that tells the two apart.`

type diffFlags struct {
	searching searchFlags
	machineFlags
	from, to string
	schedule string
	save     string
	story    string
}

func (a *app) diffCmd() *cobra.Command {
	f := &diffFlags{}
	cmd := &cobra.Command{
		Use:   "diff FILE --from KERNEL --to KERNEL",
		Short: "Show the first step at which two kernels part",
		Long:  diffLong + "\n\n" + exitCodes,
		Example: `  rseqemu diff list.rseq --from 6.18 --to 7.3
  rseqemu diff list.rseq --from 7.3/v1 --to 7.3/v2
  rseqemu diff list.rseq --from 6.18 --to 6.19 --schedule fail.sched`,
		Args:              exactly(1, "a program"),
		ValidArgsFunction: completePrograms,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.diff(cmd.Context(), f, args[0]) },
	}
	f.add(cmd)
	a.code.add(cmd)
	f.searching.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.from, "from", "", "the one kernel (default: the schedule's)")
	fl.StringVar(&f.to, "to", "", "the other kernel")
	fl.StringVar(&f.schedule, "schedule", "", "follow this schedule instead of looking for one")
	fl.StringVar(&f.save, "save", "", "write the schedule on which they part to this file")
	addStory(cmd, &f.story, "brief")
	for _, name := range []string{"from", "to"} {
		cmd.RegisterFlagCompletionFunc(name, completeKernel)
	}
	return cmd
}

// diffDocument is what diff --json prints.
type diffDocument struct {
	Verdict string `json:"verdict"` // same, parts or incomplete
	From    string `json:"from"`
	To      string `json:"to"`
	Budget  string `json:"budget,omitempty"`
	Why     string `json:"why,omitempty"`
	States  int    `json:"states,omitempty"`
	// Diff is where they part.
	Diff *report.Diff `json:"diff,omitempty"`
}

func (a *app) diff(ctx context.Context, f *diffFlags, arg string) error {
	if err := storyFlag(f.story); err != nil {
		return err
	}
	if err := checkSave(f.save); err != nil {
		return err
	}
	p, err := a.loadOne(arg)
	if err != nil {
		return err
	}
	pair, err := f.pair(a, p)
	if err != nil {
		return err
	}
	doc := diffDocument{From: pair.from.Kernel().String(), To: pair.to.Kernel().String(), Budget: pair.from.Budget().String()}
	s, message, err := pair.find(ctx, a, f, &doc)
	if err != nil {
		return err
	}
	if s == nil {
		a.diffEnd(p, &doc, report.Bounds(pair.budget), f.schedule)
		if doc.Verdict == "incomplete" {
			return exit(exitNoAnswer)
		}
		return nil
	}
	if doc.Diff, err = report.TellDiff(p.Program, s, pair.to.Kernel(), message); err != nil {
		return p.bad(err)
	}
	if f.save != "" {
		if err := save(f.save, []byte(doc.Diff.Schedule)); err != nil {
			return err
		}
	}
	if a.asJSON {
		a.out.json(doc)
		return exit(exitBroken)
	}
	st := a.out.style
	a.out.printf("%s: %s and %s part at transition %d\n\n", p.File, st.Bold(doc.From), st.Bold(doc.To), doc.Diff.Parts)
	if f.story == "none" {
		a.out.printf("%s\n", doc.Diff.Message)
	} else {
		st.Brief = f.story == "brief"
		doc.Diff.Text(a.out, st)
	}
	if f.save != "" {
		a.out.printf("\nThe schedule is in %s.\n", f.save)
	}
	return exit(exitBroken)
}

// pair is the two machines.
type pair struct {
	p        *program
	from, to *emu.Machine
	budget   emu.Budget
	schedule *explore.Schedule // to follow, or the head of the one to be found
	src      []byte
}

func (f *diffFlags) pair(a *app, p *program) (*pair, error) {
	r := &pair{p: p}
	cfg, err := f.config(p)
	if err != nil {
		return nil, err
	}
	if f.schedule != "" {
		if r.schedule, r.src, err = a.schedule(f.schedule); err != nil {
			return nil, err
		}
		cfg = r.schedule.Config()
	}
	switch {
	case f.to == "":
		return nil, errors.New("diff wants two kernels: --from 6.18 --to 6.19")
	case f.from != "":
		if cfg.Kernel, err = a.kernel(f.from); err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
	case r.schedule == nil:
		return nil, errors.New("diff wants two kernels: --from 6.18 --to 6.19")
	}
	if r.from, err = emu.New(p.Program, cfg); err != nil {
		return nil, p.bad(err)
	}
	r.budget = r.from.Budget()
	if r.schedule == nil {
		r.schedule = &explore.Schedule{Program: p.Name, Sum: explore.Fingerprint(p.Program), CPUs: r.from.CPUs(),
			Nodes: cfg.Nodes, Idle: cfg.Idle, Memory: cfg.Memory, Budget: r.budget}
	}
	r.schedule.Kernel = cfg.Kernel
	if cfg.Kernel, err = a.kernel(f.to); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	if r.to, err = emu.New(p.Program, cfg); err != nil {
		return nil, p.bad(err)
	}
	return r, nil
}

// find returns the schedule on which the two part, up to there, or nil, and
// notes in the document how that came.
func (r *pair) find(ctx context.Context, a *app, f *diffFlags, doc *diffDocument) (*explore.Schedule, string, error) {
	doc.Verdict = "same"
	var v *explore.Violation
	if f.schedule != "" {
		out, err := r.schedule.Follow(r.from, []explore.Factory{explore.Twin(r.to)}, nil)
		if err != nil {
			return nil, "", follow(f.schedule, r.src, err)
		}
		if v = out.Violation; v == nil || v.Property != explore.Parted {
			return nil, "", nil
		}
		r.schedule.Choices = out.Schedule
	} else {
		lim, err := f.searching.limits(f.steps)
		if err != nil {
			return nil, "", err
		}
		bar := newProgress(a.err)
		defer bar.clear()
		res, err := explore.Diff(ctx, r.from, r.to, lim, func(res *explore.Result) { bar.search(res.Kernel, res) })
		if err != nil {
			return nil, "", r.p.bad(err)
		}
		doc.States = res.States
		switch {
		case res.Failure != nil:
			v, r.schedule.Choices = &res.Failure.Violation, res.Failure.Schedule
		case !res.Complete:
			doc.Verdict, doc.Why = "incomplete", res.Why
			return nil, "", nil
		default:
			return nil, "", nil
		}
	}
	doc.Verdict = "parts"
	r.schedule.Breaks = ""
	return r.schedule, v.Message, nil
}

// diffEnd says that no difference was found.
func (a *app) diffEnd(p *program, doc *diffDocument, bounds, schedule string) {
	st := a.out.style
	switch {
	case a.asJSON:
		a.out.json(doc)
	case schedule != "":
		a.out.printf("%s: %s on this schedule: the program can't tell %s from %s\n", p.File, st.Good("the same"), doc.From, doc.To)
	case doc.Verdict == "same":
		a.out.printf("%s: %s: the program can't tell %s from %s, on any schedule with %s\n",
			p.File, st.Good("the same"), doc.From, doc.To, bounds)
	default:
		a.out.printf("%s: %s: no difference between %s and %s in %s\n", p.File, st.Event("not finished"), doc.From, doc.To,
			report.Count(doc.States, "state"))
	}
	if doc.Verdict == "incomplete" {
		a.err.printf("rseqemu: %s\n", oneLine(fmt.Sprintf("%s: not finished: %s; %s", p.File, doc.Why, hint)))
	}
}
