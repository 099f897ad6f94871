package main

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/spf13/cobra"
)

// samplerFlags say who decides in random runs.
type samplerFlags struct {
	cmd   *cobra.Command
	name  string
	depth int
}

func (f *samplerFlags) add(cmd *cobra.Command, name string, names []string) {
	f.cmd = cmd
	fl := cmd.Flags()
	fl.StringVar(&f.name, "chooser", name, "who decides in random runs: "+strings.Join(names, ", "))
	fl.IntVar(&f.depth, "depth", 0, fmt.Sprintf("the depth of bugs that --chooser pct is aimed at (default: 1 to %d in turn)", explore.MaxDepth))
	complete(cmd, "chooser", names...)
	cmd.RegisterFlagCompletionFunc("depth", cobra.NoFileCompletions)
}

// given reports whether one of the flags was.
func (f *samplerFlags) given() bool {
	return f.cmd.Flags().Changed("chooser") || f.cmd.Flags().Changed("depth")
}

func (f *samplerFlags) sampler() (explore.Sampler, error) {
	if f.depth == 0 && f.cmd.Flags().Changed("depth") {
		return nil, fmt.Errorf("--depth 0 is out of range: without --depth, depths from 1 to %d are taken in turn", explore.MaxDepth)
	}
	s, err := explore.NewSampler(f.name, f.depth)
	if err != nil {
		return nil, fmt.Errorf("--chooser %s: %w", f.name, err)
	}
	return s, nil
}
