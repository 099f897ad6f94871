package arm64

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// register lifts data processing with registers only.
func (l *lifter) register() {
	switch op2 := l.bits(24, 21); {
	case !l.bit(28) && op2 < 8:
		l.logical()
	case !l.bit(28) && op2&1 == 0:
		l.addShifted()
	case !l.bit(28):
		l.addExtended()
	case op2 == 0b0100:
		l.choose()
	case op2 == 0b0110 && !l.bit(30):
		l.shiftVariable()
	case op2 == 0b0010:
		l.compareIf()
	case op2 == 0b0000:
		l.refuse("addition with carry")
	case op2 >= 8:
		l.refuse("multiplication")
	default:
		l.refuse(unknown)
	}
}

var shiftNames = [4]string{"lsl", "lsr", "asr", "ror"}

// shifted is the second operand, shifted by a number. Its text is what follows
// the register's name.
func (l *lifter) shifted() (r ir.Reg, text string) {
	by := l.bits(15, 10)
	kind := l.bits(23, 22)
	if !l.wide() && by > 31 {
		l.refuse(unknown)
	}
	if by == 0 && kind == 0 {
		return l.source(l.rm()), ""
	}
	text = fmt.Sprintf(", %s #%d", shiftNames[kind], by)
	if by == 0 || l.rm() == 31 {
		return l.source(l.rm()), text
	}
	r = l.temp()
	l.shift(kind, r, orZero(l.rm()), int64(by))
	return r, text
}

// shift appends a shift of the instruction's width by a number.
func (l *lifter) shift(kind uint32, d, a ir.Reg, by int64) {
	if kind == 3 {
		l.refuse("an operand that is rotated")
		return
	}
	l.op([...]ir.Opcode{ir.Shl, ir.Shr, ir.Sar}[kind].Imm(d, a, by).W(l.width()))
}

// addShifted lifts add and sub of registers, and all that are called otherwise.
func (l *lifter) addShifted() {
	if l.bits(23, 22) == 3 {
		l.refuse(unknown)
		return
	}
	rd, rn := l.rd(), l.rn()
	code, mnemonic := ir.Add, "add"
	if l.bit(30) {
		code, mnemonic = ir.Sub, "sub"
	}
	sets := l.bit(29)
	if rd == 31 && !sets { // changes nothing
		_, by := l.shifted()
		l.n = 0
		l.addShiftedText(mnemonic, by)
		return
	}
	a := ir.None
	if rn != 31 || code != ir.Add || sets {
		a = l.source(rn)
	}
	b, by := l.shifted()
	l.addShiftedText(mnemonic, by)
	switch {
	case a == ir.None: // an addition to zero
		l.copy(orZero(rd), b)
	case sets:
		l.op(code.Reg(orZero(rd), a, b).W(l.width()).S())
		l.carry(code)
	default:
		l.op(code.Reg(orZero(rd), a, b).W(l.width()))
	}
}

func (l *lifter) addShiftedText(mnemonic, by string) {
	d, n, m := l.named(l.rd()), l.named(l.rn()), l.named(l.rm())+by
	switch sets := l.bit(29); {
	case sets && l.rd() == 31:
		l.text("%s %s, %s", map[string]string{"add": "cmn", "sub": "cmp"}[mnemonic], n, m)
	case mnemonic == "sub" && l.rn() == 31 && sets:
		l.text("negs %s, %s", d, m)
	case mnemonic == "sub" && l.rn() == 31:
		l.text("neg %s, %s", d, m)
	case sets:
		l.text("%ss %s, %s, %s", mnemonic, d, n, m)
	default:
		l.text("%s %s, %s, %s", mnemonic, d, n, m)
	}
}

// copy moves a register at the width of the instruction.
func (l *lifter) copy(d, a ir.Reg) {
	if l.wide() {
		l.op(ir.MovReg(d, a))
	} else {
		l.op(ir.ZextReg(ir.W4, d, a))
	}
}

var extensionNames = [8]string{"uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"}

// extended is a register of which the low bytes count, shifted by 0 to 4.
func (l *lifter) extended(n, option uint32, by int64) ir.Reg {
	r := l.source(n)
	if n == 31 {
		return r
	}
	if size := ir.Width(1 << (option & 3)); size < l.width() {
		t := l.temp()
		if option < 4 {
			l.op(ir.ZextReg(size, t, r))
		} else {
			l.op(ir.SextReg(size, t, r))
		}
		r = t
	}
	if by > 0 {
		t := r
		if !t.Temp() {
			t = l.temp()
		}
		l.op(ir.Shl.Imm(t, r, by).W(l.width()))
		r = t
	}
	return r
}

// addExtended lifts add and sub with an extended register. They take sp.
func (l *lifter) addExtended() {
	option, by := l.bits(15, 13), l.bits(12, 10)
	if l.bits(23, 22) != 0 || by > 4 {
		l.refuse(unknown)
		return
	}
	rd, rn := l.rd(), l.rn()
	sets := l.bit(29)
	code, mnemonic := ir.Add, "add"
	if l.bit(30) {
		code, mnemonic = ir.Sub, "sub"
	}
	l.text("%s", l.addExtendedText(mnemonic, option, by))
	b := l.extended(l.rm(), option, int64(by))
	if !sets {
		l.op(code.Reg(orSP(rd), orSP(rn), b).W(l.width()))
		return
	}
	l.op(code.Reg(orZero(rd), orSP(rn), b).W(l.width()).S())
	l.carry(code)
}

func (l *lifter) addExtendedText(mnemonic string, option, by uint32) string {
	rd, rn := l.rd(), l.rn()
	sets := l.bit(29)
	// With sp the extension that changes nothing is called lsl, or nothing.
	plain := option == 2
	if l.wide() {
		plain = option == 3
	}
	ext := ", " + extensionNames[option]
	if plain && (rn == 31 || rd == 31 && !sets) {
		if ext = ", lsl"; by == 0 {
			ext = ""
		}
	}
	if by != 0 {
		ext += fmt.Sprintf(" #%d", by)
	}
	m := name(l.rm(), l.wide() && option&3 == 3) + ext
	switch {
	case sets && rd == 31:
		return fmt.Sprintf("%s %s, %s", map[string]string{"add": "cmn", "sub": "cmp"}[mnemonic], l.namedSP(rn), m)
	case sets:
		return fmt.Sprintf("%ss %s, %s, %s", mnemonic, l.named(rd), l.namedSP(rn), m)
	}
	return fmt.Sprintf("%s %s, %s, %s", mnemonic, l.namedSP(rd), l.namedSP(rn), m)
}

// logical lifts and, orr, eor, ands and those that invert their second operand:
// bic, orn, eon, bics; with mov, mvn and tst among them.
func (l *lifter) logical() {
	rd, rn, opc, inverts := l.rd(), l.rn(), l.bits(30, 29), l.bit(21)
	d, w := orZero(rd), l.width()
	a := ir.None
	if rn != 31 || opc != 1 { // or with zero is a copy
		a = l.source(rn)
	}
	b, by := l.shifted()
	l.logicalText(by)
	if opc == 3 {
		code := ir.And
		if inverts {
			code = ir.Andn
		}
		l.op(code.Reg(d, a, b).W(w).S())
		l.carry(code)
		return
	}
	ones := int64(l.widthMask())
	switch {
	case d == ir.None:
		l.n = 0
	case a == ir.None && inverts:
		l.op(ir.Xor.Imm(d, b, ones).W(w))
	case a == ir.None && l.bits(15, 10) == 0 && l.rm() == 31:
		l.n = 0 // b is not needed
		l.op(ir.MovImm(d, 0))
	case a == ir.None:
		l.copy(d, b)
	case opc == 0 && inverts:
		l.op(ir.Andn.Reg(d, a, b).W(w))
	case opc == 1 && inverts:
		t := b
		if !t.Temp() {
			t = l.temp()
		}
		l.op(ir.Xor.Imm(t, b, ones).W(w))
		l.op(ir.Or.Reg(d, a, t).W(w))
	case opc == 2 && inverts:
		t := l.temp()
		l.op(ir.Xor.Reg(t, a, b).W(w))
		l.op(ir.Xor.Imm(d, t, ones).W(w))
	default:
		l.op([...]ir.Opcode{ir.And, ir.Or, ir.Xor}[opc].Reg(d, a, b).W(w))
	}
}

func (l *lifter) logicalText(by string) {
	d, n, m := l.named(l.rd()), l.named(l.rn()), l.named(l.rm())+by
	opc, inverts := l.bits(30, 29), l.bit(21)
	switch {
	case opc == 3 && l.rd() == 31 && !inverts:
		l.text("tst %s, %s", n, m)
	case opc == 1 && l.rn() == 31 && inverts:
		l.text("mvn %s, %s", d, m)
	case opc == 1 && l.rn() == 31 && by == "":
		l.text("mov %s, %s", d, m)
	case inverts:
		l.text("%s %s, %s, %s", [4]string{"bic", "orn", "eon", "bics"}[opc], d, n, m)
	default:
		l.text("%s %s, %s, %s", [4]string{"and", "orr", "eor", "ands"}[opc], d, n, m)
	}
}

// choose lifts csel, csinc, csinv and csneg with the names that they have when
// operands are equal or zero.
func (l *lifter) choose() {
	if l.bit(29) || l.bit(11) {
		l.refuse(unknown)
		return
	}
	kind := l.bits(30, 30)<<1 | l.bits(10, 10)
	code := l.bits(15, 12)
	cond := l.condition(code)
	rd, rn, rm := l.rd(), l.rn(), l.rm()
	l.text("%s", l.chooseText(kind, code))
	d, w := orZero(rd), l.width()
	if d == ir.None {
		return
	}
	// b is the operand for when the condition doesn't hold.
	var b ir.Reg
	switch {
	case kind == 0:
		b = l.source(rm)
	case rm == 31: // 1, all ones, 0
		b = l.temp()
		l.op(ir.MovImm(b, [4]int64{1: 1, 2: int64(l.widthMask())}[kind]))
	case kind == 1:
		b = l.temp()
		l.op(ir.Add.Imm(b, orZero(rm), 1).W(w))
	case kind == 2:
		b = l.temp()
		l.op(ir.Xor.Imm(b, orZero(rm), int64(l.widthMask())).W(w))
	case kind == 3:
		b = l.temp()
		l.op(ir.MovImm(b, 0))
		l.op(ir.Sub.Reg(b, b, orZero(rm)).W(w))
	}
	a := b
	if rn != 31 || !(kind == 0 && rm == 31) {
		a = l.source(rn)
	}
	if l.wide() || a.Temp() && b.Temp() { // nothing in the upper half
		l.op(ir.Select(cond, d, a, b))
		return
	}
	t := ir.T0
	l.op(ir.Select(cond, t, a, b))
	l.op(ir.ZextReg(ir.W4, d, t))
}

func (l *lifter) chooseText(kind, code uint32) string {
	rn, rm := l.rn(), l.rm()
	d, n, m := l.named(l.rd()), l.named(rn), l.named(rm)
	cond, inverse := conditions[code].name, conditions[code^1].name
	switch {
	case kind == 1 && rn == 31 && rm == 31:
		return fmt.Sprintf("cset %s, %s", d, inverse)
	case kind == 2 && rn == 31 && rm == 31:
		return fmt.Sprintf("csetm %s, %s", d, inverse)
	case kind == 1 && rn == rm:
		return fmt.Sprintf("cinc %s, %s, %s", d, n, inverse)
	case kind == 2 && rn == rm:
		return fmt.Sprintf("cinv %s, %s, %s", d, n, inverse)
	case kind == 3 && rn == rm:
		return fmt.Sprintf("cneg %s, %s, %s", d, n, inverse)
	}
	return fmt.Sprintf("%s %s, %s, %s, %s", [4]string{"csel", "csinc", "csinv", "csneg"}[kind], d, n, m, cond)
}

// shiftVariable lifts shifts by a register, modulo the width.
func (l *lifter) shiftVariable() {
	kind := l.bits(11, 10)
	if l.bit(29) || l.bits(15, 12) != 0b0010 || kind == 3 {
		l.refuse("division, rotation or unknown")
		return
	}
	l.text("%s %s, %s, %s", shiftNames[kind], l.named(l.rd()), l.named(l.rn()), l.named(l.rm()))
	d := orZero(l.rd())
	if d == ir.None {
		return
	}
	a, b := l.source(l.rn()), l.source(l.rm())
	l.op([...]ir.Opcode{ir.Shl, ir.Shr, ir.Sar}[kind].Reg(d, a, b).W(l.width()))
}
