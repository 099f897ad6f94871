package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const runLong = `Run makes one run of a program and tells it step by step.

Nothing disturbs the program, unless --seed makes a random run, --schedule
follows a saved one (and then leaves the program alone to its end), or
--interactive asks what happens next.

The run ends when every thread has ended, when something breaks, or after
--steps transitions.`

type runFlags struct {
	machineFlags
	kernel      string
	seed        uint64
	chooser     samplerFlags
	schedule    string
	interactive bool
	save        string
	story       string
	quiet       bool
}

func (a *app) runCmd() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Make one run and tell it step by step",
		Long:  runLong + "\n\n" + exitCodes,
		Example: `  rseqemu run percpu:list
  rseqemu run list.rseq --seed 7 --kernel 6.18
  rseqemu run list.rseq --seed 7 --chooser pct --depth 3
  rseqemu run list.rseq --schedule fail.sched
  rseqemu run list.rseq --interactive --save mine.sched`,
		Args:              exactly(1, "a program"),
		ValidArgsFunction: completePrograms,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runOnce(f, args[0], cmd.Flags().Changed("seed"))
		},
	}
	f.add(cmd)
	a.code.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.kernel, "kernel", "", "the kernel (default: the newest that the program claims)")
	fl.Uint64Var(&f.seed, "seed", 0, "make a random run, the one with this number")
	f.chooser.add(cmd, "uniform", alone)
	fl.StringVar(&f.schedule, "schedule", "", "follow this schedule")
	fl.BoolVarP(&f.interactive, "interactive", "i", false, "ask what happens next")
	fl.StringVar(&f.save, "save", "", "write the run's schedule to this file")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say only how it ended; the same as --story none")
	addStory(cmd, &f.story, "full")
	cmd.MarkFlagsMutuallyExclusive("seed", "schedule", "interactive")
	cmd.RegisterFlagCompletionFunc("kernel", completeKernel)
	cmd.RegisterFlagCompletionFunc("seed", cobra.NoFileCompletions)
	return cmd
}

// alone are the choosers of which a run is the same whatever ran before it.
var alone = slices.DeleteFunc(slices.Clone(explore.SamplerNames), func(n string) bool { return n == "guided" })

// random is the chooser of the run with the seed's number.
func (f *runFlags) random() (explore.Chooser, error) {
	if !slices.Contains(alone, f.chooser.name) {
		return nil, fmt.Errorf("--chooser %s: unknown, or its runs depend on those before (%s)", f.chooser.name, strings.Join(alone, ", "))
	}
	s, err := f.chooser.sampler()
	if err != nil {
		return nil, err
	}
	return explore.One(s, f.seed), nil
}

// runDocument is what run --json and replay --json print.
type runDocument struct {
	// Verdict is ended, broken or incomplete; of a replay broken or unbroken.
	Verdict     string        `json:"verdict"`
	Property    string        `json:"property,omitempty"`
	Message     string        `json:"message,omitempty"`
	Transitions int           `json:"transitions"`
	Events      int           `json:"events"`
	Schedule    string        `json:"schedule"`
	Story       *report.Story `json:"story,omitempty"`
}

func (a *app) runOnce(f *runFlags, arg string, random bool) error {
	if err := storyFlag(f.story); err != nil {
		return err
	}
	if err := checkSave(f.save); err != nil {
		return err
	}
	if f.interactive && a.asJSON {
		return errors.New("--interactive and --json exclude each other")
	}
	if f.quiet {
		f.story = "none"
	}
	p, err := a.loadOne(arg)
	if err != nil {
		return err
	}
	s, src, err := f.plan(a, p)
	if err != nil {
		return err
	}
	if f.interactive {
		return a.interactive(f, p, s)
	}
	ch := explore.Undisturbed()
	if random {
		if ch, err = f.random(); err != nil {
			return err
		}
	} else if f.chooser.given() {
		return errors.New("--chooser and --depth are for random runs: say which with --seed")
	}
	follower := &explore.Follower{Choices: s.Choices, Then: ch}
	m, err := emu.New(p.Program, s.Config())
	if err != nil {
		return p.bad(err)
	}
	out, err := explore.Run(m, p.properties, follower, f.steps, nil)
	if err != nil {
		return p.bad(err)
	}
	if out.Violation == nil {
		if err := follower.Err(m); err != nil && len(out.Schedule) < f.steps {
			return follow(f.schedule, src, err)
		}
	}
	s.Choices = out.Schedule
	return a.runEnd(f, p, m, s, out)
}

// plan is the machine, as a schedule whose choices are the ones to begin with.
func (f *runFlags) plan(a *app, p *program) (*explore.Schedule, []byte, error) {
	if f.schedule != "" {
		s, src, err := a.schedule(f.schedule)
		if err != nil {
			return nil, nil, err
		}
		if f.kernel != "" {
			s.Kernel, err = a.kernel(f.kernel)
		}
		return s, src, err
	}
	cfg, err := f.config(p)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Kernel, err = a.kernelOr(f.kernel, p); err != nil {
		return nil, nil, err
	}
	m, err := emu.New(p.Program, cfg)
	if err != nil {
		return nil, nil, p.bad(err)
	}
	return &explore.Schedule{Program: p.Name, Sum: explore.Fingerprint(p.Program), Kernel: cfg.Kernel, CPUs: m.CPUs(),
		Idle: cfg.Idle, Memory: cfg.Memory, Budget: m.Budget()}, nil, nil
}

// mostToldOfALoop is how much is told of a run that the step bound ended.
const mostToldOfALoop = 20

// runEnd tells a run that was made, on a machine that is where it ended.
func (a *app) runEnd(f *runFlags, p *program, m *emu.Machine, s *explore.Schedule, out *explore.Outcome) error {
	endless := !out.Done && out.Violation == nil
	doc := runDocument{Verdict: "ended", Transitions: len(out.Schedule), Events: explore.Events(out.Schedule)}
	told := *s
	switch {
	case endless:
		doc.Verdict = "incomplete"
		told.Choices = s.Choices[:min(len(s.Choices), mostToldOfALoop)]
	case out.Violation != nil:
		doc.Verdict, doc.Property, doc.Message = "broken", out.Violation.Property, out.Violation.Message
		s.Breaks = doc.Property
	}
	doc.Schedule = s.String()
	if f.story != "none" {
		fresh, err := emu.New(p.Program, s.Config())
		if err != nil {
			return p.bad(err)
		}
		if doc.Story, err = report.Tell(fresh, &told, p.properties); err != nil {
			return p.bad(err)
		}
	}
	if f.save != "" && !endless {
		if err := save(f.save, []byte(doc.Schedule)); err != nil {
			return err
		}
	}
	if endless {
		return a.endless(f, p, &doc, loopError(p, m, out))
	}
	if a.asJSON {
		a.out.json(doc)
	} else {
		a.tell(f.story, &doc)
		a.outcome(&doc)
	}
	if out.Violation != nil {
		return exit(exitBroken)
	}
	return nil
}

// endless ends the command for a run that the step bound ended.
func (a *app) endless(f *runFlags, p *program, doc *runDocument, err error) error {
	doc.Message = oneLine(err.Error())
	if !a.asJSON {
		a.tell(f.story, doc)
		return p.bad(err)
	}
	a.out.json(doc)
	a.err.printf("rseqemu: %s\n", doc.Message)
	return exit(exitNoAnswer)
}

// tell prints the run for a person.
func (a *app) tell(story string, doc *runDocument) {
	if a.asJSON || doc.Story == nil {
		return
	}
	st := a.out.style
	st.Brief = story == "brief"
	doc.Story.Text(a.out, st)
	if left := doc.Transitions - len(doc.Story.Steps); left > 0 {
		a.out.printf("     … and %s more transitions\n", report.Thousands(left))
	}
}

// outcome is the last line of a run, for a person.
func (a *app) outcome(doc *runDocument) {
	st := a.out.style
	length := report.Count(doc.Transitions, "transition") + ", " + report.Count(doc.Events, "kernel event")
	switch {
	case doc.Verdict == "ended":
		if doc.Story != nil {
			a.out.printf("\n")
		}
		a.out.printf("%s: every thread has ended, nothing is broken (%s)\n", st.Good("ended"), length)
	case doc.Story == nil:
		a.out.printf("%s: %s: %s (%s)\n", st.Bad("broken"), doc.Property, doc.Message, length)
	}
}

// loopError says where the run was when the step bound ended it.
func loopError(p *program, m *emu.Machine, out *explore.Outcome) error {
	last := out.Schedule[len(out.Schedule)-1]
	msg := fmt.Sprintf("the run isn't over after %s: an endless loop? (--steps raises the bound)", report.Count(len(out.Schedule), "transition"))
	if t, ok := m.Running(last.CPU()); ok && last.Kind() == emu.Step {
		if i := m.Image().Index(m.Next(t)); i >= 0 {
			return &ir.LinkError{File: p.File, Pos: m.Image().Origin[i],
				Msg: fmt.Sprintf("t%d is still in %s, and %s", t, m.Image().Where(m.Next(t)), msg)}
		}
	}
	return fmt.Errorf("%s: %s", p.File, msg)
}
