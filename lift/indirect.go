package lift

import (
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// direct returns a jump or call through a register as one to a fixed address, if
// what precedes it says which: riscv64's auipc and jalr, which reach further than
// jal does, and a jump through the linkage table, whose entries don't change.
func (c *collector) direct(in isa.Instr) isa.Instr {
	to, ok := c.linked(in)
	if !ok {
		if to, ok = c.paired(in); !ok {
			return in
		}
		c.pairs = append(c.pairs, in.Addr)
	}
	if in.Flow == isa.CallsReg && !links(in) {
		return in // riscv64's jalr t0 returns through t0, and no call does
	}
	out := in
	op := ir.NewOp(ir.Jmp)
	if out.Flow = isa.Jumps; in.Flow == isa.CallsReg {
		out.Flow, op = isa.Calls, ir.NewOp(ir.Call)
	}
	op.TargetIP, out.Target, out.Refs = to, to, nil
	out.IR = ir.NewInstr(op).Sized(in.IR.Size)
	return out
}

// linked resolves { ld.8 t0, [slot]; jmpr t0 } where the slot is the linkage
// table's.
func (c *collector) linked(in isa.Instr) (ir.Addr, bool) {
	if in.Flow != isa.JumpsReg || len(in.Refs) != 1 || !in.Refs[0].Mem || in.IR.N != 2 {
		return 0, false
	}
	ld := &in.IR.Ops[0]
	slot := address(&in, in.Refs[0])
	s := c.o.SectionAt(slot)
	if s == nil || !strings.HasPrefix(s.Name, ".got") || ld.Code != ir.Ld || ld.Mem.Base != ir.None || ld.Mem.Index != ir.None {
		return 0, false
	}
	return word(c.o, slot)
}

// paired resolves a jump or call to a register plus a distance right behind the
// instruction that gave the register the beginning of a page. That nothing else
// jumps between the two is seen when all code is known.
func (c *collector) paired(in isa.Instr) (ir.Addr, bool) {
	const size = 4 // of an adrp or auipc
	before, ok := c.got[in.Addr-size]
	if !ok || before.Next() != in.Addr || len(before.Refs) != 1 || !before.Refs[0].Page {
		return 0, false
	}
	page := before.IR.Ops[before.Refs[0].Op]
	for i := range in.IR.Micro() {
		switch op := &in.IR.Ops[i]; {
		case op.Code == ir.Add && op.A == page.Dst && op.B == ir.None:
			return address(&before, before.Refs[0]) + ir.Addr(op.Imm), true
		case op.Code == ir.Mov && op.A == page.Dst, op.Code == ir.Jmpr && op.A == page.Dst:
			return address(&before, before.Refs[0]), true
		}
	}
	return 0, false
}

// links reports whether a call leaves the return address where calls do.
func links(in isa.Instr) bool {
	for i := range in.IR.Micro() {
		if in.IR.Ops[i].Dst == ir.LR {
			return true
		}
	}
	return false
}
