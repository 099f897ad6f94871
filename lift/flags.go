package lift

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// checkFlags refuses code that reads a flag which isn't right behind the
// instruction that set it last: its architecture leaves it undefined, or its lift
// doesn't compute it. at is the reader. All instructions that lose flags are
// followed in one go, each flag through each instruction once.
func (u *codeUnit) checkFlags() (at ir.Addr, err error) {
	type place struct {
		at   ir.Addr
		lost isa.Flags
		by   *isa.Instr
	}
	var todo []place
	for i := range u.Instrs {
		if in := &u.Instrs[i]; in.Lost != 0 {
			for _, a := range after(*in) {
				todo = append(todo, place{a, in.Lost, in})
			}
		}
	}
	seen := make([]isa.Flags, len(u.Instrs)) // those lost flags that were followed to there
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		n, ok := u.at[p.at]
		if !ok {
			continue
		}
		in := &u.Instrs[n]
		if p.lost &^= seen[n]; p.lost == 0 {
			continue
		}
		seen[n] |= p.lost
		for i := range in.IR.Micro() {
			op := &in.IR.Ops[i]
			if isa.Reads(op)&p.lost != 0 {
				return in.Addr, fmt.Errorf("%s reads flags that %s at %#x leaves undefined", in.Text, p.by.Text, uint64(p.by.Addr))
			}
			p.lost &^= isa.Sets(op)
		}
		for _, a := range after(*in) {
			todo = append(todo, place{a, p.lost, p.by})
		}
	}
	return 0, nil
}
