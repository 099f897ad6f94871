package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/report"
	"github.com/rseqemu/rseqemu/workload"
	"github.com/spf13/cobra"
)

const statsLong = `Stats counts the work that a workload makes for kernels on the way to user mode,
under the names of their debugfs file rseq/stats, and the accesses to user memory
that it takes. The first kernel is the one that the others are compared with.

A workload is the name of one that is built in, a file that states an event mix
(rseqemu help workloads), or a trace of a real machine, as the kernel's trace file,
trace-cmd report and perf script print it; - is standard input. Built in are
  kernel-build, kernel-build-v2   the published tables of the 6.19 rewrite: what was
  selftests, selftests-v2         counted before it is the mix
  database, allocator, idle       assumptions, without a table to compare with

A trace needs sched_switch, and is better with raw_syscalls, irq_vectors, irq and
signal_deliver; call stacks in it are skipped. What it can't tell is assumed
(docs/619.md): every thread is registered, unless the trace has rseq_update, and none
is inside of a section.

A kernel's name may end in /irq-only or /none: an architecture that uses the generic
entry code for interrupts only, or not at all. Those without it have less of 6.19's
improvement. 6.19/arm64 is irq-only, with the bug that it had.`

const statsKernels = "6.18,6.19,7.3/v1,7.3/v2,6.19/irq-only,6.19/none"

func (a *app) statsCmd() *cobra.Command {
	kernels, format := "", ""
	cmd := &cobra.Command{
		Use:   "stats WORKLOAD",
		Short: "Count the work that a workload makes on each kernel",
		Long:  statsLong,
		Example: `  rseqemu stats kernel-build                        the published table, and more
  rseqemu stats mine.workload --kernels 6.18,7.3/v2
  rseqemu stats selftests --format svg >stats.svg

  What would 6.19 have saved me?
  trace-cmd record -e sched -e raw_syscalls -e irq_vectors -e irq -e signal sleep 10
  trace-cmd report | rseqemu stats -
  perf script -i perf.data | rseqemu stats - --kernels 6.12,6.19
  cat /sys/kernel/tracing/trace_pipe | rseqemu stats -     until Ctrl-C`,
		Args:              exactly(1, "a workload"),
		ValidArgsFunction: completeWorkload,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stats(cmd.Context(), args[0], kernels, format)
		},
	}
	cmd.Flags().StringVar(&kernels, "kernels", statsKernels, "kernels, with commas between them")
	cmd.Flags().StringVar(&format, "format", "table", "table, csv, json or svg")
	cmd.RegisterFlagCompletionFunc("kernels", completeKernels)
	complete(cmd, "format", "table", "csv", "json", "svg")
	return cmd
}

// completeWorkload offers the built-in workloads, and files.
func completeWorkload(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, name := range workload.BuiltIns {
		if strings.HasPrefix(name, word) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// maxStatsKernels bounds a table's columns.
const maxStatsKernels = 32

func (a *app) stats(ctx context.Context, name, kernels, format string) error {
	if a.asJSON {
		format = "json"
	}
	if !slices.Contains([]string{"table", "csv", "json", "svg"}, format) {
		return fmt.Errorf("--format is table, csv, json or svg, not %q", format)
	}
	ks, err := a.kernelSet(kernels)
	switch {
	case err != nil:
		return fmt.Errorf("--kernels: %w", err)
	case len(ks) == 0:
		return fmt.Errorf("--kernels: %s names no kernel", kernels)
	case len(ks) > maxStatsKernels:
		return fmt.Errorf("--kernels: %d kernels are more than a table has room for (%d)", len(ks), maxStatsKernels)
	}
	meter, err := workload.NewMeter(ks)
	if err != nil {
		return err
	}
	src, err := a.openWorkload(name)
	if err != nil {
		return err
	}
	defer src.Close()
	work := func(events []workload.Event) error {
		meter.Apply(events)
		return context.Cause(ctx)
	}
	s := &report.Stats{}
	text := bufio.NewReader(src)
	if begin, _ := text.Peek(len(workload.Header)); workload.IsMix(begin) {
		m, err := readMix(name, text)
		if err != nil {
			return err
		}
		if err := m.Run(work); err != nil {
			s.Stopped = err.Error()
		}
		s.Title, s.Mix = m.Title, m.String()
	} else {
		summary, err := workload.ReadTrace(name, text, work)
		switch {
		case err != nil && err == context.Cause(ctx):
			s.Stopped = err.Error()
		case err != nil:
			return err
		case summary.Switches == 0:
			return fmt.Errorf("%s: no sched_switch in %s; a workload file begins with %q, and built in are %s", name, report.Count(int(summary.Lines), "line"), workload.Header, join(workload.BuiltIns))
		}
		s.Title, s.Trace = "a trace", &summary
	}
	s.Fill(name, meter.Events(), meter.Results())
	switch format {
	case "csv":
		err = s.CSV(a.out)
	case "json":
		a.out.json(s)
	case "svg":
		err = s.SVG(a.out)
	default:
		err = s.Text(a.out, a.out.style)
	}
	if err == nil && s.Stopped != "" {
		return exit(exitNoAnswer)
	}
	return err
}

// openWorkload opens a workload by its name.
func (a *app) openWorkload(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(a.in), nil
	}
	if text, ok := workload.BuiltIn(name); ok {
		return io.NopCloser(strings.NewReader(string(text))), nil
	}
	f, err := os.Open(name)
	if bad := new(os.PathError); errors.As(err, &bad) {
		return nil, fmt.Errorf("%s: %w (built in are %s)", name, bad.Err, join(workload.BuiltIns))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("%s: is a directory", name)
	}
	return f, err
}

// readMix reads a workload file.
func readMix(name string, src io.Reader) (*workload.Mix, error) {
	text, err := io.ReadAll(io.LimitReader(src, workload.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m, err := workload.Parse(name, text)
	if err != nil {
		return nil, badInput{err, text}
	}
	return m, nil
}
