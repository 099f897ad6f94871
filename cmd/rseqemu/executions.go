package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const executionsLong = `Executions makes every run of a program within its bounds to its end, but of those
that differ only in the order of steps that don't touch the same, one. It stores no
states, so that the memory that it takes doesn't grow, but a state that many runs
come to is seen as often. Where there are few states and many runs check is faster.

The first run that breaks something is shown. It isn't the shortest one.

--switches makes a preemption a switch to another thread that waits for the CPU, and
which then makes a step, as in tools that run threads on a scheduler of their own.
Their numbers of executions can be compared with these.`

type executionsFlags struct {
	machineFlags
	kernel     string
	executions int
	switches   bool
	timeout    time.Duration
	save       string
}

func (a *app) executionsCmd() *cobra.Command {
	f := &executionsFlags{}
	cmd := &cobra.Command{
		Use:   "executions FILE",
		Short: "Make every run, of those that differ in nothing one, without storing states",
		Long:  executionsLong + "\n\n" + exitCodes,
		Example: `  rseqemu executions list.rseq --budget preempt=1
  rseqemu executions push.rseq --kernel 6.1 --switches`,
		Args:              exactly(1, "a program"),
		ValidArgsFunction: completePrograms,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.executions(cmd.Context(), f, args[0]) },
	}
	f.add(cmd)
	a.code.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.kernel, "kernel", "", "the kernel (default: the newest that the program claims)")
	fl.IntVar(&f.executions, "executions", explore.DefaultExecutions, "runs that are made at most")
	fl.BoolVar(&f.switches, "switches", false, "preempt a thread only for another one that waits for its CPU")
	fl.DurationVar(&f.timeout, "timeout", 0, "stop after this time, as Ctrl-C does")
	fl.StringVar(&f.save, "save", "", "write the failure's schedule to this file")
	cmd.RegisterFlagCompletionFunc("kernel", completeKernel)
	for _, name := range []string{"executions", "timeout"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// executionsDocument is what executions --json prints.
type executionsDocument struct {
	Verdict     report.VerdictKind `json:"verdict"`
	Kernel      string             `json:"kernel"`
	CPUs        int                `json:"cpus"`
	Budget      string             `json:"budget"`
	Switches    bool               `json:"switches"` // preemptions are context switches
	Executions  int                `json:"executions"`
	Blocked     int                `json:"blocked"` // runs that were given up, since what follows was covered
	Transitions int                `json:"transitions"`
	Depth       int                `json:"depth"` // transitions of the longest run
	Why         string             `json:"why,omitempty"`
	Property    string             `json:"property,omitempty"`
	Message     string             `json:"message,omitempty"`
	Schedule    string             `json:"schedule,omitempty"`
}

func (a *app) executions(ctx context.Context, f *executionsFlags, arg string) error {
	if err := checkSave(f.save); err != nil {
		return err
	}
	if f.executions < 1 {
		return fmt.Errorf("--executions %d is out of range (1 and up)", f.executions)
	}
	p, err := a.loadOne(arg)
	if err != nil {
		return err
	}
	cfg, err := f.config(p)
	if err != nil {
		return err
	}
	if cfg.Kernel, err = a.kernelOr(f.kernel, p); err != nil {
		return err
	}
	m, err := emu.New(p.Program, cfg)
	if err != nil {
		return p.bad(err)
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.timeout, fmt.Errorf("--timeout %v", f.timeout))
		defer cancel()
	}
	began := time.Now()
	r, err := explore.Executions(ctx, m, p.properties, explore.ExecutionLimits{Executions: f.executions, Steps: f.steps, Switches: f.switches})
	if err != nil {
		return p.bad(err)
	}
	doc := &executionsDocument{Verdict: report.Holds, Kernel: r.Kernel.String(), CPUs: r.CPUs, Budget: r.Budget.String(), Switches: f.switches,
		Executions: r.Executions, Blocked: r.Blocked, Transitions: r.Transitions, Depth: r.Depth, Why: r.Why}
	switch {
	case r.Failure != nil:
		s := &explore.Schedule{Program: p.Program.Name, Sum: explore.Fingerprint(p.Program), Kernel: r.Kernel, CPUs: r.CPUs, Nodes: cfg.Nodes,
			Idle: cfg.Idle, Budget: r.Budget, Breaks: r.Failure.Property, Choices: r.Failure.Schedule}
		doc.Verdict, doc.Property, doc.Message, doc.Schedule = report.Broken, r.Failure.Property, r.Failure.Message, s.String()
	case !r.Complete:
		doc.Verdict = report.Incomplete
	}
	if f.save != "" && r.Failure != nil {
		if err := save(f.save, []byte(doc.Schedule)); err != nil {
			return err
		}
	}
	a.executionsEnd(f, p, report.Bounds(r.Budget), doc, time.Since(began))
	switch doc.Verdict {
	case report.Broken:
		return exit(exitBroken)
	case report.Incomplete:
		a.err.printf("rseqemu: %s: not finished: %s; try fewer threads or calls, a smaller --budget, or rseqemu check\n", p.File, doc.Why)
		return exit(exitNoAnswer)
	}
	return nil
}

func (a *app) executionsEnd(f *executionsFlags, p *program, bounds string, doc *executionsDocument, took time.Duration) {
	if a.asJSON {
		a.out.json(doc)
		return
	}
	st := a.out.style
	switches := ""
	if doc.Switches {
		switches = "; context switches only"
	}
	a.out.printf("%s on %s: %s, %s%s\n", p.File, doc.Kernel, report.Count(doc.CPUs, "CPU"), bounds, switches)
	rate := ""
	if a.out.tty {
		rate = st.Dim(fmt.Sprintf(", %.1f s", took.Seconds()))
	}
	a.out.printf("  %s of at most %s, %s given up as covered, %s in all%s\n", report.Count(doc.Executions, "execution"),
		report.Count(doc.Depth, "transition"), report.Thousands(doc.Blocked), report.Count(doc.Transitions, "transition"), rate)
	switch doc.Verdict {
	case report.Holds:
		a.out.printf("  %s\n", st.Good("holds"))
	case report.Broken:
		a.out.printf("\n%s: %s\n", st.Bad(doc.Property+" is broken"), doc.Message)
		if f.save != "" {
			a.out.printf("\nThe schedule is in %s. To see it:\n  rseqemu replay %s %s\n", f.save, shell(p.arg), shell(f.save))
			return
		}
		a.out.printf("\nThe schedule, for rseqemu replay %s FILE (--save FILE writes it):\n\n%s", p.shell(), doc.Schedule)
	}
}
