package native

import "github.com/rseqemu/rseqemu/ir"

// a64Conditions are arm64's numbers for conditions, by what has set the flags.
var a64Conditions = map[ir.Opcode]map[ir.Cond]uint32{
	// C is a borrow in the machine and its opposite on arm64, so that unsigned
	// comparisons are the same.
	ir.Sub: {ir.Eq: 0, ir.Ne: 1, ir.Lo: 3, ir.Hs: 2, ir.Ls: 9, ir.Hi: 8, ir.Lt: 11, ir.Ge: 10, ir.Le: 13, ir.Gt: 12, ir.Mi: 4, ir.Pl: 5},
	// C is a carry in both, and lo and hs change places.
	ir.Add: {ir.Eq: 0, ir.Ne: 1, ir.Lo: 2, ir.Hs: 3, ir.Lt: 11, ir.Ge: 10, ir.Le: 13, ir.Gt: 12, ir.Mi: 4, ir.Pl: 5},
	// Logic and shifts clear C.
	ir.And: {ir.Eq: 0, ir.Ne: 1, ir.Lo: 2, ir.Hs: 3, ir.Ls: 0, ir.Hi: 1, ir.Lt: 11, ir.Ge: 10, ir.Le: 13, ir.Gt: 12, ir.Mi: 4, ir.Pl: 5},
	// Only Z is what the machine has.
	ir.Cmpxchg: {ir.Eq: 0, ir.Ne: 1},
	// The machine's C is in Z, the other way round.
	ir.Bit: {ir.Lo: 1, ir.Hs: 0},
}

// condition is arm64's number for the condition of micro-op j, by what has set
// the flags.
func (a *a64) condition(j int) uint32 {
	cond := a.im.Instrs[a.i].Ops[j].Cond
	set := setter(a.im, a.i, j)
	if set == nil {
		a.fail("arm64's C depends on what has set it, and that can't be seen")
		return 0
	}
	n, ok := a64Conditions[kindOfFlags(set)][cond]
	if !ok {
		a.fail("arm64 has no such condition after %v", set.Code)
	}
	return n
}

// setter is the micro-op that has set the flags which micro-op j of instruction
// i reads, or one of several of a kind. It is nil if they are of different kinds,
// or can come from elsewhere.
func setter(im *ir.Image, i, j int) *ir.Op {
	w := flagWalk{im: im, seen: map[int]bool{}}
	if !w.back(i, j) {
		return nil
	}
	return w.found
}

// flagWalk goes from a reader of flags backwards to whatever has set them.
type flagWalk struct {
	im    *ir.Image
	seen  map[int]bool
	found *ir.Op
}

// back looks at the micro-ops before j of instruction i, and at the instructions
// before that. It reports whether it has seen all that has set flags there.
func (w *flagWalk) back(i, j int) bool {
	for j--; j >= 0; j-- {
		if o := &w.im.Instrs[i].Ops[j]; sets(o) {
			if w.found != nil && kindOfFlags(w.found) != kindOfFlags(o) {
				return false
			}
			w.found = o
			return true
		}
	}
	if w.seen[i] {
		return true
	}
	w.seen[i] = true
	if isEntry(w.im, w.im.Addrs[i]) {
		return false
	}
	if i > 0 && !w.through(i-1, false) {
		return false
	}
	for k := range w.im.Instrs {
		if last := lastOp(&w.im.Instrs[k]); last.Target != "" && last.TargetIP == w.im.Addrs[i] && !w.through(k, true) {
			return false
		}
	}
	return true
}

// through goes on at the end of an instruction, which was left by its branch or
// wasn't.
func (w *flagWalk) through(i int, branched bool) bool {
	switch lastOp(&w.im.Instrs[i]).Code {
	case ir.Call:
		return false
	case ir.Jmp, ir.Jmpr, ir.Ret:
		if !branched {
			return true
		}
	}
	return w.back(i, int(w.im.Instrs[i].N))
}

func lastOp(in *ir.Instr) *ir.Op { return &in.Ops[in.N-1] }

// kindOfFlags is the same for operations that leave C in the same form.
func kindOfFlags(o *ir.Op) ir.Opcode {
	switch o.Code {
	case ir.Sub, ir.Add, ir.Cmpxchg, ir.Bit:
		return o.Code
	}
	return ir.And
}

// isEntry reports whether code is entered from outside there: it is a function's
// first instruction or an abort handler's.
func isEntry(im *ir.Image, at ir.Addr) bool {
	for _, f := range im.Funcs {
		if f.Entry == at {
			return true
		}
	}
	for _, s := range im.Sections {
		if s.CS.AbortIP == uint64(at) {
			return true
		}
	}
	return false
}
