package riscv64

import "github.com/rseqemu/rseqemu/ir"

// operation is arithmetic by its number.
type operation struct {
	name string
	code ir.Opcode
}

var shiftLeft, shiftRight, shiftSigned = operation{"sll", ir.Shl}, operation{"srl", ir.Shr}, operation{"sra", ir.Sar}

// immediate lifts arithmetic with an immediate, on 64 bits or on 32 of which the
// sign is extended.
func (l *lifter) immediate() {
	f, imm, short := l.funct3(), l.immI(), l.bits(6, 0) == opImm32
	var o operation
	switch {
	case f == 0:
		o = operation{"add", ir.Add}
	case f == 1 || f == 5:
		o = l.shiftKind(short)
		imm = int64(l.bits(25, 20))
	case short:
	case f == 4:
		o = operation{"xor", ir.Xor}
	case f == 6:
		o = operation{"or", ir.Or}
	case f == 7:
		o = operation{"and", ir.And}
	default:
		l.compareImmediate(f == 3, imm)
		return
	}
	if o.name == "" {
		l.bitImmediate()
		return
	}
	l.immediateText(o, f, imm, short)
	d, rs1 := l.dest(), l.rs1()
	switch {
	case d == ir.None:
	case short && o.code == ir.Add && imm == 0 && rs1 != zero:
		l.op(ir.SextReg(ir.W4, d, registers[rs1]))
	case o.code == ir.Add && rs1 == zero:
		l.op(ir.MovImm(d, imm))
	case o.code == ir.Add && imm == 0:
		l.op(ir.MovReg(d, registers[rs1]))
	case short:
		a, t := l.source(rs1), l.temp()
		l.op(o.code.Imm(t, a, imm).W(ir.W4))
		l.op(ir.SextReg(ir.W4, d, t))
	default:
		l.op(o.code.Imm(d, l.source(rs1), imm))
	}
}

// shiftKind is which shift by a number it is.
func (l *lifter) shiftKind(short bool) operation {
	high := l.bits(31, 26)
	switch {
	case short && l.bits(25, 25) != 0:
	case l.funct3() == 1 && high == 0:
		return shiftLeft
	case l.funct3() == 5 && high == 0:
		return shiftRight
	case l.funct3() == 5 && high == 0b010000:
		return shiftSigned
	}
	return operation{}
}

func (l *lifter) immediateText(o operation, f uint32, imm int64, short bool) {
	d, s := names[l.rd()], names[l.rs1()]
	w := ""
	if short {
		w = "w"
	}
	switch {
	case f == 1 || f == 5:
		l.text("%si%s %s,%s,%#x", o.name, w, d, s, imm)
	case short && f == 0 && imm == 0:
		l.text("sext.w %s,%s", d, s)
	case short:
		l.text("addiw %s,%s,%d", d, s, imm)
	case f == 0 && l.word>>7 == 0:
		l.text("nop")
	case f == 0 && l.rs1() == zero:
		l.text("li %s,%d", d, imm)
	case f == 0 && imm == 0 && !l.short:
		l.text("mv %s,%s", d, s)
	case f == 4 && imm == -1:
		l.text("not %s,%s", d, s)
	case f == 7 && imm == 255:
		l.text("zext.b %s,%s", d, s)
	default:
		l.text("%si %s,%s,%d", o.name, d, s, imm)
	}
}

// register lifts arithmetic with registers.
func (l *lifter) register() {
	short := l.bits(6, 0) == opReg32
	f, high := l.funct3(), l.bits(31, 25)
	var o operation
	switch {
	case high == 1:
		l.refuse("multiplication or division")
		return
	case high == 0x20 && f == 0:
		o = operation{"sub", ir.Sub}
	case high == 0x20 && f == 5:
		o = shiftSigned
	case high != 0:
	case f == 0:
		o = operation{"add", ir.Add}
	case f == 1:
		o = shiftLeft
	case f == 5:
		o = shiftRight
	case short:
	case f == 4:
		o = operation{"xor", ir.Xor}
	case f == 6:
		o = operation{"or", ir.Or}
	case f == 7:
		o = operation{"and", ir.And}
	default:
		l.compareRegister(f == 3)
		return
	}
	if o.name == "" {
		l.bitRegister()
		return
	}
	l.registerText(o, short)
	d, a, b := l.dest(), l.rs1(), l.rs2()
	switch {
	case d == ir.None:
	case short:
		x, y := l.source(a), l.source(b)
		t := ir.T0
		l.op(o.code.Reg(t, x, y).W(ir.W4))
		l.op(ir.SextReg(ir.W4, d, t))
	case o.code == ir.Add && a == zero && b == zero:
		l.op(ir.MovImm(d, 0))
	case o.code == ir.Add && a == zero:
		l.op(ir.MovReg(d, registers[b]))
	case (o.code == ir.Add || o.code == ir.Sub) && b == zero && a != zero:
		l.op(ir.MovReg(d, registers[a]))
	default:
		x, y := l.source(a), l.source(b)
		l.op(o.code.Reg(d, x, y))
	}
}

func (l *lifter) registerText(o operation, short bool) {
	d, a, b := names[l.rd()], names[l.rs1()], names[l.rs2()]
	w := ""
	if short {
		w = "w"
	}
	switch {
	case l.short && o.code == ir.Add && l.rs1() == zero:
		l.text("mv %s,%s", d, b)
	case o.code == ir.Sub && l.rs1() == zero:
		l.text("neg%s %s,%s", w, d, b)
	default:
		l.text("%s%s %s,%s,%s", o.name, w, d, a, b)
	}
}

// compareImmediate lifts slti and sltiu: is it negative, is it zero?
func (l *lifter) compareImmediate(unsigned bool, imm int64) {
	d, s := names[l.rd()], names[l.rs1()]
	switch {
	case unsigned && imm == 1:
		l.text("seqz %s,%s", d, s)
	case unsigned:
		l.text("sltiu %s,%s,%d", d, s, imm)
	default:
		l.text("slti %s,%s,%d", d, s, imm)
	}
	switch r := l.dest(); {
	case r == ir.None:
	case unsigned && imm == 1 && l.rs1() != zero:
		// The sign of (a - 1) &^ a is set for a = 0 only.
		t, a := l.temp(), registers[l.rs1()]
		l.op(ir.Sub.Imm(t, a, 1))
		l.op(ir.Andn.Reg(t, t, a))
		l.op(ir.Shr.Imm(r, t, 63))
	case !unsigned && imm == 0 && l.rs1() != zero:
		l.op(ir.Shr.Imm(r, registers[l.rs1()], 63))
	default:
		l.refuse("a comparison with a result takes more than %d micro-ops", ir.MaxOps)
	}
}

// compareRegister lifts slt and sltu where one side is zero.
func (l *lifter) compareRegister(unsigned bool) {
	d, a, b := names[l.rd()], names[l.rs1()], names[l.rs2()]
	switch {
	case unsigned && l.rs1() == zero:
		l.text("snez %s,%s", d, b)
	case unsigned:
		l.text("sltu %s,%s,%s", d, a, b)
	case l.rs2() == zero:
		l.text("sltz %s,%s", d, a)
	case l.rs1() == zero:
		l.text("sgtz %s,%s", d, b)
	default:
		l.text("slt %s,%s,%s", d, a, b)
	}
	switch r := l.dest(); {
	case r == ir.None:
	case unsigned && l.rs1() == zero && l.rs2() != zero:
		// Who is 0 stays it.
		t, b := l.temp(), registers[l.rs2()]
		l.op(ir.MovImm(t, 1))
		l.op(ir.CmpImm(b, 0))
		l.op(ir.Select(ir.Ne, r, t, b))
	case !unsigned && l.rs2() == zero && l.rs1() != zero:
		l.op(ir.Shr.Imm(r, registers[l.rs1()], 63))
	default:
		l.refuse("a comparison with a result takes more than %d micro-ops", ir.MaxOps)
	}
}
