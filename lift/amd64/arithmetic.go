package amd64

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// compute is dst := dst op src, with all flags.
func compute(code ir.Opcode) func(*inst) {
	return func(in *inst) {
		dst, src := in.args[0], in.args[1]
		a, b := in.read(dst), in.read(src)
		d := in.into(dst, a.reg, b.reg)
		in.flagged(code, dst.w, ir.SetFlags, d, a.reg, b)
		in.write(dst, plain(d))
	}
}

// compare is compute without a result: cmp, test.
func compare(code ir.Opcode) func(*inst) {
	return func(in *inst) {
		a, b := in.read(in.args[0]), in.read(in.args[1])
		in.flagged(code, in.args[0].w, ir.SetFlags, ir.None, a.reg, b)
	}
}

// carry is adc and sbb: both results, and C says which. Their flags would take
// more than a bundle has room for.
func carry(code ir.Opcode) func(*inst) {
	return func(in *inst) {
		dst, src := in.args[0], in.args[1]
		a, b := in.read(dst), in.read(src)
		t0, t1 := in.temp(), in.temp()
		in.op(code, dst.w, t0, a.reg, b)
		in.op(code, dst.w, t1, t0, number(1))
		d := in.into(dst, t0)
		in.choose(ir.Lo, d, t1, t0)
		in.write(dst, plain(d))
		in.out.Lost = isa.N | isa.Z | isa.C | isa.V
	}
}

// choose is d := cond ? a : b.
func (in *inst) choose(c ir.Cond, d, a, b ir.Reg) {
	o := ir.NewOp(ir.Csel)
	o.Cond, o.Dst, o.A, o.B = c, d, a, b
	in.emit(o)
}

// step is inc and dec, which leave C.
func step(code ir.Opcode) func(*inst) {
	return func(in *inst) {
		dst := in.args[0]
		a := in.read(dst)
		d := in.into(dst, a.reg)
		in.flagged(code, dst.w, ir.KeepC, d, a.reg, number(1))
		in.write(dst, plain(d))
	}
}

func not(in *inst) {
	dst := in.args[0]
	a := in.read(dst)
	d := in.into(dst, a.reg)
	in.op(ir.Xor, dst.w, d, a.reg, number(-1))
	in.write(dst, plain(d))
}

// neg is 0 - dst; C is a borrow here too.
func neg(in *inst) {
	dst := in.args[0]
	a := in.read(dst)
	zero := in.readReg(operand{kind: kImm})
	d := in.into(dst, zero)
	in.flagged(ir.Sub, dst.w, ir.SetFlags, d, zero, a)
	in.write(dst, plain(d))
}

// shift is shl, shr and sar. By a number in a register it gives C, the last bit
// that goes out, from the value before; in memory there is no room for that. The
// machine's V is of no use but for shifts by one: shl has it, because it is an
// addition then, and so has sar, which clears it.
func shift(code ir.Opcode) func(*inst) {
	return func(in *inst) {
		dst, count := in.args[0], in.args[1]
		bits := int64(8 * dst.w.Bytes())
		if count.kind == kCL {
			in.shiftByCL(code)
			return
		}
		n := count.imm & 31
		if dst.w == 8 {
			n = count.imm & 63
		}
		if n == 0 || n >= bits {
			in.fail("a shift by nothing or by more than there is")
			return
		}
		a := in.read(dst)
		if code == ir.Shl && n == 1 {
			d := in.into(dst, a.reg)
			in.flagged(ir.Add, dst.w, ir.SetFlags, d, a.reg, a)
			in.write(dst, plain(d))
			return
		}
		if n > 1 || code == ir.Shr {
			in.out.Lost = isa.V
		}
		if dst.kind == kMem {
			in.flagged(code, dst.w, ir.SetFlags, a.reg, a.reg, number(n))
			in.store(dst.w, a)
			in.out.Lost |= isa.C
			return
		}
		t := in.temp()
		in.flagged(code, dst.w, ir.SetFlags, t, a.reg, number(n))
		last := n - 1
		if code == ir.Shl {
			last = bits - n
		}
		in.test(dst.w, a.reg, number(last))
		in.write(dst, plain(t))
	}
}

// shiftByCL is a shift by a register's value, which sets flags or, if it is zero,
// doesn't.
func (in *inst) shiftByCL(code ir.Opcode) {
	dst := in.args[0]
	if dst.w < 4 {
		in.fail("a shift by cl of less than four bytes")
		return
	}
	a := in.read(dst)
	d := in.into(dst, a.reg)
	in.op(code, dst.w, d, a.reg, plain(registers[rcx]))
	in.write(dst, plain(d))
	in.out.Lost = isa.N | isa.Z | isa.C | isa.V
}

// rotate is rol and ror by a number: what goes out on one side, and the rest. N
// and Z stay.
func rotate(out, rest ir.Opcode) func(*inst) {
	return func(in *inst) {
		dst, count := in.args[0], in.args[1]
		bits := int64(8 * dst.w.Bytes())
		n := count.imm & (bits - 1)
		if count.kind == kCL || n == 0 {
			in.fail("a rotation by cl or by nothing")
			return
		}
		a := in.read(dst)
		t0, t1 := in.temp(), in.temp()
		in.op(out, dst.w, t0, a.reg, number(n))
		in.op(rest, dst.w, t1, a.reg, number(bits-n))
		d := in.into(dst, t0)
		in.op(ir.Or, dst.w, d, t0, plain(t1))
		in.write(dst, plain(d))
		in.out.Lost = isa.C | isa.V
	}
}

// test is C := bit n of a.
func (in *inst) test(w ir.Width, a ir.Reg, n value) {
	o := ir.NewOp(ir.Bit)
	o.Width, o.A, o.B, o.Imm = w, a, n.reg, n.imm
	in.emit(o)
}

// bit is bt and, with what they do to the bit, bts, btr and btc. The bit is told
// by C where it is a register's, by number; a set bit in memory, or one that a
// register numbers, leaves no room for it. bt's Z stays.
func bit(change ir.Opcode) func(*inst) {
	return func(in *inst) {
		dst, n := in.args[0], in.args[1]
		bits := int64(8 * dst.w.Bytes())
		if dst.kind == kMem && n.kind == kReg {
			in.fail("a bit beyond its operand")
			return
		}
		in.out.Lost = isa.N | isa.V
		a := in.read(dst)
		by := number(n.imm & (bits - 1))
		if n.kind == kReg {
			by = plain(n.host())
		}
		switch {
		case change == ir.Nop:
			in.test(dst.w, a.reg, by)
			return
		case n.kind == kReg:
			in.out.Lost |= isa.C
			t := in.readReg(operand{kind: kImm, imm: 1})
			in.op(ir.Shl, dst.w, t, t, by)
			by = plain(t)
		default:
			if dst.kind == kMem {
				in.out.Lost |= isa.C
			} else {
				in.test(dst.w, a.reg, by)
			}
			by = number(1 << by.imm)
		}
		d := in.into(dst, a.reg)
		in.op(change, dst.w, d, a.reg, by)
		in.write(dst, plain(d))
	}
}

// widen is cbtw, cwtl and cltq: the accumulator's lower half, sign-extended.
func widen(in *inst) {
	w := in.width('v')
	in.named([...]string{2: "cbtw", 4: "cwtl", 8: "cltq"}[w])
	acc := operand{kind: kReg, w: w / 2, n: rax}
	in.extend(ir.Sext, operand{kind: kReg, w: w, n: rax}, acc)
}

// signInto is cwtd, cltd and cqto: rdx gets the accumulator's sign in every bit.
func signInto(in *inst) {
	w := in.width('v')
	in.named([...]string{2: "cwtd", 4: "cltd", 8: "cqto"}[w])
	dst := operand{kind: kReg, w: w, n: rdx}
	d := in.into(dst)
	in.op(ir.Sar, w, d, registers[rax], number(int64(8*w.Bytes()-1)))
	in.write(dst, plain(d))
}

func complementCarry(in *inst) { in.emit(ir.NewOp(ir.Flipc)) }

// setCarry is clc and stc.
func setCarry(c int64) func(*inst) {
	return func(in *inst) {
		t := in.readReg(operand{kind: kImm, imm: c})
		in.test(8, t, number(0))
	}
}
