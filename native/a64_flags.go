package native

import "github.com/rseqemu/rseqemu/ir"

// arm64's numbers for conditions, which are the machine's after a subtraction:
// there C is a borrow in the machine and its opposite on arm64. After anything
// else C is the same in both, so that lo and hs change places.
var (
	a64AfterSub = [...]uint32{
		ir.Eq: 0, ir.Ne: 1, ir.Lo: 3, ir.Hs: 2, ir.Ls: 9, ir.Hi: 8, ir.Lt: 11, ir.Ge: 10, ir.Le: 13, ir.Gt: 12, ir.Mi: 4, ir.Pl: 5,
	}
	a64AfterAdd = map[ir.Cond]uint32{
		ir.Eq: 0, ir.Ne: 1, ir.Lo: 2, ir.Hs: 3, ir.Lt: 11, ir.Ge: 10, ir.Le: 13, ir.Gt: 12, ir.Mi: 4, ir.Pl: 5,
	}
	// Logic clears C.
	a64AfterLogic = map[ir.Cond]uint32{
		ir.Eq: 0, ir.Ne: 1, ir.Lo: 2, ir.Hs: 3, ir.Ls: 0, ir.Hi: 1, ir.Lt: 11, ir.Ge: 10, ir.Le: 13, ir.Gt: 12, ir.Mi: 4, ir.Pl: 5,
	}
	// Only Z is what the machine has.
	a64AfterCmpxchg = map[ir.Cond]uint32{ir.Eq: 0, ir.Ne: 1}
	// The machine's C is in Z, the other way round.
	a64AfterBit = map[ir.Cond]uint32{ir.Lo: 1, ir.Hs: 0}
)

// condition is arm64's number for the condition of micro-op j, by what has set
// the flags.
func (a *a64) condition(j int) uint32 {
	cond := a.im.Instrs[a.i].Ops[j].Cond
	set := setter(a.im, a.i, j)
	n, ok := uint32(0), false
	switch {
	case set == nil:
		a.fail("arm64's C depends on what has set it, and that can't be seen")
		return 0
	case set.Code == ir.Sub:
		return a64AfterSub[cond]
	case set.Code == ir.Add:
		n, ok = a64AfterAdd[cond]
	case set.Code == ir.Cmpxchg:
		n, ok = a64AfterCmpxchg[cond]
	case set.Code == ir.Bit:
		n, ok = a64AfterBit[cond]
	default:
		n, ok = a64AfterLogic[cond]
	}
	if !ok {
		a.fail("arm64 has no such condition after %v", set.Code)
	}
	return n
}

// setter is the micro-op that has set the flags which micro-op j of instruction
// i reads, or nil if there can be more than one.
func setter(im *ir.Image, i, j int) *ir.Op {
	for {
		for j--; j >= 0; j-- {
			if o := &im.Instrs[i].Ops[j]; sets(o) {
				return o
			}
		}
		if i == 0 || isEntered(im, im.Addrs[i]) {
			return nil
		}
		i--
		if j = int(im.Instrs[i].N); im.Instrs[i].Ops[j-1].Code == ir.Call {
			return nil
		}
	}
}

// isEntered reports whether an instruction has another predecessor than the one
// before it: it is a function's first, an abort handler's, or a branch's target.
func isEntered(im *ir.Image, at ir.Addr) bool {
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
	for i := range im.Instrs {
		for _, o := range im.Instrs[i].Micro() {
			if o.Target != "" && o.TargetIP == at {
				return true
			}
		}
	}
	return false
}
