package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/spf13/cobra"
)

// searchFlags are the flags that say how states are searched and stored.
type searchFlags struct {
	states    int
	maxMemory string
	bitstate  string
	exact     bool
	reduce    string
	stopAfter int
}

func (f *searchFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVar(&f.states, "states", explore.DefaultStates, "states that a search may store, about 1 GiB for the default")
	fl.StringVar(&f.maxMemory, "max-memory", "", "memory that a search's states may take: 500MiB, 8GiB (default: no bound but --states)")
	fl.StringVar(&f.bitstate, "bitstate", "", "keep states as bits in a table of this size: many more states, some of which are missed")
	fl.BoolVar(&f.exact, "exact", false, "keep whole states beside their hashes, and see that no two share one")
	fl.StringVar(&f.reduce, "reduce", "all", "reductions that a search may make: all, none, or some of those\nthat rseqemu help search lists")
	cmd.RegisterFlagCompletionFunc("reduce", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return emu.Reductions(), cobra.ShellCompDirectiveNoFileComp
	})
	for _, name := range []string{"states", "max-memory", "bitstate"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// addStopAfter adds the flag for several failures.
func (f *searchFlags) addStopAfter(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.stopAfter, "stop-after", 1, "failures to look for that differ in what they break or where")
	cmd.RegisterFlagCompletionFunc("stop-after", cobra.NoFileCompletions)
}

// limits reads the flags, with the bound on steps of a machine's.
func (f *searchFlags) limits(steps int) (lim explore.Limits, err error) {
	lim = explore.Limits{States: f.states, Steps: steps, Exact: f.exact, Failures: f.stopAfter}
	if f.states < 1 || f.states > math.MaxInt/64 {
		return lim, fmt.Errorf("--states %d is out of range (1 and up)", f.states)
	}
	if lim.Memory, err = size("max-memory", f.maxMemory, 16<<20); err != nil {
		return lim, err
	}
	if lim.Bits, err = size("bitstate", f.bitstate, 1<<10); err != nil {
		return lim, err
	}
	if lim.Bits > 0 && f.exact {
		return lim, fmt.Errorf("--bitstate keeps no states: leave out --exact")
	}
	if lim.Bits > 0 && f.states == explore.DefaultStates {
		lim.States = math.MaxInt / 64 // the table is the bound
	}
	if f.stopAfter < 0 || f.stopAfter > 1000 {
		return lim, fmt.Errorf("--stop-after %d is out of range (1..1000)", f.stopAfter)
	}
	set, err := emu.ParseReduction(f.reduce)
	if err != nil {
		return lim, fmt.Errorf("--reduce: %w", err)
	}
	lim.Without = emu.AllReductions &^ set
	return lim, nil
}

// units of memory, by their endings.
var units = []struct {
	name  string
	shift int
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}

// size reads an amount of memory in bytes, 0 if none is given.
func size(flag, text string, least int) (int, error) {
	if text == "" {
		return 0, nil
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64>>u.shift || n<<u.shift > math.MaxInt {
			break
		}
		if n<<u.shift < int64(least) {
			return 0, fmt.Errorf("--%s %s is too little: %d KiB at least", flag, text, least>>10)
		}
		return int(n << u.shift), nil
	}
	return 0, fmt.Errorf("--%s %q is no amount of memory: write 500MiB or 8GiB", flag, text)
}
