package arm64

import (
	"fmt"
	"math/bits"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// immediate lifts data processing with an immediate operand.
func (l *lifter) immediate() {
	switch l.bits(25, 23) {
	case 0b000, 0b001:
		l.address()
	case 0b010:
		l.addImmediate()
	case 0b100:
		l.logicalImmediate()
	case 0b101:
		l.moveWide()
	case 0b110:
		l.bitfield()
	case 0b111:
		l.extract()
	default:
		l.refuse("memory tags")
	}
}

// address lifts adr and adrp.
func (l *lifter) address() {
	imm := l.signed(23, 5)<<2 | int64(l.bits(30, 29))
	v, mnemonic := int64(l.out.Addr)+imm, "adr"
	if l.bit(31) {
		v, mnemonic = int64(l.out.Addr)&^0xfff+imm<<12, "adrp"
	}
	l.text("%s %s, %#x", mnemonic, name(l.rd(), true), uint64(v))
	if r := orZero(l.rd()); r != ir.None {
		l.op(ir.MovImm(r, v))
		l.out.Refs = []isa.Ref{{Op: 0, Page: l.bit(31)}}
	}
}

// addImmediate lifts add, sub, cmp and cmn with 12 bits, shifted by 12 or not.
func (l *lifter) addImmediate() {
	imm, shift := int64(l.bits(21, 10)), ""
	if l.bit(22) {
		shift = ", lsl #12"
	}
	code, mnemonic := ir.Add, "add"
	if l.bit(30) {
		code, mnemonic = ir.Sub, "sub"
	}
	sets := l.bit(29)
	rd, rn := l.rd(), l.rn()
	switch {
	case sets && rd == 31:
		l.text("%s %s, #%#x%s", map[ir.Opcode]string{ir.Add: "cmn", ir.Sub: "cmp"}[code], l.namedSP(rn), imm, shift)
	case sets:
		l.text("%ss %s, %s, #%#x%s", mnemonic, l.named(rd), l.namedSP(rn), imm, shift)
	case code == ir.Add && imm == 0 && shift == "" && (rd == 31 || rn == 31):
		l.text("mov %s, %s", l.namedSP(rd), l.namedSP(rn))
	default:
		l.text("%s %s, %s, #%#x%s", mnemonic, l.namedSP(rd), l.namedSP(rn), imm, shift)
	}
	if shift != "" {
		imm <<= 12
	}
	switch {
	case sets && code == ir.Add && imm != 0:
		// The same as a subtraction, whose borrow is where there is no carry.
		l.op(ir.Sub.Imm(orZero(rd), orSP(rn), -imm).W(l.width()).S())
	case sets:
		l.op(code.Imm(orZero(rd), orSP(rn), imm).W(l.width()).S())
		l.carry(code)
	case code == ir.Add && imm == 0 && l.wide():
		l.op(ir.MovReg(orSP(rd), orSP(rn)))
	default:
		l.op(code.Imm(orSP(rd), orSP(rn), imm).W(l.width()))
	}
}

// carry ends an instruction that has set the flags: only a subtraction leaves C
// as it is kept here. An addition without a destination has none to have: it is
// given one.
func (l *lifter) carry(code ir.Opcode) {
	o := &l.ops[min(l.n, len(l.ops))-1]
	if code != ir.Sub {
		if o.Dst == ir.None && code != ir.And {
			o.Dst = l.temp()
		}
		l.op(ir.NewOp(ir.Flipc))
	}
}

// logicalImmediate lifts and, orr, eor and ands with a bitmask.
func (l *lifter) logicalImmediate() {
	v, ok := bitmask(l.bit(22), l.bits(15, 10), l.bits(21, 16), l.wide())
	if !ok {
		l.refuse(unknown)
		return
	}
	rd, rn := l.rd(), l.rn()
	opc := l.bits(30, 29)
	code := [4]ir.Opcode{ir.And, ir.Or, ir.Xor, ir.And}[opc]
	switch {
	case opc == 3 && rd == 31:
		l.text("tst %s, #%#x", l.named(rn), v)
	case opc == 3:
		l.text("ands %s, %s, #%#x", l.named(rd), l.named(rn), v)
	case opc == 1 && rn == 31 && (rd == 31 || !l.movable(v)):
		l.text("mov %s, #%#x", l.namedSP(rd), v)
	default:
		l.text("%s %s, %s, #%#x", [3]string{"and", "orr", "eor"}[opc], l.namedSP(rd), l.named(rn), v)
	}
	switch {
	case opc == 3:
		l.op(code.Imm(orZero(rd), l.source(rn), int64(v)).W(l.width()).S())
		l.carry(code)
	case opc == 1 && rn == 31:
		l.op(ir.MovImm(orSP(rd), int64(v)))
	default:
		l.op(code.Imm(orSP(rd), l.source(rn), int64(v)).W(l.width()))
	}
}

// movable reports whether movz or movn make the number, so that the assembler
// doesn't call orr a mov.
func (l *lifter) movable(v uint64) bool {
	for shift := 0; shift < 64; shift += 16 {
		if v&^(0xffff<<shift) == 0 || ^v&l.widthMask()&^(0xffff<<shift) == 0 {
			return true
		}
	}
	return false
}

// bitmask decodes the immediate of a logical instruction: a run of ones, rotated,
// in an element of 2 to 64 bits, repeated.
func bitmask(n bool, imms, immr uint32, wide bool) (v uint64, ok bool) {
	size := 64
	if !n {
		size = (1 << bits.Len32(^imms&0x3f)) / 2
	}
	if n && !wide || size < 2 {
		return 0, false
	}
	ones, turn := int(imms)&(size-1)+1, int(immr)&(size-1)
	if ones == size {
		return 0, false
	}
	v = 1<<ones - 1
	v = v>>turn | v<<(size-turn)
	if size < 64 {
		v &= 1<<size - 1
	}
	for ; size < 64; size *= 2 {
		v |= v << size
	}
	if !wide {
		v &= 1<<32 - 1
	}
	return v, true
}

// moveWide lifts movz, movn and movk.
func (l *lifter) moveWide() {
	imm, hw, opc := uint64(l.bits(20, 5)), l.bits(22, 21), l.bits(30, 29)
	if opc == 1 || !l.wide() && hw > 1 {
		l.refuse(unknown)
		return
	}
	rd, shift := l.rd(), 16*hw
	v, by := imm<<shift, ""
	if hw != 0 {
		by = fmt.Sprintf(", lsl #%d", shift)
	}
	switch opc {
	case 0:
		v = ^v & l.widthMask()
		if imm == 0 && hw != 0 || !l.wide() && imm == 0xffff {
			l.text("movn %s, #%#x%s", l.named(rd), imm, by)
		} else {
			l.text("mov %s, #%#x", l.named(rd), v)
		}
	case 2:
		if imm == 0 && hw != 0 {
			l.text("movz %s, #%#x%s", l.named(rd), imm, by)
		} else {
			l.text("mov %s, #%#x", l.named(rd), v)
		}
	case 3:
		l.text("movk %s, #%#x%s", l.named(rd), imm, by)
	}
	r := orZero(rd)
	switch {
	case r == ir.None:
	case opc == 3:
		t := l.temp()
		l.op(ir.And.Imm(t, r, int64(l.widthMask()&^(0xffff<<shift))).W(l.width()))
		l.op(ir.Or.Imm(r, t, int64(v)).W(l.width()))
	default:
		l.op(ir.MovImm(r, int64(v)))
	}
}

// extract lifts extr, which also is ror by a number.
func (l *lifter) extract() {
	lsb := l.bits(15, 10)
	if l.bits(30, 29) != 0 || l.bit(21) || l.bit(22) != l.wide() || !l.wide() && lsb > 31 {
		l.refuse(unknown)
		return
	}
	rd, rn, rm, w := l.rd(), l.rn(), l.rm(), l.width()
	if rn == rm {
		l.text("ror %s, %s, #%d", l.named(rd), l.named(rn), lsb)
	} else {
		l.text("extr %s, %s, %s, #%d", l.named(rd), l.named(rn), l.named(rm), lsb)
	}
	d := orZero(rd)
	switch {
	case d == ir.None:
	case lsb == 0:
		l.move(d, rm)
	case rn == 31 || rm == 31:
		l.refuse("takes more than %d micro-ops", ir.MaxOps)
	default:
		low, high := l.temp(), l.temp()
		l.op(ir.Shr.Imm(low, orZero(rm), int64(lsb)).W(w))
		l.op(ir.Shl.Imm(high, orZero(rn), 8*int64(w)-int64(lsb)).W(w))
		l.op(ir.Or.Reg(d, low, high).W(w))
	}
}

// move copies the register of that number, at the width of the instruction.
func (l *lifter) move(d ir.Reg, n uint32) {
	switch {
	case n == 31:
		l.op(ir.MovImm(d, 0))
	case l.wide():
		l.op(ir.MovReg(d, orZero(n)))
	default:
		l.op(ir.ZextReg(ir.W4, d, orZero(n)))
	}
}
