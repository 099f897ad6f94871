package native

import (
	"math/bits"

	"github.com/rseqemu/rseqemu/ir"
)

// operand is memory as one instruction of arm64 addresses it: [base + disp], or
// [base + index<<log2(width)] or [base + index].
type operand struct {
	base, index areg
	indexed     bool
	scaled      bool
	disp        int64
}

// reaches reports whether the displacement fits into a load or store.
func reaches(w ir.Width, disp int64) bool {
	return disp >= -256 && disp < 256 || disp >= 0 && disp < 4096*int64(w) && disp%int64(w) == 0
}

// mem makes an address something that a plain load or store takes. What is left
// over is computed into the address register.
func (a *a64) mem(w ir.Width, m ir.Mem) operand {
	if m.Base == ir.None && m.Index == ir.None {
		if reaches(w, m.Disp-int64(ir.DataBase)) {
			return operand{base: dataPtr, disp: m.Disp - int64(ir.DataBase)}
		}
		if low := m.Disp & 0xffff; m.Disp > 0 && !movable(uint64(m.Disp)) && reaches(w, low) {
			a.set(address, uint64(m.Disp-low))
			return operand{base: address, disp: low}
		}
		a.set(address, uint64(m.Disp))
		return operand{base: address}
	}
	if m.Base != ir.None && m.Index != ir.None && m.Disp == 0 && (m.Scale == 0 || 1<<m.Scale == w) {
		return operand{base: a.regOrSP(m.Base), index: a.reg(m.Index), indexed: true, scaled: m.Scale != 0}
	}
	o := operand{base: a.sum(address, m), disp: m.Disp}
	if reaches(w, o.disp) {
		return o
	}
	high := o.disp &^ 0xfff
	switch low := o.disp & 0xfff; {
	case high > -1<<24 && high < 1<<24 && !movable(uint64(o.disp)) && reaches(w, low):
		a.addNumber(address, o.base, high)
		return operand{base: address, disp: low}
	case o.base != address && (o.disp <= -1<<24 || o.disp >= 1<<24):
		a.set(address, uint64(o.disp))
		return operand{base: o.base, index: address, indexed: true}
	case o.disp > -1<<24 && o.disp < 1<<24:
		a.addNumber(address, o.base, o.disp)
	default:
		a.fail("the displacement %#x does not fit into 24 bits", o.disp)
	}
	return operand{base: address}
}

// sum is base + index<<scale, in the register of one of them if that is all.
func (a *a64) sum(d areg, m ir.Mem) areg {
	switch {
	case m.Index == ir.None:
		return a.regOrSP(m.Base)
	case m.Base == ir.None && m.Scale == 0:
		return a.reg(m.Index)
	case m.Base == ir.None:
		a.field(0xd3000000, d, a.reg(m.Index), 64-uint32(m.Scale), 63-uint32(m.Scale)) // lsl
	default:
		a.word(0x8b206000 | uint32(m.Scale)<<10 | dnm(d, a.regOrSP(m.Base), a.reg(m.Index))) // add uxtx
	}
	return d
}

// addressOf computes an address into a register.
func (a *a64) addressOf(d areg, m ir.Mem) {
	switch off := m.Disp - int64(ir.DataBase); {
	case m.Base != ir.None || m.Index != ir.None:
		a.addNumber(d, a.sum(d, m), m.Disp)
	case off >= 0 && off < 4096:
		a.addNumber(d, dataPtr, off)
	default:
		a.set(d, uint64(m.Disp))
	}
}

// pointer is the register that holds an address, for the instructions that take
// nothing else.
func (a *a64) pointer(m ir.Mem) areg {
	switch {
	case m.Base != ir.None && m.Index == ir.None && m.Disp == 0:
		return a.regOrSP(m.Base)
	case m.Base == ir.None && m.Index == ir.None && m.Disp == int64(ir.DataBase):
		return dataPtr
	}
	a.addressOf(address, m)
	return address
}

// size is the field that says how many bytes an access has.
func size(w ir.Width) uint32 { return uint32(bits.TrailingZeros8(uint8(w))) << 30 }

// The plain accesses, with the displacement scaled; the other forms differ in
// some bits.
const (
	loadOp  uint32 = 0x39400000
	storeOp uint32 = 0x39000000
)

// access emits a load or store.
func (a *a64) access(op uint32, w ir.Width, r areg, o operand) {
	op |= size(w) | dnm(r, o.base, 0)
	switch {
	case o.indexed:
		op = op&^0x01000000 | 0x00206800 | uint32(o.index)<<16
		if o.scaled {
			op |= 1 << 12
		}
	case o.disp >= 0 && o.disp%int64(w) == 0 && o.disp < 4096*int64(w):
		op |= uint32(o.disp/int64(w)) << 10
	default:
		op = op&^0x01000000 | uint32(o.disp)&0x1ff<<12
	}
	a.word(op)
}

// stored is the register with the value that a store or exchange writes.
func (a *a64) stored(o *ir.Op, w ir.Width) areg {
	v := uint64(o.Imm) & widthMask(w)
	switch {
	case o.A != ir.None:
		return a.reg(o.A)
	case v == 0:
		return zero
	}
	a.set(value, v)
	return value
}

func (a *a64) load(o *ir.Op, w ir.Width) {
	d := a.reg(o.Dst)
	if o.Order == ir.Acquire {
		a.word(0x08dffc00 | size(w) | dnm(d, a.pointer(o.Mem), 0)) // ldar
		return
	}
	a.access(loadOp, w, d, a.mem(w, o.Mem))
}

func (a *a64) store(o *ir.Op, w ir.Width) {
	if o.Order == ir.Release {
		p := a.pointer(o.Mem)
		a.word(0x089ffc00 | size(w) | dnm(a.stored(o, w), p, 0)) // stlr
		return
	}
	m := a.mem(w, o.Mem)
	a.access(storeOp, w, a.stored(o, w), m)
}

// atomic emits the instructions of ARMv8.1's large system extensions.
func (a *a64) atomic(o *ir.Op, w ir.Width) {
	d, s, p := a.reg(o.Dst), a.reg(o.A), a.pointer(o.Mem)
	switch o.Code {
	case ir.Xadd:
		a.word(0x38e00000 | size(w) | dnm(d, p, s)) // ldaddal
	case ir.Xchg:
		a.word(0x38e08000 | size(w) | dnm(d, p, s)) // swpal
	default:
		a.move(value, d)
		a.word(0x08e0fc00 | size(w) | dnm(s, p, d)) // casal
		// Z, and flags that nobody may read: d is extended already.
		switch w {
		case 1, 2:
			a.word(0x6b200000 | uint32(w-1)<<13 | dnm(zero, d, value)) // cmp uxtb, uxth
		default:
			a.word(0x6b000000 | wide(w) | dnm(zero, d, value)) // cmp
		}
	}
}

// exclusive emits a load-linked or store-conditional.
func (a *a64) exclusive(o *ir.Op, w ir.Width) {
	d, p := a.reg(o.Dst), a.pointer(o.Mem)
	switch {
	case o.Code == ir.Ll && o.Order == ir.Acquire:
		a.word(0x085ffc00 | size(w) | dnm(d, p, 0)) // ldaxr
	case o.Code == ir.Ll:
		a.word(0x085f7c00 | size(w) | dnm(d, p, 0)) // ldxr
	default:
		op := uint32(0x08007c00) // stxr
		if o.Order == ir.Release {
			op |= 1 << 15 // stlxr
		}
		s, status := a.reg(o.A), d
		if d == s || d == p {
			status = value // the three must differ
		}
		a.word(op | size(w) | dnm(s, p, status))
		a.move(d, status)
	}
}
