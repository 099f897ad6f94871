package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

// app is what the commands share: the streams and the flags of the root.
type app struct {
	in  io.Reader
	out *output
	err *output

	code   objectFlags
	asJSON bool
	color  string
}

// run is the whole command; it returns the exit code.
func run(args []string, in io.Reader, out, err io.Writer) int {
	ctx, stop := interruptible(context.Background())
	defer stop()
	a := &app{in: in, out: newOutput(out), err: newOutput(err)}
	return a.run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = a.out.err
	}
	return a.report(cmd, err)
}

const rootLong = `rseqemu runs restartable sequences (rseq) on an emulated multi-CPU machine under
the rules of any Linux release from 4.18 to 7.3. Every preemption, migration and
signal is a choice, so that a per-CPU structure can be checked under all of them,
on any operating system.

A program is a text file, - for standard input, or the name of one that is built
in, such as percpu:list.`

const exitCodes = `Exit codes:
  0  what was asked holds
  1  something is broken, differs, or was found
  2  no answer: the input or the command line is wrong, and nothing was written,
     or a limit was reached or Ctrl-C came, and what is known so far was printed`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rseqemu",
		Short: "Check restartable sequences under every preemption, migration and signal",
		Long:  rootLong + "\n\n" + exitCodes,
		Example: `  rseqemu check percpu:list                       does it hold on every kernel family?
  rseqemu check list.rseq --save fail.sched       keep the schedule that breaks it …
  rseqemu replay list.rseq fail.sched             … and see it again
  rseqemu diff list.rseq --from 6.18 --to 7.3     where do two kernels part?
  rseqemu lint libfoo.so                          what looks wrong in compiled sections?
  rseqemu check foo.rseq --object libfoo.so       are they right?
  rseqemu kernels                                 the kernels and what differs`,
		SilenceUsage:  true,
		SilenceErrors: true,
		// Its own suggestions are several lines.
		DisableSuggestions:         true,
		SuggestionsMinimumDistance: 2,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolVar(&a.asJSON, "json", false, "print one JSON object (see rseqemu help json)")
	root.PersistentFlags().StringVar(&a.color, "color", "auto", "colour: auto, always or never")
	complete(root, "color", "auto", "always", "never")
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.setColor() }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	})
	root.AddGroup(&cobra.Group{ID: "run", Title: "Checking and running:"}, &cobra.Group{ID: "text", Title: "Programs as text:"})
	for _, c := range []*cobra.Command{a.checkCmd(), a.mergeCmd(), a.executionsCmd(), a.runCmd(), a.replayCmd(), a.diffCmd(), a.stressCmd()} {
		c.GroupID = "run"
		root.AddCommand(c)
	}
	for _, c := range []*cobra.Command{a.fmtCmd(), a.vetCmd(), a.lintCmd(), a.listCmd(), a.exportCmd(), a.liftCmd()} {
		c.GroupID = "text"
		root.AddCommand(c)
	}
	root.AddCommand(a.conformCmd(), a.kernelsCmd(), a.statsCmd(), a.versionCmd())
	root.AddCommand(topics()...)
	checkHelp(root)
	return root
}

// checkHelp has cobra's help command refuse topics that there aren't, where it would
// print the general help and exit with 0.
func checkHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Args = func(_ *cobra.Command, args []string) error {
		if _, rest, err := root.Find(args); err != nil || len(rest) > 0 {
			return unknownCommand(root, strings.Join(args, " "))
		}
		return nil
	}
}

// unknownCommand is an error in one line, with the command that was meant.
func unknownCommand(root *cobra.Command, name string) error {
	near := root.SuggestionsFor(name)
	if len(near) == 0 {
		return fmt.Errorf("unknown command %q (see rseqemu --help)", name)
	}
	return fmt.Errorf("unknown command %q; did you mean %q?", name, strings.Join(near, " or "))
}

// atLeast and exactly check the number of arguments, and say what is missing.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= n {
			return nil
		}
		return fmt.Errorf("%s wants %s (see %s --help)", cmd.Name(), what, cmd.CommandPath())
	}
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("%s wants %s, not %s (see %s --help)", cmd.Name(), what, report.Count(len(args), "argument"), cmd.CommandPath())
	}
}
