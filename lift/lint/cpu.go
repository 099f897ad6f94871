package lint

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// ids are the fields of struct rseq that the kernel writes numbers of CPUs to,
// as ranges of offsets.
var ids = []struct{ lo, hi int64 }{{abi.OffCPUIDStart, abi.OffRSeqCS}, {abi.OffNodeID, abi.OffMMCID + 4}}

// cpu looks at what the section does with the ids: it has to use one inside, and
// before it stores.
func (l *linter) cpu(s *section) {
	area, ok := l.area(s)
	if !ok || s.body.opaque() || s.body.stores == 0 {
		return
	}
	isID := func(a access) bool {
		off := a.addr.off - area.off
		if !a.op.Loads() {
			return false
		}
		if !a.addr.sameBase(area) {
			// Another thread-local name may be a place in the area, as with
			// tcmalloc's slab pointer. And compilers that don't optimise compute
			// the area's address anew, through the stack: it isn't known, and
			// this may be it.
			return a.addr.tp || a.op.Width == ir.W4 && !a.addr.isNumber() && a.op.Mem.Base != ir.SP
		}
		for _, id := range ids {
			if off < id.hi && off+int64(a.op.Width.Bytes()) > id.lo {
				return true
			}
		}
		return false
	}

	// What may be known before each instruction: which registers an id is in on
	// some way here, and whether one has been used on all.
	type state struct {
		reached bool
		ids     ir.RegSet
		checked bool
	}
	b := s.body
	before := make([]state, len(b.instrs))
	start, ok := b.index[s.start]
	if !ok {
		return
	}
	before[start] = state{reached: true}
	usedAt := make([]bool, len(b.instrs))
	anywhere := false
	for list := []int{start}; len(list) > 0; {
		i := list[len(list)-1]
		list = list[:len(list)-1]
		in, st := b.instrs[i], before[i]
		accesses := s.graph.accesses[in.Addr]
		temps := [2]bool{}
		tainted := func(r ir.Reg) bool {
			switch {
			case r == ir.T0, r == ir.T1:
				return temps[r-ir.T0]
			case r <= ir.R31:
				return st.ids&ir.RegsOf(r) != 0
			}
			return false
		}
		ops := in.IR.Micro()
		next := 0
		for k := range ops {
			o := &ops[k]
			loaded := false
			if o.Loads() || o.Stores() {
				if next < len(accesses) {
					loaded = isID(accesses[next])
				}
				next++
			}
			id := tainted(o.A) || tainted(o.B)
			switch o.Code {
			case ir.Mov, ir.Zext, ir.Sext, ir.Ins, ir.St:
			default:
				if id {
					usedAt[i] = true
				}
			}
			if tainted(o.Mem.Base) || tainted(o.Mem.Index) {
				usedAt[i] = true
			}
			if o.Dst != ir.None {
				switch {
				case o.Dst == ir.T0, o.Dst == ir.T1:
					temps[o.Dst-ir.T0] = loaded || id && !o.Loads()
				case loaded || id && !o.Loads():
					st.ids |= ir.RegsOf(o.Dst)
				default:
					st.ids &^= o.Kills() & ir.RegsOf(o.Dst)
				}
			}
		}
		if usedAt[i] {
			st.checked, anywhere = true, true
		}
		for _, to := range b.next[i] {
			at := &before[to]
			merged := state{true, at.ids | st.ids, st.checked && (at.checked || !at.reached)}
			if merged != *at {
				*at = merged
				list = append(list, to)
			}
		}
	}
	if !anywhere {
		l.at(s, "no-cpu-check", s.start, "nothing inside compares or uses cpu_id (or mm_cid): a migration before start_ip isn't restarted and goes unnoticed")
		return
	}
	for i, in := range b.instrs {
		if before[i].reached && !before[i].checked && !usedAt[i] && l.storesShared(s, in, area) {
			l.at(s, "store-before-check", in.Addr, "a store before cpu_id has been compared: the thread may be on another CPU than the one whose data this is, and no abort takes the store back")
		}
	}
}

// storesShared reports whether an instruction stores to what isn't the thread's
// own: its stack, or the area.
func (l *linter) storesShared(s *section, in *isa.Instr, area value) bool {
	for _, a := range s.graph.accesses[in.Addr] {
		if a.op.Stores() && a.op.Mem.Base != ir.SP && !a.addr.tp && !a.addr.sameBase(area) {
			return true
		}
	}
	return false
}
