package riscv64

import "github.com/rseqemu/rseqemu/ir"

// atomics are the read-modify-writes that package ir has or can make.
var atomics = map[uint32]operation{
	0b00000: {"amoadd", ir.Xadd}, 0b00001: {"amoswap", ir.Xchg}, 0b00100: {"amoxor", ir.Xor}, 0b01100: {"amoand", ir.And}, 0b01000: {"amoor", ir.Or},
}

// atomic lifts load-reserved, store-conditional and read-modify-writes.
func (l *lifter) atomic() {
	f := l.funct3()
	if f != 2 && f != 3 {
		l.refuse(unknown)
		return
	}
	w, suffix := ir.Width(1<<f), [4]string{2: ".w", 3: ".d"}[f]
	acquires, releases := l.bits(26, 26) != 0, l.bits(25, 25) != 0
	suffix += map[[2]bool]string{{true, false}: ".aq", {false, true}: ".rl", {true, true}: ".aqrl"}[[2]bool{acquires, releases}]
	d, s, address := names[l.rd()], names[l.rs2()], names[l.rs1()]
	switch kind := l.bits(31, 27); kind {
	case 0b00010:
		l.text("lr%s %s,(%s)", suffix, d, address)
		if l.rs2() != 0 {
			l.refuse(unknown)
		}
		if releases {
			l.refuse("%s: there is no load that releases", l.out.Text)
		}
		l.loadReserved(w, acquires)
	case 0b00011:
		l.text("sc%s %s,%s,(%s)", suffix, d, s, address)
		if acquires {
			l.refuse("%s: there is no conditional store that acquires", l.out.Text)
		}
		o := ir.StoreConditional(w, l.loaded(), l.address(0), l.source(l.rs2()))
		if releases {
			o = o.Rel()
		}
		l.op(o)
	default:
		o, ok := atomics[kind]
		switch {
		case !ok:
			l.refuse(unknown)
			return
		case !acquires || !releases:
			l.refuse("%s%s: an indivisible operation that doesn't both acquire and release", o.name, suffix)
			return
		}
		l.text("%s%s %s,%s,(%s)", o.name, suffix, d, s, address)
		l.modify(w, o.code)
	}
}

func (l *lifter) loadReserved(w ir.Width, acquires bool) {
	d := l.loaded()
	to := d
	if w == ir.W4 && !d.Temp() {
		to = l.temp()
	}
	o := ir.LoadLinked(w, to, l.address(0))
	if acquires {
		o = o.Acq()
	}
	l.op(o)
	if to != d {
		l.op(ir.SextReg(ir.W4, d, to))
	}
}

// modify appends a read-modify-write. That of package ir's leaves zeros in the
// upper half.
func (l *lifter) modify(w ir.Width, code ir.Opcode) {
	d, s, m := l.loaded(), l.source(l.rs2()), l.address(0)
	extends := w == ir.W4 && !d.Temp()
	if code != ir.Xadd && code != ir.Xchg {
		if extends || d == s || d == m.Base {
			l.refuse("%s: takes more than %d micro-ops", l.out.Text, ir.MaxOps)
			return
		}
		t := l.temp() // acq and rel are there for the alignment that they ask for
		l.locked = true
		l.op(ir.Load(w, d, m).Acq())
		l.op(code.Reg(t, d, s).W(w))
		l.op(ir.Store(w, m, t).Rel())
		return
	}
	to := d
	if extends {
		to = l.temp()
	}
	if code == ir.Xadd {
		l.op(ir.FetchAdd(w, to, m, s))
	} else {
		l.op(ir.Exchange(w, to, m, s))
	}
	if extends {
		l.op(ir.SextReg(ir.W4, d, to))
	}
}
