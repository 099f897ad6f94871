package amd64

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// atomic appends an indivisible operation on the memory operand.
func (in *inst) atomic(code ir.Opcode, w ir.Width, dst, a ir.Reg) {
	o := ir.NewOp(code)
	o.Width, o.Dst, o.A, o.Mem = w, dst, a, in.address()
	in.refer()
	in.emit(o)
}

const whyUnlocked = "without lock it takes more than three micro-ops"

// exchangeAdd is xadd: dst := dst + src, src := dst before, and the flags of the
// sum.
func exchangeAdd(in *inst) {
	dst, src := in.args[0], in.args[1]
	switch {
	case dst.kind == kHigh || src.kind == kHigh:
		in.fail("writes ah, ch, dh or bh")
	case dst.kind == kMem && !in.lock:
		in.fail(whyUnlocked)
	case dst.kind == kMem:
		t0, t1 := in.temp(), in.temp()
		in.atomic(ir.Xadd, dst.w, t0, src.host())
		in.flagged(ir.Add, dst.w, ir.SetFlags, t1, t0, plain(src.host()))
		in.write(src, plain(t0))
	default:
		t := in.temp()
		in.flagged(ir.Add, dst.w, ir.SetFlags, t, dst.host(), plain(src.host()))
		in.copyTo(src, dst.host())
		in.copyTo(dst, t)
	}
}

// copyTo is write that also clears the rest of a register that is its own source.
func (in *inst) copyTo(o operand, r ir.Reg) {
	if o.w < 4 {
		in.unary(ir.Ins, o.w, o.host(), plain(r))
	} else {
		in.unary(ir.Mov, o.w, o.host(), plain(r))
	}
}

// compareExchange is lock cmpxchg: if rax is what memory has, memory gets src;
// else rax gets that. Z says which. The other flags are those of cmp, for which
// there is room with eight bytes only.
func compareExchange(in *inst) {
	dst, src := in.args[0], in.args[1]
	if src.kind == kHigh {
		in.fail("ah, ch, dh or bh")
		return
	}
	if dst.kind != kMem || !in.lock {
		in.fail(whyUnlocked)
		return
	}
	acc := registers[rax]
	t := in.temp()
	in.unary(ir.Mov, 8, t, plain(acc))
	if dst.w == 8 {
		// The address may be rax's own, but is computed before rax changes.
		in.atomic(ir.Cmpxchg, 8, acc, src.host())
		in.flagged(ir.Sub, 8, ir.SetFlags, ir.None, t, plain(acc))
		return
	}
	in.out.Lost = isa.N | isa.C | isa.V
	in.atomic(ir.Cmpxchg, dst.w, t, src.host())
	if dst.w == 4 {
		in.choose(ir.Eq, acc, acc, t)
	} else {
		in.unary(ir.Ins, dst.w, acc, plain(t))
	}
}
