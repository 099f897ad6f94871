package riscv64

import "github.com/rseqemu/rseqemu/ir"

// The extension B (Zba, Zbb and Zbs), which newer profiles have, as far as an
// operation takes three micro-ops.

// bitOperation is an operation of B with two registers: its name, and the
// micro-ops that make d of a and b.
type bitOperation struct {
	name string
	lift func(l *lifter, d, a, b ir.Reg)
}

// bitKey is what tells operations apart: the opcode, bits 31 to 25, and bits 14 to
// 12.
type bitKey struct{ opcode, high, funct3 uint32 }

var bitOperations = map[bitKey]bitOperation{
	{opReg, 0x10, 2}:   {"sh1add", shiftAdd(1)},
	{opReg, 0x10, 4}:   {"sh2add", shiftAdd(2)},
	{opReg, 0x10, 6}:   {"sh3add", shiftAdd(3)},
	{opReg32, 0x04, 0}: {"add.uw", wordAdd(0)},
	{opReg32, 0x10, 2}: {"sh1add.uw", wordAdd(1)},
	{opReg32, 0x10, 4}: {"sh2add.uw", wordAdd(2)},
	{opReg32, 0x10, 6}: {"sh3add.uw", wordAdd(3)},

	{opReg, 0x20, 7}: {"andn", func(l *lifter, d, a, b ir.Reg) { l.op(ir.Andn.Reg(d, a, b)) }},
	{opReg, 0x20, 6}: {"orn", func(l *lifter, d, a, b ir.Reg) {
		t := l.temp()
		l.op(ir.Xor.Imm(t, b, -1))
		l.op(ir.Or.Reg(d, a, t))
	}},
	{opReg, 0x20, 4}: {"xnor", func(l *lifter, d, a, b ir.Reg) {
		t := l.temp()
		l.op(ir.Xor.Reg(t, a, b))
		l.op(ir.Xor.Imm(d, t, -1))
	}},

	{opReg, 0x05, 4}: {"min", choose(ir.Lt)},
	{opReg, 0x05, 5}: {"minu", choose(ir.Lo)},
	{opReg, 0x05, 6}: {"max", choose(ir.Ge)},
	{opReg, 0x05, 7}: {"maxu", choose(ir.Hs)},

	{opReg, 0x24, 1}: {"bclr", oneBit(ir.Andn)},
	{opReg, 0x14, 1}: {"bset", oneBit(ir.Or)},
	{opReg, 0x34, 1}: {"binv", oneBit(ir.Xor)},
	{opReg, 0x24, 5}: {"bext", func(l *lifter, d, a, b ir.Reg) {
		t := l.temp()
		l.op(ir.Shr.Reg(t, a, b))
		l.op(ir.And.Imm(d, t, 1))
	}},
}

func shiftAdd(by uint8) func(l *lifter, d, a, b ir.Reg) {
	return func(l *lifter, d, a, b ir.Reg) { l.op(ir.Lea(d, ir.Off(b, 0).Indexed(a, by))) }
}

func wordAdd(by uint8) func(l *lifter, d, a, b ir.Reg) {
	return func(l *lifter, d, a, b ir.Reg) {
		t := l.temp()
		l.op(ir.ZextReg(ir.W4, t, a))
		l.op(ir.Lea(d, ir.Off(b, 0).Indexed(t, by)))
	}
}

func choose(c ir.Cond) func(l *lifter, d, a, b ir.Reg) {
	return func(l *lifter, d, a, b ir.Reg) {
		l.op(ir.CmpReg(a, b))
		l.op(ir.Select(c, d, a, b))
	}
}

func oneBit(code ir.Opcode) func(l *lifter, d, a, b ir.Reg) {
	return func(l *lifter, d, a, b ir.Reg) {
		t := l.temp()
		l.op(ir.MovImm(t, 1))
		l.op(ir.Shl.Reg(t, t, b))
		l.op(code.Reg(d, a, t))
	}
}

// bitRegister lifts operations of B with two registers, and zext.h.
func (l *lifter) bitRegister() {
	key := bitKey{l.bits(6, 0), l.bits(31, 25), l.funct3()}
	d, a, b := l.dest(), l.rs1(), l.rs2()
	o, ok := bitOperations[key]
	switch {
	case key == bitKey{opReg32, 0x04, 4} && b == 0:
		l.text("zext.h %s,%s", names[l.rd()], names[a])
		l.extend(ir.ZextReg, ir.W2)
	case !ok:
		l.refuse(unknown)
	case o.name == "add.uw" && b == zero:
		l.text("zext.w %s,%s", names[l.rd()], names[a])
		l.extend(ir.ZextReg, ir.W4)
	default:
		l.text("%s %s,%s,%s", o.name, names[l.rd()], names[a], names[b])
		if d != ir.None {
			x, y := l.source(a), l.source(b)
			o.lift(l, d, x, y)
		}
	}
}

// extend appends an extension of the source's low bytes.
func (l *lifter) extend(with func(ir.Width, ir.Reg, ir.Reg) ir.Op, w ir.Width) {
	if d := l.dest(); d != ir.None {
		l.op(with(w, d, l.source(l.rs1())))
	}
}

// bitImmediate lifts operations of B with a register and a number.
func (l *lifter) bitImmediate() {
	d, s, n := names[l.rd()], names[l.rs1()], int64(l.bits(25, 20))
	switch l.bits(31, 26)<<12 | l.funct3()<<8 | l.bits(6, 0) {
	case 0b011000<<12 | 1<<8 | opImm: // of one register; the number says which
		switch n {
		case 4:
			l.text("sext.b %s,%s", d, s)
			l.extend(ir.SextReg, ir.W1)
		case 5:
			l.text("sext.h %s,%s", d, s)
			l.extend(ir.SextReg, ir.W2)
		default:
			l.refuse(unknown)
		}
	case 0b000010<<12 | 1<<8 | opImm32:
		l.bitNumber("slli.uw", n, func(d, a ir.Reg) {
			t := l.temp()
			l.op(ir.ZextReg(ir.W4, t, a))
			l.op(ir.Shl.Imm(d, t, n))
		})
	case 0b011000<<12 | 5<<8 | opImm:
		l.bitNumber("rori", n, func(d, a ir.Reg) {
			if n == 0 {
				l.op(ir.MovReg(d, a))
				return
			}
			low, high := l.temp(), l.temp()
			l.op(ir.Shr.Imm(low, a, n))
			l.op(ir.Shl.Imm(high, a, 64-n))
			l.op(ir.Or.Reg(d, low, high))
		})
	case 0b010010<<12 | 1<<8 | opImm:
		l.bitNumber("bclri", n, func(d, a ir.Reg) { l.op(ir.And.Imm(d, a, ^(1 << n))) })
	case 0b001010<<12 | 1<<8 | opImm:
		l.bitNumber("bseti", n, func(d, a ir.Reg) { l.op(ir.Or.Imm(d, a, 1<<n)) })
	case 0b011010<<12 | 1<<8 | opImm:
		l.bitNumber("binvi", n, func(d, a ir.Reg) { l.op(ir.Xor.Imm(d, a, 1<<n)) })
	case 0b010010<<12 | 5<<8 | opImm:
		l.bitNumber("bexti", n, func(d, a ir.Reg) {
			t := l.temp()
			l.op(ir.Shr.Imm(t, a, n))
			l.op(ir.And.Imm(d, t, 1))
		})
	default:
		l.refuse(unknown)
	}
}

// bitNumber makes the text and has the micro-ops appended, if anything is written.
func (l *lifter) bitNumber(mnemonic string, n int64, lift func(d, a ir.Reg)) {
	l.text("%s %s,%s,%#x", mnemonic, names[l.rd()], names[l.rs1()], n)
	if d := l.dest(); d != ir.None {
		lift(d, l.source(l.rs1()))
	}
}
