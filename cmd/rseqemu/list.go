package main

import "github.com/spf13/cobra"

func (a *app) listCmd() *cobra.Command {
	bugs := false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the programs that are built in",
		Long: `List names the programs that are built in, each to be used instead of a file: the
per-CPU operations of the kernel's selftests, librseq and tcmalloc. --bugs names
wrong versions of them, one mistake each.`,
		Example: `  rseqemu list
  rseqemu check percpu:list
  rseqemu check percpu:list-no-index-check
  rseqemu fmt percpu:list >list.rseq           a copy to change`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			a.list(bugs)
			return nil
		},
	}
	cmd.Flags().BoolVar(&bugs, "bugs", false, "list the wrong versions instead")
	return cmd
}

// listDocument is what list --json prints.
type listDocument struct {
	Programs []builtin `json:"programs"`
}

func (a *app) list(bugs bool) {
	doc := listDocument{Programs: []builtin{}}
	width, left := 0, 0
	for _, b := range builtIns() {
		if (b.Bug != "") != bugs {
			left++
			continue
		}
		doc.Programs = append(doc.Programs, b)
		width = max(width, len(b.Name))
	}
	if a.asJSON {
		a.out.json(doc)
		return
	}
	for _, b := range doc.Programs {
		a.out.printf("%-*s  %s\n", width, b.Name, b.About)
	}
	if !bugs {
		a.out.printf("\nrseqemu list --bugs names %d wrong versions of them.\n", left)
	}
}
