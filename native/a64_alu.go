package native

import "github.com/rseqemu/rseqemu/ir"

// The operations of two registers, and those of a register and an immediate:
// those of 32 bits.
var a64Operations = map[ir.Opcode]struct{ reg, imm uint32 }{
	ir.Add: {0x0b000000, 0x11000000}, ir.Sub: {0x4b000000, 0x51000000},
	ir.And: {0x0a000000, 0x12000000}, ir.Or: {0x2a000000, 0x32000000}, ir.Xor: {0x4a000000, 0x52000000},
	ir.Andn: {0x0a200000, 0},
}

// alu emits arithmetic. Addition, subtraction and ands set flags by themselves,
// and at four and eight bytes only; other results are tested.
func (a *a64) alu(o *ir.Op, w ir.Width) {
	switch sum := o.Code == ir.Add || o.Code == ir.Sub; {
	case o.Flags == ir.KeepC:
		a.fail("arm64 has no instruction that keeps C")
	case o.Flags == ir.SetFlags && w < 4 && sum:
		a.narrowSum(o, w)
	case o.Flags == ir.NoFlags && w == 8 && sum:
		a.sum64(o)
	case o.Flags == ir.SetFlags && w >= 4 && (sum || o.Code == ir.And || o.Code == ir.Andn):
		a.combine(o, w, a.destination(o), true)
	default:
		d := address
		if o.Dst != ir.None {
			d = a.reg(o.Dst)
		}
		a.combine(o, w, d, false)
		if w < 4 {
			a.zeroExtend(w, d, d)
		}
		if o.Flags == ir.SetFlags {
			a.test(w, d)
		}
	}
}

// destination is the register of a result, or none.
func (a *a64) destination(o *ir.Op) areg {
	if o.Dst == ir.None {
		return zero
	}
	return a.reg(o.Dst)
}

// sum64 is an addition or subtraction that the stack pointer can be part of.
func (a *a64) sum64(o *ir.Op) {
	d, n := a.regOrSP(o.Dst), a.regOrSP(o.A)
	switch {
	case o.B == ir.None && o.Code == ir.Sub:
		a.addNumber(d, n, -o.Imm)
	case o.B == ir.None:
		a.addNumber(d, n, o.Imm)
	case o.Dst == ir.SP || o.A == ir.SP:
		a.word(a64Operations[o.Code].reg | 0x80206000 | dnm(d, n, a.reg(o.B))) // uxtx
	default:
		a.word(a64Operations[o.Code].reg | 0x80000000 | dnm(d, n, a.reg(o.B)))
	}
}

// combine emits d := a op (b or immediate) at four or eight bytes, with flags if
// the operation can set them.
func (a *a64) combine(o *ir.Op, w ir.Width, d areg, flags bool) {
	op, n := a64Operations[o.Code], a.reg(o.A)
	if flags && (o.Code == ir.And || o.Code == ir.Andn) {
		op.reg, op.imm = op.reg|0x60000000, 0x72000000
	} else if flags {
		op.reg, op.imm = op.reg|0x20000000, op.imm|0x20000000
	}
	if o.B != ir.None {
		a.word(op.reg | wide(w) | dnm(d, n, a.reg(o.B)))
		return
	}
	if word, ok := a.immediate(o, w, op.imm); ok {
		a.word(word | dnm(d, n, 0))
		return
	}
	a.set(value, uint64(o.Imm)&widthMask(w))
	a.word(op.reg | wide(w) | dnm(d, n, value))
}

// immediate is an operation with its immediate in it, if it has room.
func (a *a64) immediate(o *ir.Op, w ir.Width, op uint32) (uint32, bool) {
	v := o.Imm
	if w <= 4 {
		v = int64(int32(v))
	}
	if movable(uint64(v)) {
		return 0, false
	}
	switch o.Code {
	case ir.Add, ir.Sub:
		if v < 0 {
			v, op = -v, op^0x40000000 // the carry is the same
		}
		switch {
		case v>>12 == 0:
			return op | wide(w) | uint32(v)<<10, true
		case v>>24 == 0 && v&0xfff == 0:
			return op | wide(w) | 1<<22 | uint32(v>>12)<<10, true
		}
		return 0, false
	case ir.Andn:
		if op == 0 {
			op = a64Operations[ir.And].imm
		}
		v = ^v
	}
	field, ok := logical(uint64(v), max(w, 4))
	return op | wide(w) | field, ok
}

// narrowSum is an addition or subtraction of one or two bytes with its flags:
// done at the upper end of a register.
func (a *a64) narrowSum(o *ir.Op, w ir.Width) {
	shift := 32 - 8*uint32(w)
	a.field(0x53000000, address, a.reg(o.A), 32-shift, 31-shift) // lsl
	op := a64Operations[o.Code].reg | 0x20000000
	if o.B != ir.None {
		a.word(op | shift<<10 | dnm(address, address, a.reg(o.B)))
	} else {
		a.set(value, uint64(o.Imm)&widthMask(w)<<shift)
		a.word(op | dnm(address, address, value))
	}
	if o.Dst != ir.None {
		a.field(0x53000000, a.reg(o.Dst), address, shift, 31) // lsr
	}
}

// test sets N and Z to those of a result, and clears C and V.
func (a *a64) test(w ir.Width, r areg) {
	if w < 4 {
		shift := 32 - 8*uint32(w)
		a.field(0x53000000, address, r, 32-shift, 31-shift) // lsl
		r = address
	}
	a.word(0x6a000000 | wide(w) | dnm(zero, r, r)) // tst
}

// shift emits shl, shr and sar, by a distance that counts modulo the width.
func (a *a64) shift(o *ir.Op, w ir.Width) {
	d, s := a.reg(o.Dst), a.reg(o.A)
	last := 8*uint32(w) - 1
	switch {
	case o.B == ir.None:
		a.shiftBy(o.Code, w, d, s, uint32(o.Imm)&last)
	case w >= 4:
		a.word(a64Shifts[o.Code] | wide(w) | dnm(d, s, a.reg(o.B)))
	default:
		field, _ := logical(uint64(last), 4)
		a.word(0x12000000 | field | dnm(value, a.reg(o.B), 0)) // and
		switch o.Code {
		case ir.Shr:
			a.zeroExtend(w, address, s)
			s = address
		case ir.Sar:
			a.signExtend(w, address, s)
			s = address
		}
		a.word(a64Shifts[o.Code] | dnm(d, s, value))
		if o.Code != ir.Shr {
			a.zeroExtend(w, d, d)
		}
	}
	if o.Flags == ir.SetFlags {
		a.test(w, d)
	}
}

// a64Shifts are the ones by a register, of 32 bits.
var a64Shifts = map[ir.Opcode]uint32{ir.Shl: 0x1ac02000, ir.Shr: 0x1ac02400, ir.Sar: 0x1ac02800}

// shiftBy shifts by a number, which is a move of a bit field.
func (a *a64) shiftBy(code ir.Opcode, w ir.Width, d, s areg, n uint32) {
	bitsOf := 8 * uint32(w)
	size := max(bitsOf, 32)
	switch code {
	case ir.Shl:
		a.field(0x53000000|wide(w), d, s, -n&(size-1), bitsOf-1-n)
	case ir.Shr:
		a.field(0x53000000|wide(w), d, s, n, bitsOf-1)
	default:
		a.field(0x13000000|wide(w), d, s, n, bitsOf-1)
		if w < 4 {
			a.zeroExtend(w, d, d)
		}
	}
}

// signExtend is to 64 bits.
func (a *a64) signExtend(w ir.Width, d, s areg) {
	a.field(0x93000000, d, s, 0, 8*uint32(w)-1)
}
