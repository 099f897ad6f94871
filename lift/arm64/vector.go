package arm64

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// Vector registers as far as they carry data: loads, stores, moves. Writing less
// than all of one sets the rest to 0.

func lower(n uint32) ir.Reg { return isa.Half(int(n), 0) }
func upper(n uint32) ir.Reg { return isa.Half(int(n), 1) }

// vectorAccess is access for a vector register: 1<<size bytes of it. Sixteen are
// two accesses, of which the architecture doesn't say that they are one.
func (l *lifter) vectorAccess(size, opc uint32, m ir.Mem) (mnemonic, r string, ok bool) {
	rt, w := l.rd(), ir.Width(1<<min(size, 3))
	r = fmt.Sprintf("%c%d", "bhsdq"[size], rt)
	if opc == 0 {
		l.op(ir.Store(w, m, lower(rt)))
		if size == 4 {
			l.op(ir.Store(w, m.Plus(8), upper(rt)))
		}
		return "str", r, true
	}
	l.op(ir.Load(w, lower(rt), m))
	if size == 4 {
		l.op(ir.Load(w, upper(rt), m.Plus(8)))
	} else {
		l.op(ir.MovImm(upper(rt), 0))
	}
	return "ldr", r, true
}

// vectorMoves are the moves with one source or none, their registers left out.
var vectorMoves = []struct {
	mask, code uint32
	lift       func(l *lifter, d, n uint32)
}{
	{0xffffffe0, 0x6f00e400, func(l *lifter, d, _ uint32) {
		l.text("movi v%d.2d, #0x0", d)
		l.both(ir.MovImm(lower(d), 0), ir.MovImm(upper(d), 0))
	}},
	{0xffffffe0, 0x4f000400, func(l *lifter, d, _ uint32) {
		l.text("movi v%d.4s, #0x0", d)
		l.both(ir.MovImm(lower(d), 0), ir.MovImm(upper(d), 0))
	}},
	{0xfffffc00, 0x9e670000, func(l *lifter, d, n uint32) {
		l.text("fmov d%d, %s", d, name(n, true))
		l.both(l.from(lower(d), n), ir.MovImm(upper(d), 0))
	}},
	{0xfffffc00, 0x9e660000, func(l *lifter, d, n uint32) {
		l.text("fmov %s, d%d", name(d, true), n)
		l.extractTo(d, lower(n))
	}},
	{0xfffffc00, 0x4e080c00, func(l *lifter, d, n uint32) {
		l.text("dup v%d.2d, %s", d, name(n, true))
		l.both(l.from(lower(d), n), l.from(upper(d), n))
	}},
	{0xfffffc00, 0x4e081c00, func(l *lifter, d, n uint32) {
		l.text("mov v%d.d[0], %s", d, name(n, true))
		l.op(l.from(lower(d), n))
	}},
	{0xfffffc00, 0x4e181c00, func(l *lifter, d, n uint32) {
		l.text("mov v%d.d[1], %s", d, name(n, true))
		l.op(l.from(upper(d), n))
	}},
	{0xfffffc00, 0x4e083c00, func(l *lifter, d, n uint32) {
		l.text("mov %s, v%d.d[0]", name(d, true), n)
		l.extractTo(d, lower(n))
	}},
	{0xfffffc00, 0x4e183c00, func(l *lifter, d, n uint32) {
		l.text("mov %s, v%d.d[1]", name(d, true), n)
		l.extractTo(d, upper(n))
	}},
}

// vectorRegister lifts moves between vector and general registers.
func (l *lifter) vectorRegister() {
	d, n, m := l.rd(), l.rn(), l.rm()
	if l.vectors {
		for _, v := range vectorMoves {
			if l.word&v.mask == v.code {
				v.lift(l, d, n)
				return
			}
		}
		switch {
		case l.word&0xffe0fc00 == 0x4ea01c00 && n == m:
			l.text("mov v%d.16b, v%d.16b", d, n)
			l.both(ir.MovReg(lower(d), lower(n)), ir.MovReg(upper(d), upper(n)))
			return
		case l.word&0xffe0fc00 == 0x6e004000: // the middle of two
			l.text("ext v%d.16b, v%d.16b, v%d.16b, #8", d, n, m)
			t := l.temp()
			l.op(ir.MovReg(t, upper(n)))
			l.op(ir.MovReg(upper(d), lower(m)))
			l.op(ir.MovReg(lower(d), t))
			return
		}
	}
	l.refuse("floating point or vectors")
}

// both appends what the two halves of a vector register become.
func (l *lifter) both(low, high ir.Op) {
	l.op(low)
	l.op(high)
}

// from is a move from the general register of that number.
func (l *lifter) from(d ir.Reg, n uint32) ir.Op {
	if n == 31 {
		return ir.MovImm(d, 0)
	}
	return ir.MovReg(d, orZero(n))
}

// extractTo moves to the general register of that number.
func (l *lifter) extractTo(n uint32, half ir.Reg) {
	if n != 31 {
		l.op(ir.MovReg(orZero(n), half))
	}
}
