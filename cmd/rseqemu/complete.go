package main

import (
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/spf13/cobra"
)

// complete offers fixed words for a flag.
func complete(cmd *cobra.Command, flag string, words ...string) {
	cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// completePrograms offers .rseq files, compiled code, and if what is there begins like
// one the built-in programs.
func completePrograms(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, b := range builtIns() {
		if strings.HasPrefix(b.Name, word) {
			names = append(names, cobra.CompletionWithDesc(b.Name, b.About))
		}
	}
	if word != "" && len(names) > 0 {
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"rseq", "o", "so"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeProgramThenFile is for a program and a schedule.
func completeProgramThenFile(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completePrograms(cmd, args, word)
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// kernelNames are the names of all kernels with the usual entry code.
func kernelNames() []string {
	var names []string
	for _, k := range explore.Kernels(abi.AMD64) {
		names = append(names, cobra.CompletionWithDesc(k.String(), k.Family.String()))
	}
	return names
}

// completeKernel offers kernels' names, and behind ./ or / proposals.
func completeKernel(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	if strings.HasPrefix(word, ".") || strings.HasPrefix(word, "/") {
		return []string{"kernel"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return kernelNames(), cobra.ShellCompDirectiveNoFileComp
}

// completeKernels offers kernels' names for a list with commas.
func completeKernels(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	before := word[:strings.LastIndexByte(word, ',')+1]
	var out []string
	for _, n := range append(kernelNames(), "families", "all") {
		out = append(out, before+n)
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeBudget offers the classes of event for a list with commas.
func completeBudget(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	before := word[:strings.LastIndexByte(word, ',')+1]
	out := []string{before + "none"}
	for i := range len(emu.Budget{}) {
		out = append(out, before+emu.EventClass(i).String()+"=")
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
