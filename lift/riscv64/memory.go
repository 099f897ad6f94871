package riscv64

import "github.com/rseqemu/rseqemu/ir"

var (
	loadNames  = [8]string{"lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", ""}
	storeNames = [8]string{"sb", "sh", "sw", "sd", "", "", "", ""}
)

// address is the operand of a load or store. Relative to zero there is none but
// the displacement.
func (l *lifter) address(disp int64) ir.Mem { return ir.Off(registers[l.rs1()], disp) }

func (l *lifter) load() {
	f := l.funct3()
	if loadNames[f] == "" {
		l.refuse(unknown)
		return
	}
	l.text("%s %s,%d(%s)", loadNames[f], names[l.rd()], l.immI(), names[l.rs1()])
	w, d := ir.Width(1<<(f&3)), l.loaded()
	if f >= 3 || d.Temp() {
		l.op(ir.Load(w, d, l.address(l.immI())))
		return
	}
	t := l.temp()
	l.op(ir.Load(w, t, l.address(l.immI())))
	l.op(ir.SextReg(w, d, t))
}

func (l *lifter) store() {
	f := l.funct3()
	if storeNames[f] == "" {
		l.refuse(unknown)
		return
	}
	l.text("%s %s,%d(%s)", storeNames[f], names[l.rs2()], l.immS(), names[l.rs1()])
	w, m := ir.Width(1<<f), l.address(l.immS())
	if l.rs2() == zero {
		l.op(ir.StoreImm(w, m, 0))
	} else {
		l.op(ir.Store(w, m, registers[l.rs2()]))
	}
}

// fence lifts fence. Bits for devices order nothing here.
func (l *lifter) fence() {
	if l.funct3() == 1 {
		l.text("fence.i")
		return
	}
	before, after := l.bits(27, 24), l.bits(23, 20)
	switch {
	case l.funct3() != 0 || l.rd() != 0 || l.rs1() != 0:
		l.refuse(unknown)
		return
	case l.bits(31, 28) == 8 && before == 3 && after == 3:
		l.refuse("fence.tso: there is no fence that orders all but later loads behind stores")
		return
	case l.bits(31, 28) != 0:
		l.refuse(unknown)
		return
	}
	switch {
	case before == 15 && after == 15:
		l.text("fence")
	case before == 1 && after == 0:
		l.text("pause")
	default:
		l.text("fence %s,%s", kinds(before), kinds(after))
	}
	switch before, after := before&3, after&3; {
	case before == 0 || after == 0:
	case before == 3 && after == 3:
		l.op(ir.Barrier(ir.FenceFull))
	case before == 3 && after == 1:
		l.op(ir.Barrier(ir.FenceW))
	case before == 2 && after == 3:
		l.op(ir.Barrier(ir.FenceR))
	default:
		l.refuse("%s: there is no fence that orders only that", l.out.Text)
	}
}

// kinds are the accesses that a fence orders.
func kinds(set uint32) string {
	if set == 0 {
		return "unknown"
	}
	var s []byte
	for i := range 4 {
		if set&(8>>i) != 0 {
			s = append(s, "iorw"[i])
		}
	}
	return string(s)
}
