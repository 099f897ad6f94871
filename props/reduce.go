package props

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/symmetry"
)

// What the properties allow a search to leave out: all of them look at nothing
// but data, the ends of processes, and calls and returns.

// Allows all reductions.
func (survive) Allows() emu.Reduction { return emu.AllReductions }

// Orderless: whoever is killed is killed in any order.
func (survive) Orderless() bool { return true }

// Allows all reductions: a history whose returns are earlier is explained by
// fewer orders.
func (mon *Monitor) Allows() emu.Reduction { return emu.AllReductions }

// Allows all reductions, but for an invariant, which must hold in whatever order
// data changes; and if it counts returns, before each of them as well.
func (c *checks) Allows() emu.Reduction {
	switch {
	case !c.always:
		return emu.AllReductions
	case c.counts:
		return emu.AllReductions &^ (emu.OneCPU | emu.EagerReturns)
	}
	return emu.AllReductions &^ emu.OneCPU
}

// CanRename: it remembers nothing.
func (survive) CanRename(*symmetry.Facts) bool { return true }

// AppendRenamed appends nothing.
func (survive) AppendRenamed(b []byte, _ *emu.Renaming) []byte { return b }

// CanRename reports whether the conditions name no CPU and no object.
func (c *checks) CanRename(f *symmetry.Facts) bool {
	for i := range c.prog.Checks {
		if !c.symmetric(&c.prog.Checks[i].Cond, f) {
			return false
		}
	}
	return true
}

func (c *checks) symmetric(e *ir.Expr, f *symmetry.Facts) bool {
	d := c.data(e.Sym)
	switch e.Op {
	case ir.ExprSym, ir.ExprIndex, ir.ExprAddr:
		if d != nil && (d.Kind != ir.Global || f.HasObject(e.Sym)) {
			return false
		}
	case ir.ExprSum:
		if d != nil && d.Kind == ir.PerThread {
			return false
		}
	}
	for i := range e.Args {
		if !c.symmetric(&e.Args[i], f) {
			return false
		}
	}
	return true
}

// AppendRenamed moves each thread's place in its script.
func (c *checks) AppendRenamed(b []byte, n *emu.Renaming) []byte {
	if !c.counts {
		return b
	}
	at := len(b)
	b = c.AppendState(b)
	for t, v := range c.call {
		binary.LittleEndian.PutUint16(b[at+2*int(n.Tasks[t]):], v)
	}
	return b
}

// Orderless: what is counted is counted at the end.
func (c *checks) Orderless() bool { return !c.always }
