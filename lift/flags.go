package lift

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// checkFlags refuses code that reads a flag which isn't right behind the
// instruction that set it last: its architecture leaves it undefined, or its lift
// doesn't compute it.
func (u *Unit) checkFlags() (at ir.Addr, err error) {
	for _, in := range u.Instrs {
		if in.Lost == 0 {
			continue
		}
		if reader, ok := u.reads(in); ok {
			return reader.Addr, fmt.Errorf("%s reads flags that %s at %#x leaves undefined", reader.Text, in.Text, uint64(in.Addr))
		}
	}
	return 0, nil
}

// reads returns an instruction that may read a flag which another has lost.
func (u *Unit) reads(from isa.Instr) (isa.Instr, bool) {
	seen := map[ir.Addr]isa.Flags{} // those lost flags that were followed to there
	type place struct {
		at   ir.Addr
		lost isa.Flags
	}
	var todo []place
	for _, a := range after(from) {
		todo = append(todo, place{a, from.Lost})
	}
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		in, ok := u.At(p.at)
		if p.lost &^= seen[p.at]; !ok || p.lost == 0 {
			continue
		}
		seen[p.at] |= p.lost
		for i := range in.IR.Micro() {
			op := &in.IR.Ops[i]
			if isa.Reads(op)&p.lost != 0 {
				return in, true
			}
			p.lost &^= isa.Sets(op)
		}
		for _, a := range after(in) {
			todo = append(todo, place{a, p.lost})
		}
	}
	return isa.Instr{}, false
}
