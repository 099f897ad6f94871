package amd64

import (
	"math/bits"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// multiply is imul by a number, as compilers have it for the size of an element:
// shifts and sums where three of them do. No flag is given.
//
//	c = 2^a                         one shift
//	c = 2^a ± 2^b                   two, and a sum
//	c = 2^a (1 + 2^s (1 + 2^r))     an address, an address, a shift
//	c = 2^a (1 + 2^s) (1 + 2^r)     the same
//	c = 2^a (1 + 2^s) ± 1           an address, a shift, a sum
//
// with s and r from 1 to 3, as addresses scale.
func multiply(in *inst) {
	dst, src, by := in.args[0], in.args[1], in.args[2]
	in.out.Lost = isa.N | isa.Z | isa.C | isa.V
	if dst.w < 4 {
		in.fail("a multiplication of two bytes")
		return
	}
	c := uint64(by.imm)
	if dst.w == 4 {
		c &= 1<<32 - 1
	}
	p := product{in, dst, in.read(src).reg}
	if !p.power(c) && !p.two(c) && !p.scaled(c) && !p.beside(c) {
		in.fail("a multiplication that takes more than shifts and sums")
	}
}

// product is a multiplication on its way: dst := x times something.
type product struct {
	in  *inst
	dst operand
	x   ir.Reg
}

func (p *product) shift(d, a ir.Reg, n int) { p.in.op(ir.Shl, p.dst.w, d, a, number(int64(n))) }

// address is d := a + b<<s.
func (p *product) address(d, a, b ir.Reg, s int) {
	o := ir.NewOp(ir.La)
	o.Dst, o.Mem = d, ir.Mem{Base: a, Index: b, Scale: uint8(s)}
	p.in.emit(o)
}

func isPower(c uint64) bool { return c != 0 && c&(c-1) == 0 }

func (p *product) power(c uint64) bool {
	if !isPower(c) {
		return false
	}
	p.shift(p.dst.host(), p.x, bits.TrailingZeros64(c))
	return true
}

func (p *product) two(c uint64) bool {
	code := ir.Add
	low := c & -c
	high := c - low
	if !isPower(high) {
		code, high = ir.Sub, c+low
		if p.dst.w == 4 {
			high &= 1<<32 - 1
		}
	}
	if !isPower(high) {
		return false
	}
	a, b := p.in.temp(), p.x
	p.shift(a, p.x, bits.TrailingZeros64(high))
	if low > 1 {
		b = p.in.temp()
		p.shift(b, p.x, bits.TrailingZeros64(low))
	}
	p.in.op(code, p.dst.w, p.dst.host(), a, plain(b))
	return true
}

func (p *product) scaled(c uint64) bool {
	if c == 0 {
		return false
	}
	n := bits.TrailingZeros64(c)
	for s := 1; s <= 3; s++ {
		for r := 1; r <= 3; r++ {
			inner := uint64(1)<<r + 1
			sum, times := c>>n == 1+inner<<s, c>>n == inner<<s+inner
			if !sum && !times {
				continue
			}
			t := p.in.temp()
			p.address(t, p.x, p.x, r)
			if sum {
				p.address(t, p.x, t, s)
			} else {
				p.address(t, t, t, s)
			}
			p.shift(p.dst.host(), t, n)
			return true
		}
	}
	return false
}

func (p *product) beside(c uint64) bool {
	for s := 1; s <= 3; s++ {
		inner := uint64(1)<<s + 1
		for n := 1; n < 64; n++ {
			code := ir.Add
			switch c {
			case inner<<n + 1:
			case inner<<n - 1:
				code = ir.Sub
			default:
				continue
			}
			t := p.in.temp()
			p.address(t, p.x, p.x, s)
			p.shift(t, t, n)
			p.in.op(code, p.dst.w, p.dst.host(), t, plain(p.x))
			return true
		}
	}
	return false
}
