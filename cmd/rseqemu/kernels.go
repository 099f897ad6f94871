package main

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const kernelsLong = `Kernels shows what differs between kernels' rules for restartable sequences.

Without names it sets one kernel of each family side by side and lists the
releases that are known. With names it shows only the rules in which these
differ, and exits with 0 whether they do or not.

A name is a release, then in any order an architecture, v1 or v2 for what libc
registers (7.0.10 and later), debug, and slices for time slice extensions, each
behind a slash: 6.18, 6.19/arm64, 7.3/v1, 7.3/slices. With slices-off they are
built in and turned off, and 7.3/slices/preempt-rt is one with PREEMPT_RT. The
words generic, irq-only and none say how much of the generic entry code an
architecture uses that isn't there. Names can also be sets, as for rseqemu check
--kernels, and files with proposals (rseqemu help proposals).`

func (a *app) kernelsCmd() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "kernels [NAME...]",
		Short: "Show the kernels and in what they differ",
		Long:  kernelsLong,
		Example: `  rseqemu kernels
  rseqemu kernels 6.18 6.19
  rseqemu kernels 7.3/v1 7.3/v2
  rseqemu kernels 6.19 6.19/arm64`,
		ValidArgsFunction: completeKernel,
		RunE:              func(_ *cobra.Command, args []string) error { return a.kernels(args, all) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "show the rules that are the same, too")
	cmd.AddCommand(a.kernelsDiffCmd(), a.kernelsFetchCmd())
	return cmd
}

// kernelsDocument is what kernels --json prints.
type kernelsDocument struct {
	*report.KernelTable
	Families []family `json:"families,omitempty"`
}

// family is a generation of kernels.
type family struct {
	Name     string   `json:"name"`
	Releases []string `json:"releases"`
}

func (a *app) kernels(args []string, all bool) error {
	if len(args) == 0 {
		doc := kernelsDocument{report.CompareKernels(emu.DefaultKernels(), !all), families()}
		if a.asJSON {
			a.out.json(doc)
			return nil
		}
		doc.Text(a.out, a.out.style)
		a.out.printf("\nReleases:\n")
		for _, f := range doc.Families {
			a.out.printf("  %-11s %s\n", f.Name, join(f.Releases))
		}
		a.out.printf("\nrseqemu kernels 6.18 7.3/v2 sets two side by side. Architectures: %s.\n", arches())
		return nil
	}
	var ks []emu.Kernel
	for _, arg := range args {
		set, err := a.kernelSet(arg)
		if err != nil {
			return err
		}
		ks = append(ks, set...)
	}
	if len(ks) == 0 {
		return fmt.Errorf("%s names no kernel", join(args))
	}
	t := report.CompareKernels(ks, !all && len(ks) > 1)
	switch {
	case a.asJSON:
		a.out.json(kernelsDocument{KernelTable: t})
	case len(t.Rows) == 0:
		a.out.printf("the same rules: %s\n", join(t.Kernels))
	default:
		t.Text(a.out, a.out.style)
	}
	return nil
}

// families lists the releases by family, both in order.
func families() []family {
	var out []family
	for _, release := range emu.Releases() {
		name := emu.Linux(release, abi.AMD64).Family.String()
		if len(out) == 0 || out[len(out)-1].Name != name {
			out = append(out, family{Name: name})
		}
		last := &out[len(out)-1]
		last.Releases = append(last.Releases, release)
	}
	return out
}

func arches() string {
	var out []string
	for _, a := range abi.Arches() {
		out = append(out, a.String())
	}
	return join(out)
}
