package arm64

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// bitfield lifts ubfm, sbfm and bfm under their many names: a field of the
// source's lowest or other bits goes to other or the lowest bits of the
// destination, with zeros, its sign or what was there around it.
func (l *lifter) bitfield() {
	immr, imms := int64(l.bits(21, 16)), int64(l.bits(15, 10))
	size := int64(32)
	if l.wide() {
		size = 64
	}
	if l.bit(22) != l.wide() || immr >= size || imms >= size || l.bits(30, 29) == 3 {
		l.refuse(unknown)
		return
	}
	f := field{size: size, width: imms - immr + 1, from: immr}
	if imms < immr {
		f = field{size: size, width: imms + 1, to: size - immr}
	}
	switch l.bits(30, 29) {
	case 0:
		l.signedField(f)
	case 1:
		l.insertField(f)
	default:
		l.unsignedField(f)
	}
}

// field is width bits of a source of size bits that go from one place to
// another; one of the two places is 0.
type field struct{ size, width, from, to int64 }

// mask is as many ones as the field has bits.
func (f field) mask() int64 { return int64(uint64(1)<<f.width - 1) }

func (l *lifter) unsignedField(f field) {
	d, w := orZero(l.rd()), l.width()
	names := l.named(l.rd()) + ", " + l.named(l.rn())
	last := f.from+f.width == f.size // the field ends where the source ends
	switch {
	case f.to != 0 && f.to+f.width == f.size:
		l.text("lsl %s, #%d", names, f.to)
	case last:
		l.text("lsr %s, #%d", names, f.from)
	case f.to != 0:
		l.text("ubfiz %s, #%d, #%d", names, f.to, f.width)
	case f.from == 0 && !l.wide() && f.width == 8:
		l.text("uxtb %s", names)
	case f.from == 0 && !l.wide() && f.width == 16:
		l.text("uxth %s", names)
	default:
		l.text("ubfx %s, #%d, #%d", names, f.from, f.width)
	}
	if d == ir.None {
		return
	}
	n := l.source(l.rn())
	switch {
	case f.to != 0 && f.to+f.width == f.size:
		l.op(ir.Shl.Imm(d, n, f.to).W(w))
	case last:
		l.op(ir.Shr.Imm(d, n, f.from).W(w))
	case f.to != 0:
		t := l.temp()
		l.op(ir.And.Imm(t, n, f.mask()))
		l.op(ir.Shl.Imm(d, t, f.to).W(w))
	case f.from != 0:
		t := l.temp()
		l.op(ir.Shr.Imm(t, n, f.from).W(w))
		l.op(ir.And.Imm(d, t, f.mask()))
	case f.width == 8 || f.width == 16 || f.width == 32:
		l.op(ir.ZextReg(ir.Width(f.width/8), d, n))
	default:
		l.op(ir.And.Imm(d, n, f.mask()))
	}
}

func (l *lifter) signedField(f field) {
	d, w := orZero(l.rd()), l.width()
	names := l.named(l.rd()) + ", " + l.named(l.rn())
	extends := f.from == 0 && f.to == 0 && (f.width == 8 || f.width == 16 || f.width == 32)
	switch {
	case f.to == 0 && f.from+f.width == f.size:
		l.text("asr %s, #%d", names, f.from)
	case extends:
		l.text("sxt%s %s, %s", map[int64]string{8: "b", 16: "h", 32: "w"}[f.width], l.named(l.rd()), name(l.rn(), false))
	case f.to != 0:
		l.text("sbfiz %s, #%d, #%d", names, f.to, f.width)
	default:
		l.text("sbfx %s, #%d, #%d", names, f.from, f.width)
	}
	if d == ir.None {
		return
	}
	// Up to the top, and down again with the sign.
	up := f.size - f.from - f.width
	down := f.size - f.width - f.to
	n := l.source(l.rn())
	switch {
	case extends && l.wide():
		l.op(ir.SextReg(ir.Width(f.width/8), d, n))
	case up == 0:
		l.op(ir.Sar.Imm(d, n, down).W(w))
	default:
		t := l.temp()
		l.op(ir.Shl.Imm(t, n, up).W(w))
		l.op(ir.Sar.Imm(d, t, down).W(w))
	}
}

// insertField lifts bfm where three micro-ops do it: the field is near one end of
// the destination, or of zeros.
func (l *lifter) insertField(f field) {
	d, w, rn := orZero(l.rd()), l.width(), l.rn()
	names := l.named(l.rd())
	switch {
	case rn == 31 && f.to != 0:
		l.text("bfc %s, #%d, #%d", names, f.to, f.width)
	case f.to != 0:
		l.text("bfi %s, %s, #%d, #%d", names, l.named(rn), f.to, f.width)
	default:
		l.text("bfxil %s, %s, #%d, #%d", names, l.named(rn), f.from, f.width)
	}
	rest := int64(l.widthMask() &^ uint64(f.mask()<<f.to))
	switch {
	case d == ir.None:
	case rn == 31:
		l.op(ir.And.Imm(d, d, rest).W(w))
	case f.from == 0 && f.to == 0 && (f.width == 8 || f.width == 16 || f.width == 32 && l.wide()):
		l.op(ir.InsReg(ir.Width(f.width/8), d, orZero(rn)))
		if !l.wide() {
			l.op(ir.ZextReg(ir.W4, d, d))
		}
	case f.width == f.size:
		l.move(d, rn)
	case f.from == 0 && f.to == 0:
		t := l.temp()
		l.op(ir.Xor.Reg(t, orZero(rn), d).W(w))
		l.op(ir.And.Imm(t, t, f.mask()).W(w))
		l.op(ir.Xor.Reg(d, d, t).W(w))
	case f.to+f.width == f.size:
		l.merge(ir.Shl.Imm(l.temp(), orZero(rn), f.to).W(w), d, rest)
	case f.to > 0 && f.to <= 3: // a sum in which no two bits meet
		kept, t := l.temp(), l.temp()
		l.op(ir.And.Imm(kept, d, rest).W(w))
		l.op(ir.And.Imm(t, orZero(rn), f.mask()))
		l.op(ir.Lea(d, ir.Off(kept, 0).Indexed(t, uint8(f.to))))
	case f.from+f.width == f.size:
		l.merge(ir.Shr.Imm(l.temp(), orZero(rn), f.from).W(w), d, rest)
	default:
		l.refuse("%s: takes more than %d micro-ops", mnemonic(l.out.Text), ir.MaxOps)
	}
}

// merge replaces all of d but the rest by what the micro-op yields.
func (l *lifter) merge(o ir.Op, d ir.Reg, rest int64) {
	kept := l.temp()
	l.op(o)
	l.op(ir.And.Imm(kept, d, rest).W(o.Width))
	l.op(ir.Or.Reg(d, kept, o.Dst).W(o.Width))
}

// mnemonic is the first word of an instruction's text.
func mnemonic(text string) (s string) {
	fmt.Sscan(text, &s)
	return s
}
