package main

import (
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) listCmd() *cobra.Command {
	bugs, debates := false, false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the programs that are built in",
		Long: `List names the programs that are built in, each to be used instead of a file: the
per-CPU operations of the kernel's selftests, librseq and tcmalloc. --bugs names
wrong versions of them, one mistake each, and --debates claims that were made about
rseq, each with its story and right where the claim is.`,
		Example: `  rseqemu list
  rseqemu check percpu:list
  rseqemu check percpu:list-no-index-check
  rseqemu check debate:own-cache --kernels all
  rseqemu fmt percpu:list >list.rseq           a copy to change`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			a.list(bugs, debates)
			return nil
		},
	}
	cmd.Flags().BoolVar(&bugs, "bugs", false, "list the wrong versions instead")
	cmd.Flags().BoolVar(&debates, "debates", false, "list the debates instead")
	return cmd
}

// listDocument is what list --json prints.
type listDocument struct {
	Programs []builtin `json:"programs"`
}

func (a *app) list(bugs, debates bool) {
	doc := listDocument{Programs: []builtin{}}
	width, left := 0, 0
	for _, b := range builtIns() {
		switch debate := strings.HasPrefix(b.Name, debatePrefix); {
		case debate != debates:
			continue
		case (b.Bug != "") != bugs && !debate:
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
	if !bugs && !debates {
		a.out.printf("\nrseqemu list --bugs names %d wrong versions of them, --debates what was claimed about rseq.\n", left)
	}
}
