package main

import (
	"github.com/spf13/cobra"
)

func (a *app) listCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the programs that are built in",
		Long: `List names the programs that are built in, each to be used instead of a file:
per-CPU structures that hold, and versions of them with one bug each.`,
		Example: `  rseqemu list
  rseqemu check percpu:list
  rseqemu fmt percpu:list >list.rseq     a copy to change`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			all := builtIns()
			if a.asJSON {
				a.out.json(listDocument{all})
				return nil
			}
			width := 0
			for _, b := range all {
				width = max(width, len(b.Name))
			}
			for _, b := range all {
				a.out.printf("%-*s  %s\n", width, b.Name, b.About)
			}
			return nil
		},
	}
}

// listDocument is what list --json prints.
type listDocument struct {
	Programs []builtin `json:"programs"`
}
