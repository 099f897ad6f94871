package props

import "github.com/rseqemu/rseqemu/emu"

// What the properties allow a search to leave out: all of them look at nothing
// but data, the ends of processes, and calls and returns.

// Allows all reductions.
func (survive) Allows() emu.Reduction { return emu.AllReductions }

// Allows all reductions: a history whose returns are earlier is explained by
// fewer orders.
func (mon *Monitor) Allows() emu.Reduction { return emu.AllReductions }

// Allows all reductions, but for an invariant that counts returns: it must hold
// before each of them as well.
func (c *checks) Allows() emu.Reduction {
	if c.always && c.counts {
		return emu.AllReductions &^ emu.EagerReturns
	}
	return emu.AllReductions
}
