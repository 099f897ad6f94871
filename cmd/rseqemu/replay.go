package main

import (
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const replayLong = `Replay follows a saved schedule and tells what happens, transition by transition.
It exits with 1 if the run breaks a property, and with 0 if it doesn't (any more).

A schedule knows the program that it was made with. For one whose text is another
by now --force tries nevertheless.`

type replayFlags struct {
	kernel string
	force  bool
	story  string
	quiet  bool
}

func (a *app) replayCmd() *cobra.Command {
	f := &replayFlags{}
	cmd := &cobra.Command{
		Use:   "replay FILE SCHEDULE",
		Short: "Follow a saved schedule",
		Long:  replayLong + "\n\n" + exitCodes,
		Example: `  rseqemu check list.rseq --save fail.sched; rseqemu replay list.rseq fail.sched
  rseqemu replay list.rseq fail.sched --kernel 6.18     the same under another kernel
  rseqemu replay list.rseq - <fail.sched`,
		Args:              exactly(2, "a program and a schedule"),
		ValidArgsFunction: completeProgramThenFile,
		RunE:              func(_ *cobra.Command, args []string) error { return a.replay(f, args[0], args[1]) },
	}
	cmd.Flags().StringVar(&f.kernel, "kernel", "", "another kernel than the schedule's")
	cmd.Flags().BoolVar(&f.force, "force", false, "follow the schedule of another program text")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "say only how it ended; the same as --story none")
	addStory(cmd, &f.story, "full")
	a.code.add(cmd)
	cmd.RegisterFlagCompletionFunc("kernel", completeKernel)
	return cmd
}

func (a *app) replay(f *replayFlags, arg, file string) error {
	if err := storyFlag(f.story); err != nil {
		return err
	}
	if f.quiet {
		f.story = "none"
	}
	if arg == "-" && file == "-" {
		return errors.New("the program and the schedule can't both be standard input")
	}
	p, err := a.loadOne(arg)
	if err != nil {
		return err
	}
	s, src, err := a.schedule(file)
	if err != nil {
		return err
	}
	if sum := explore.Fingerprint(p.Program); s.Sum != "" && s.Sum != sum && !f.force {
		return fmt.Errorf("%s: the schedule is for %s with the fingerprint %s, but %s has %s (--force follows it nevertheless)",
			file, s.Program, s.Sum, p.File, sum)
	}
	if f.kernel != "" {
		if s.Kernel, err = a.kernel(f.kernel); err != nil {
			return err
		}
	}
	m, err := emu.New(p.Program, s.Config())
	if err != nil {
		return p.bad(err)
	}
	doc := runDocument{Verdict: "unbroken", Schedule: s.String()}
	if f.story == "none" {
		err = doc.follow(p, m, s)
	} else if doc.Story, err = report.Tell(m, s, p.properties); err == nil {
		doc.Property, doc.Message, doc.Transitions = doc.Story.Broken, doc.Story.Message, len(doc.Story.Steps)
	}
	if err != nil {
		return follow(file, src, err)
	}
	doc.Events = explore.Events(s.Choices[:doc.Transitions])
	if doc.Property != "" {
		doc.Verdict = string(report.Broken)
	}
	if a.asJSON {
		a.out.json(doc)
	} else {
		a.tell(f.story, &doc)
		a.replayEnd(s, &doc)
	}
	if doc.Property != "" {
		return exit(exitBroken)
	}
	return nil
}

// follow follows a schedule without telling it.
func (doc *runDocument) follow(p *program, m *emu.Machine, s *explore.Schedule) error {
	out, err := s.Follow(m, p.properties, nil)
	if err != nil {
		return err
	}
	doc.Transitions = len(out.Schedule)
	if v := out.Violation; v != nil {
		doc.Property, doc.Message = v.Property, v.Message
	}
	return nil
}

// replayEnd says whether it is still the same.
func (a *app) replayEnd(s *explore.Schedule, doc *runDocument) {
	st := a.out.style
	if doc.Story != nil {
		a.out.printf("\n")
	}
	switch {
	case doc.Property == "" && s.Breaks == "":
		a.out.printf("%s after %s\n", st.Good("not broken"), report.Count(doc.Transitions, "transition"))
	case doc.Property == "":
		a.out.printf("%s: under %s the schedule does not break %s\n", st.Good("not broken"), s.Kernel, s.Breaks)
	case s.Breaks != "" && s.Breaks != doc.Property:
		a.out.printf("%s: %s, where the schedule was saved for %s\n", st.Bad("broken"), doc.Property, s.Breaks)
	default:
		a.out.printf("%s: %s, under %s\n", st.Bad("broken"), doc.Property, s.Kernel)
	}
}
