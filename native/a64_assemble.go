package native

import (
	"math/bits"

	"github.com/rseqemu/rseqemu/ir"
)

// a64 writes arm64 machine code.
type a64 struct {
	asm
	im *ir.Image
	i  int // the instruction that is being written
}

// word appends an instruction.
func (a *a64) word(w uint32) { a.imm32(int64(w)) }

// wide is the bit that makes an operation one of 64 bits.
func wide(w ir.Width) uint32 {
	if w == 8 {
		return 1 << 31
	}
	return 0
}

// dnm are the fields of an instruction with three registers.
func dnm(d, n, m areg) uint32 { return uint32(d | n<<5 | m<<16) }

// movable reports whether a number may have another value when lengths have been
// measured: it is an address of code. Whatever is encoded for such a one must
// not depend on the value.
func movable(v uint64) bool { return v >= uint64(ir.CodeBase) && v < uint64(ir.RodataBase) }

// set sets a register to a number, in one to four instructions.
func (a *a64) set(d areg, v uint64) {
	zeros, ones := 0, 0 // halves that needn't be set in a register of zeros, of ones
	for s := 0; s < 64; s += 16 {
		switch v >> s & 0xffff {
		case 0:
			zeros++
		case 0xffff:
			ones++
		}
	}
	if !movable(v) && zeros < 3 && ones < 3 {
		if field, ok := logical(v, 8); ok {
			a.word(0xb2000000 | field | dnm(d, zero, 0)) // orr
			return
		}
	}
	first, skip, flip := uint32(0xd2800000), uint64(0), uint64(0) // movz
	if ones > zeros {
		first, skip, flip = 0x92800000, 0xffff, 0xffff // movn
	}
	op := first
	for s := range 4 {
		half := v >> (16 * s) & 0xffff
		if half == skip && !(movable(v) && s < 2) {
			continue
		}
		if op == first {
			half ^= flip
		}
		a.word(op | uint32(s)<<21 | uint32(half)<<5 | uint32(d))
		op = 0xf2800000 // movk
	}
	if op == first {
		a.word(first | uint32(d))
	}
}

// logical returns the fields of a logical instruction's immediate: a rotated run
// of ones, repeated every 2, 4, …, 64 bits.
func logical(v uint64, w ir.Width) (uint32, bool) {
	if w == 4 {
		v = v<<32 | v&0xffffffff
	}
	if v == 0 || v == ^uint64(0) {
		return 0, false
	}
	size := 64
	for size > 2 && v == bits.RotateLeft64(v, size/2) {
		size /= 2
	}
	ones := bits.OnesCount64(v) * size / 64
	run := uint64(1)<<ones - 1
	for s := size; s < 64; s *= 2 {
		run |= run << s
	}
	for r := range size {
		if bits.RotateLeft64(run, -r) == v {
			n := uint32(0)
			if size == 64 {
				n = 1
			}
			length := uint32(^(2*size-1))&0x3f | uint32(ones-1)
			return n<<22 | uint32(r)<<16 | length<<10, true
		}
	}
	return 0, false
}

// move copies a register; either can be the stack pointer.
func (a *a64) move(d, s areg) {
	switch {
	case d == s:
	case d == stack || s == stack:
		a.word(0x91000000 | dnm(d, s, 0)) // add #0
	default:
		a.word(0xaa000000 | dnm(d, zero, s)) // orr
	}
}

// addNumber is d := n + v, of 64 bits and without flags; either register can be
// the stack pointer. It destroys the value register if v has more than 24 bits.
func (a *a64) addNumber(d, n areg, v int64) {
	op, u := uint32(0x91000000), uint64(v)
	if v < 0 {
		op, u = 0xd1000000, -u // sub
	}
	switch high, low := uint32(u>>12), uint32(u&0xfff); {
	case u == 0:
		a.move(d, n)
	case u >= 1<<24:
		a.set(value, uint64(v))
		a.word(0x8b206000 | dnm(d, n, value)) // add uxtx: sp can be an operand
	default:
		if high != 0 {
			a.word(op | 1<<22 | high<<10 | dnm(d, n, 0))
			n = d
		}
		if low != 0 || movable(u) {
			a.word(op | low<<10 | dnm(d, n, 0))
		}
	}
}

// zeroExtend copies the low w bytes of a register.
func (a *a64) zeroExtend(w ir.Width, d, s areg) {
	switch w {
	case 8:
		a.move(d, s)
	case 4:
		a.word(0x2a000000 | dnm(d, zero, s))
	default:
		a.field(0x53000000, d, s, 0, 8*uint32(w)-1)
	}
}

// field is ubfm, sbfm or bfm, of 32 bits or of 64.
func (a *a64) field(op uint32, d, s areg, immr, imms uint32) {
	if op>>31 != 0 {
		op |= 1 << 22
	}
	a.word(op | immr<<16 | imms<<10 | dnm(d, s, 0))
}

// jump emits a branch whose distance is a field of so many bits.
func (a *a64) jump(op uint32, to ir.Addr, width, at int) {
	distance := (int64(to) - int64(a.here())) / 4
	if distance < -1<<(width-1) || distance >= 1<<(width-1) {
		a.fail("the branch to %#x is too far", uint64(to))
	}
	a.word(op | uint32(distance)&(1<<width-1)<<at)
}
