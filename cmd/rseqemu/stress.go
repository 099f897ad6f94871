package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/report"
	"github.com/rseqemu/rseqemu/stress"
	"github.com/spf13/cobra"
)

const stressLong = `Stress runs a program on this machine's own processors, under this kernel, again and
again at full speed, as the kernel's selftests do. Nothing is emulated and nothing is
watched: what interrupts it is the kernel's business. So that this happens inside a
section often enough, delays are put in front of its instructions, and outside of
sections, now and then, a sched_yield, a short sleep, or a signal; and there are six
threads for each CPU.

Each round begins with the variables as the program declares them, each thread makes
its calls once, and what they returned and left behind is held against what the program
declares: spec and final, and always where the round has ended. norace and blocks are
about what is about to happen, and aren't asked.

That a round breaks something proves that the program is wrong on this kernel. That
none does proves nothing; rseqemu check covers every schedule within its bounds.

It needs Linux on amd64 or arm64, and no root.`

type stressFlags struct {
	seconds time.Duration
	seed    uint64
}

func (a *app) stressCmd() *cobra.Command {
	f := &stressFlags{}
	cmd := &cobra.Command{
		Use:   "stress FILE",
		Short: "Run a program on the real processor, with delays put in",
		Long:  stressLong + "\n\n" + exitCodes,
		Example: `  rseqemu stress list.rseq --for 1m
  rseqemu stress percpu:counter-load-outside`,
		Args:              exactly(1, "a program"),
		ValidArgsFunction: completePrograms,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.stress(cmd.Context(), f, args[0]) },
	}
	fl := cmd.Flags()
	fl.DurationVar(&f.seconds, "for", 10*time.Second, "how long, if nothing breaks")
	fl.Uint64Var(&f.seed, "seed", 1, "what draws the delays and actions, and where")
	for _, name := range []string{"for", "seed"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// stressDocument is what stress --json prints.
type stressDocument struct {
	Verdict   report.VerdictKind `json:"verdict"`
	Kernel    string             `json:"kernel"`  // the release
	Claimed   bool               `json:"claimed"` // the program says that it is right there
	CPUs      int                `json:"cpus"`
	Processes int                `json:"processes"`
	Seed      uint64             `json:"seed"`
	Rounds    uint64             `json:"rounds"`
	Different int                `json:"different"`
	Seconds   float64            `json:"seconds"`
	Property  string             `json:"property,omitempty"`
	Message   string             `json:"message,omitempty"`
	Round     []string           `json:"round,omitempty"` // the one that breaks it, told
}

func (a *app) stress(ctx context.Context, f *stressFlags, arg string) error {
	if f.seconds <= 0 {
		return fmt.Errorf("--for %v is no time to run for", f.seconds)
	}
	p, err := a.load(arg)
	if err != nil {
		return err
	}
	r, err := stress.Run(ctx, p.Program, stress.Options{For: f.seconds, Seed: f.seed})
	if err != nil {
		return p.bad(err)
	}
	claimed, err := claims(p, r.Release)
	if err != nil {
		return err
	}
	doc := &stressDocument{Verdict: report.Sampled, Kernel: r.Release, Claimed: claimed, CPUs: r.CPUs, Processes: r.Processes, Seed: f.seed,
		Rounds: r.Rounds, Different: r.Different, Seconds: r.Took.Seconds()}
	if r.Failure != nil {
		doc.Verdict, doc.Property, doc.Message = report.Broken, r.Failure.Property, r.Failure.Message
		doc.Round = strings.Split(strings.TrimSuffix(r.Failure.Story, "\n"), "\n")
	}
	cut := r.Failure == nil && ctx.Err() != nil
	if cut {
		doc.Verdict = report.Incomplete
	}
	if a.asJSON {
		a.out.json(doc)
	} else {
		a.stressEnd(p, doc)
	}
	switch {
	case r.Failure != nil:
		return exit(exitBroken)
	case cut:
		a.err.printf("rseqemu: %s: not finished: %v\n", p.File, context.Cause(ctx))
		return exit(exitNoAnswer)
	case r.Rounds == 0:
		return p.bad(errors.New("no round has ended; run it --for longer"))
	}
	return nil
}

// claims reports whether a program says that it is right on a release of Linux, on this
// architecture. One that nobody has looked at is like the last before it.
func claims(p *program, release string) (bool, error) {
	arch, err := abi.ParseArch(runtime.GOARCH)
	if err != nil {
		return false, err
	}
	k, _, err := emu.Closest(release, arch)
	if err != nil {
		return false, err
	}
	var patterns []emu.Pattern
	for _, text := range p.Setup.Kernels {
		pat, err := emu.ParsePattern(text)
		if err != nil {
			return false, p.bad(&ir.LinkError{File: p.File, Pos: p.Setup.Places[ir.KernelsDirective], Msg: err.Error()})
		}
		patterns = append(patterns, pat)
	}
	return emu.Claims(patterns, k), nil
}

func (a *app) stressEnd(p *program, doc *stressDocument) {
	st := a.out.style
	a.out.printf("%s on Linux %s: %s, up to %d times %s, delays put in by seed %d\n", p.File, doc.Kernel,
		report.Count(doc.CPUs, "CPU"), doc.Processes, report.Count(len(p.Threads), "thread"), doc.Seed)
	a.out.printf("  %s in %.1f s, %s different\n", report.Count(int(doc.Rounds), "round"), doc.Seconds, report.Thousands(doc.Different))
	if !doc.Claimed {
		a.out.printf("  the program doesn't say that it is right on this kernel\n")
	}
	if doc.Verdict != report.Broken {
		a.out.printf("  nothing broken, which proves nothing: rseqemu check %s covers every schedule within its bounds\n", p.shell())
		return
	}
	a.out.printf("\n%s: %s\n", st.Bad(doc.Property+" is broken"), doc.Message)
	for _, line := range doc.Round {
		if line != "" {
			a.out.printf("  %s\n", line)
		}
	}
}
