package props

import (
	"encoding/binary"
	"slices"

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

// Allows all reductions but that of calls, whose beginnings it sees. A history whose
// returns are earlier is explained by fewer orders.
func (mon *Monitor) Allows() emu.Reduction { return emu.AllReductions &^ emu.EagerCalls }

// Allows all reductions, but for an invariant, which must hold in whatever order
// data changes, and before each return if it counts them; and but for conditions on
// data that may be in an object that nobody can get at.
func (c *checks) Allows() emu.Reduction {
	set := emu.AllReductions
	if c.always {
		set &^= emu.OneCPU | emu.OwnObjects | emu.EagerCalls
		if c.counts {
			set &^= emu.EagerReturns
		}
	}
	for i := range c.prog.Checks {
		if c.reads(&c.prog.Checks[i].Cond) {
			set &^= emu.Garbage
		}
	}
	return set
}

// reads reports whether an expression reads global data other than along a list, whose
// head is no object.
func (c *checks) reads(e *ir.Expr) bool {
	switch e.Op {
	case ir.ExprSym, ir.ExprIndex, ir.ExprSum:
		if d := c.data(e.Sym); d != nil && d.Kind == ir.Global {
			return true
		}
	case ir.ExprList:
		if d := c.data(e.Sym); d != nil && c.named(d) {
			return true
		}
	}
	return slices.ContainsFunc(e.Args, func(a ir.Expr) bool { return c.reads(&a) })
}

// Allows all reductions but that of calls, whose beginnings end the moments without any.
// If a call returns earlier there are more of these, and fewer orders explain it.
func (q *quiescence) Allows() emu.Reduction { return emu.AllReductions &^ emu.EagerCalls }

// named reports whether scripts name data, so that there may be objects in it.
func (c *checks) named(d *ir.Data) bool {
	im := c.m.Image()
	from := im.Symbols[d.Name]
	for i := range c.prog.Threads {
		for _, call := range c.prog.Threads[i].Calls {
			for _, v := range call.Args {
				if a := im.Symbols[v.Sym] + ir.Addr(v.Off); a >= from && a < from+ir.Addr(d.Count*d.Width.Bytes()) {
					return true
				}
			}
		}
	}
	return false
}

// Allows all reductions: it looks at calls and what they return, thread by thread.
func (s *sequence) Allows() emu.Reduction { return emu.AllReductions }

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
	case ir.ExprSum, ir.ExprList:
		if d != nil && (d.Kind == ir.PerThread || f.HasObject(e.Sym) && !f.HasObjects(e.Sym)) {
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

// CanRename reports whether the object's slots are the CPUs', every operation says in
// r1 on which it took effect, and what it takes and gives are numbers, or the
// elements.
func (mon *Monitor) CanRename(f *symmetry.Facts) bool {
	if !mon.spec.BySlot {
		return false
	}
	mon.element = symmetry.Kind{}
	for role, fn := range mon.funcs {
		if f.Result(fn, 1).Is != symmetry.CPU {
			return false
		}
		kinds := []symmetry.Kind{f.Result(fn, 0)}
		for _, ops := range mon.ops {
			for _, op := range ops {
				if op.Role == role {
					for n := range op.Args {
						kinds = append(kinds, f.Arg(fn, n))
					}
				}
			}
		}
		for _, k := range kinds {
			switch {
			case k.Is == symmetry.Object && k.Off == 0:
				mon.element = k
			case k.Is > symmetry.Fixed:
				return false
			}
		}
	}
	return true
}

// AppendRenamed appends the bytes of the state that the same history leads to under
// other names. It is worked out once for each.
func (mon *Monitor) AppendRenamed(b []byte, n *emu.Renaming) []byte {
	if n.Identity() {
		return mon.AppendState(b)
	}
	mon.name = mon.name[:0]
	for _, t := range n.Tasks {
		mon.name = append(mon.name, byte(t))
	}
	for _, c := range n.CPUs {
		mon.name = append(mon.name, byte(c))
	}
	at := mon.at
	if s, ok := at.renamed[string(mon.name)]; ok {
		return append(b, s...)
	}
	if at.renamed == nil {
		at.renamed = map[string]string{}
	}
	s := string(mon.rename(at, n))
	at.renamed[string(mon.name)] = s
	mon.size += 2*len(s) + len(mon.name)
	return append(b, s...)
}

func (mon *Monitor) rename(at *node, n *emu.Renaming) []byte {
	pending := make([]int16, len(at.pending))
	for t, call := range at.pending {
		pending[n.Tasks[t]] = call
	}
	var configs []*config
	for _, c := range at.configs {
		results := make([]*Ret, len(at.pending))
		effect := uint64(0)
		for t := range at.pending {
			if c.effect>>t&1 != 0 {
				r := c.result(t)
				op := mon.ops[t][at.pending[t]]
				if mon.kind(op.Role) {
					r.R0 = n.Value(mon.element, r.R0)
				}
				r.R1 = n.Value(symmetry.Kind{Is: symmetry.CPU}, r.R1)
				results[n.Tasks[t]] = &r
				effect |= 1 << n.Tasks[t]
			}
		}
		var rets []byte
		for _, r := range results {
			if r != nil {
				rets = binary.LittleEndian.AppendUint64(rets, r.R0)
				rets = binary.LittleEndian.AppendUint64(rets, r.R1)
			}
		}
		configs = append(configs, mon.config(renameSlots(c.state, n, mon.element), effect, string(rets)))
	}
	return encode(nil, pending, distinct(configs))
}

// kind reports whether a role gives an element.
func (mon *Monitor) kind(role int) bool {
	return mon.element.Is != symmetry.Unset && role == mon.spec.Gives
}

// renameSlots moves slots with their CPUs and renames the elements.
func renameSlots(state string, n *emu.Renaming, element symmetry.Kind) string {
	s := parseSlots(state)
	moved := slots{capacity: s.capacity, slots: make([][]uint64, len(s.slots))}
	for c, words := range s.slots {
		for i := range words {
			words[i] = n.Value(element, words[i])
		}
		moved.slots[n.CPUs[c]] = words
	}
	return moved.state()
}

// Orderless: what is counted is counted at the end.
func (c *checks) Orderless() bool { return !c.always }
