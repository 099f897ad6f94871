package amd64

import (
	"math"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// move is mov. A number of four bytes or more may be an address.
func move(in *inst) {
	dst, src := in.args[0], in.args[1]
	v := in.moved(dst, src)
	if src.kind == kImm && (dst.w == 8 || dst.w == 4 && dst.kind == kReg) {
		in.ref(isa.Ref{Guess: true})
	}
	switch {
	case dst.kind == kReg && dst.w >= 4 && src.kind == kMem:
		in.load(dst.w, dst.host())
	case dst.kind == kReg && dst.w >= 4:
		in.unary(ir.Mov, dst.w, dst.host(), v)
	default:
		in.write(dst, v)
	}
}

// moved reads what is moved, unless it is loaded right into a register. A number
// for four bytes of a register has no sign: an address hasn't either.
func (in *inst) moved(dst, src operand) value {
	switch {
	case src.kind == kMem && dst.kind == kReg && dst.w >= 4:
		return value{}
	case src.kind == kImm && dst.kind == kReg && dst.w == 4:
		return number(src.imm & math.MaxUint32)
	}
	return in.read(src)
}

func moveZero(in *inst)   { in.extend(ir.Zext, in.args[0], in.args[1]) }
func moveSigned(in *inst) { in.extend(ir.Sext, in.args[0], in.args[1]) }

// extend makes more of few bytes.
func (in *inst) extend(code ir.Opcode, dst, src operand) {
	if src.w >= dst.w {
		in.fail(whyUnknown)
		return
	}
	if src.kind == kMem && code == ir.Zext && dst.w >= 4 {
		in.load(src.w, dst.host())
		return
	}
	v := in.read(src)
	if code == ir.Sext && dst.w < 8 || code == ir.Zext && dst.w < 4 {
		t := v.reg
		if !t.Temp() {
			t = in.temp()
		}
		in.unary(code, src.w, t, v)
		in.write(dst, plain(t))
		return
	}
	in.unary(code, src.w, dst.host(), v)
}

// moveIf is cmovcc. Memory is read whatever the condition, and four bytes clear
// the rest even if nothing is moved.
func moveIf(in *inst) {
	dst, src := in.args[0], in.args[1]
	c := in.condition()
	v := in.read(src)
	if dst.w == 8 {
		in.choose(c, dst.host(), v.reg, dst.host())
		return
	}
	t := v.reg
	if !t.Temp() {
		t = in.temp()
	}
	in.choose(c, t, v.reg, dst.host())
	in.write(dst, plain(t))
}

// set is setcc of a register: the lowest byte is cleared, and one more than that
// is chosen or not.
func set(in *inst) {
	dst := in.args[0]
	c := in.condition()
	if dst.kind != kReg {
		in.fail(whyOps)
		return
	}
	t0, t1 := in.temp(), in.temp()
	in.op(ir.And, 8, t0, dst.host(), number(^0xff))
	in.op(ir.Add, 8, t1, t0, number(1))
	in.choose(c, dst.host(), t1, t0)
}

// lea has no use for a segment.
func lea(in *inst) {
	dst := in.args[0]
	if in.seg != 0 {
		in.fail(whyPrefix)
		return
	}
	o := ir.NewOp(ir.La)
	o.Dst, o.Mem = dst.host(), in.address()
	if dst.w < 8 {
		o.Dst = in.temp()
	}
	in.refer()
	in.emit(o)
	in.write(dst, plain(o.Dst))
}

// exchange is xchg, which is indivisible with memory whether it says lock or not.
func exchange(in *inst) {
	a, b := in.args[0], in.args[1]
	if a.kind == kHigh || b.kind == kHigh {
		in.fail("writes ah, ch, dh or bh")
		return
	}
	if a.kind == kMem {
		in.out.IR.Locked = true
		d := in.into(b)
		in.atomic(ir.Xchg, a.w, d, b.host())
		in.write(b, plain(d))
		return
	}
	t := in.temp()
	in.unary(ir.Mov, 8, t, plain(a.host()))
	for _, to := range [...]struct {
		o operand
		v value
	}{{a, plain(b.host())}, {b, plain(t)}} {
		if a.w < 4 {
			in.unary(ir.Ins, a.w, to.o.host(), to.v)
		} else {
			in.unary(ir.Mov, a.w, to.o.host(), to.v)
		}
	}
}

// nop90 is nop and pause, or an xchg with r8.
func nop90(in *inst) {
	switch {
	case in.rex&1 != 0:
		if in.rep != 0 {
			in.fail(whyPrefix)
		}
		exchange(in)
		return
	case in.rep != 0:
		in.named("pause")
	case in.data16 == 0:
		in.named("nop")
	}
	nop(in)
}

// stack is [rsp + disp].
func stack(disp int64) ir.Mem { return ir.Mem{Base: ir.SP, Index: ir.None, Disp: disp} }

// push stores below the stack pointer before it moves it: so push %rsp has the
// old one, and what faults has changed nothing.
func push(in *inst) {
	v := in.read(in.args[0])
	in.pushed(v)
}

func (in *inst) pushed(v value) {
	o := ir.NewOp(ir.St)
	o.Width, o.A, o.Imm, o.Mem = 8, v.reg, v.imm, stack(-8)
	in.emit(o)
	in.op(ir.Sub, 8, ir.SP, ir.SP, number(8))
}

// popTo loads the top of the stack into a register and drops it.
func (in *inst) popTo(r ir.Reg, size int64) {
	o := ir.NewOp(ir.Ld)
	o.Width, o.Dst, o.Mem = 8, r, stack(0)
	in.emit(o)
	if r != ir.SP {
		in.op(ir.Add, 8, ir.SP, ir.SP, number(size))
	}
}

// pop computes the address of memory behind the move of the stack pointer.
func pop(in *inst) {
	dst := in.args[0]
	if dst.kind == kMem {
		t := in.temp()
		in.popTo(t, 8)
		in.store(8, plain(t))
		return
	}
	in.popTo(dst.host(), 8)
}

// leave is mov %rbp,%rsp and pop %rbp.
func leave(in *inst) {
	t := in.temp()
	o := ir.NewOp(ir.Ld)
	o.Width, o.Dst, o.Mem = 8, t, ir.Mem{Base: registers[rbp], Index: ir.None}
	in.emit(o)
	in.op(ir.Add, 8, ir.SP, registers[rbp], number(8))
	in.unary(ir.Mov, 8, registers[rbp], plain(t))
}
