package main

import (
	"bytes"
	"fmt"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/promela"
	"github.com/spf13/cobra"
)

func (a *app) exportCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write a program as a model for another checker",
		Long:    "Export prints a program on a machine as a model for another checker, which then\nsays whether it sees what check sees.",
		Example: "  rseqemu export promela percpu:list --kernel 6.18 >list.pml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("export wants a format before the program: rseqemu export promela %s", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.exportPromelaCmd())
	return cmd
}

const exportPromelaLong = `Promela prints a program, on the machine that check would run it on, as a model
for Spin. Without reductions Spin then counts the states and transitions that
check counts (Spin prints one transition more, the way into the first state), and
comes to the same verdict about the program's always and final conditions.

A model is of one kernel. System calls, signal handlers and kernel events other
than preempt and migrate are refused, as is what else "go doc ./promela" lists;
linearizability (spec) is left out.`

func (a *app) exportPromelaCmd() *cobra.Command {
	f := &machineFlags{steps: explore.DefaultSteps}
	kernel := ""
	cmd := &cobra.Command{
		Use:   "promela FILE",
		Short: "Print a program as a model for Spin",
		Long:  exportPromelaLong,
		Example: `  rseqemu export promela percpu:list --kernel 6.18 >list.pml
  spin -o2 -a list.pml
  gcc -O2 -w -DSAFETY -DNOREDUCE -DVECTORSZ=1024 -o pan pan.c
  ./pan -n -m1000000`,
		Args:              exactly(1, "a program"),
		ValidArgsFunction: completePrograms,
		RunE:              func(_ *cobra.Command, args []string) error { return a.exportPromela(f, kernel, args[0]) },
	}
	f.addMachine(cmd)
	a.code.add(cmd)
	cmd.Flags().StringVar(&kernel, "kernel", "", "kernel (default: the newest that the program claims)")
	cmd.RegisterFlagCompletionFunc("kernel", completeKernel)
	return cmd
}

func (a *app) exportPromela(f *machineFlags, kernel, arg string) error {
	p, err := a.loadOne(arg)
	if err != nil {
		return err
	}
	cfg, err := f.config(p)
	if err != nil {
		return err
	}
	if cfg.Kernel, err = a.kernelOr(kernel, p); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := promela.Write(&b, p.Program, cfg); err != nil {
		return p.bad(err)
	}
	if a.asJSON {
		a.out.json(exportDocument{b.String()})
	} else {
		a.out.printf("%s", b.Bytes())
	}
	return nil
}

// exportDocument is what export promela --json prints.
type exportDocument struct {
	Model string `json:"model"`
}
