package native

import (
	"encoding/binary"
	"math"

	"github.com/rseqemu/rseqemu/ir"
)

// rm is the operand of an instruction that is a register or memory.
type rm struct {
	mem         bool
	reg         reg // !mem
	base, index reg
	hasBase     bool
	hasIndex    bool
	scale       uint8
	disp        int64
	bare        bool // base and index, and never a displacement
}

func isReg(r reg) rm { return rm{reg: r} }

func (a *x64) mem(m ir.Mem) rm {
	o := rm{mem: true, scale: m.Scale, disp: m.Disp}
	if m.Base != ir.None {
		o.base, o.hasBase = a.host(m.Base), true
	}
	if m.Index != ir.None {
		o.index, o.hasIndex = a.host(m.Index), true
		if o.index == rsp {
			a.fail("sp is no index on x86-64")
		}
	}
	if m.Disp != int64(int32(m.Disp)) {
		a.fail("the displacement %#x does not fit into 32 bits", m.Disp)
	}
	return o
}

// op emits an instruction with a ModRM byte. Its length depends on which
// operands there are and not on their values, so that code can be laid out
// before addresses are known.
func (a *x64) op(w ir.Width, opcode []byte, r reg, o rm) {
	if w == 2 {
		a.bytes(0x66)
	}
	rex := byte(0)
	if w == 8 {
		rex |= 8
	}
	rex |= byte(r>>3) << 2
	force := w == 1 && r >= rsp && r <= rdi
	if o.mem {
		if o.hasIndex {
			rex |= byte(o.index>>3) << 1
		}
		if o.hasBase {
			rex |= byte(o.base >> 3)
		}
	} else {
		rex |= byte(o.reg >> 3)
		force = force || w == 1 && o.reg >= rsp && o.reg <= rdi
	}
	if rex != 0 || force {
		a.bytes(0x40 | rex)
	}
	a.bytes(opcode...)
	field := byte(r&7) << 3
	switch {
	case !o.mem:
		a.bytes(0xc0 | field | byte(o.reg&7))
		return
	case !o.hasBase:
		sib := byte(0x25)
		if o.hasIndex {
			sib = o.scale<<6 | byte(o.index&7)<<3 | 5
		}
		a.bytes(field|4, sib)
	case o.bare && o.base&7 != rbp:
		a.bytes(field|4, o.scale<<6|byte(o.index&7)<<3|byte(o.base&7))
		return
	case o.hasIndex || o.base&7 == rsp:
		sib := byte(4 << 3)
		if o.hasIndex {
			sib = o.scale<<6 | byte(o.index&7)<<3
		}
		a.bytes(0x80|field|4, sib|byte(o.base&7))
	default:
		a.bytes(0x80 | field | byte(o.base&7))
	}
	a.imm32(o.disp)
}

// sized is an instruction that has one opcode for bytes and the next one for
// all other widths.
func (a *x64) sized(w ir.Width, opcode byte, r reg, o rm) {
	if w != 1 {
		opcode |= 1
	}
	a.op(w, []byte{opcode}, r, o)
}

// move copies a register.
func (a *x64) move(d, s reg) {
	if d != s {
		a.op(8, []byte{0x89}, s, isReg(d))
	}
}

// set sets a register to a number.
func (a *x64) set(d reg, v uint64) {
	switch {
	case v <= math.MaxUint32:
		if d >= r8 {
			a.bytes(0x41)
		}
		a.bytes(0xb8 | byte(d&7))
		a.imm32(int64(v))
	case int64(v) == int64(int32(v)):
		a.op(8, []byte{0xc7}, 0, isReg(d))
		a.imm32(int64(v))
	default:
		a.bytes(0x48|byte(d>>3), 0xb8|byte(d&7))
		a.buf = binary.LittleEndian.AppendUint64(a.buf, v)
	}
}

// jump emits a branch with a 32-bit distance.
func (a *x64) jump(to ir.Addr, opcode ...byte) {
	a.bytes(opcode...)
	a.imm32(int64(to) - int64(a.here()) - 4)
}

// zeroExtend copies the low w bytes of a register.
func (a *x64) zeroExtend(w ir.Width, d, s reg) {
	switch w {
	case 1:
		a.byteSource([]byte{0x0f, 0xb6}, 4, d, s)
	case 2:
		a.op(4, []byte{0x0f, 0xb7}, d, isReg(s))
	case 4:
		a.op(4, []byte{0x89}, s, isReg(d))
	default:
		a.move(d, s)
	}
}

// byteSource is an instruction with a wider destination and a byte as its
// source, which needs a REX prefix for some registers.
func (a *x64) byteSource(opcode []byte, w ir.Width, d, s reg) {
	rex := byte(0x40) | byte(d>>3)<<2 | byte(s>>3)
	if w == 8 {
		rex |= 8
	}
	if rex != 0x40 || s >= rsp {
		a.bytes(rex)
	}
	a.bytes(opcode...)
	a.bytes(0xc0 | byte(d&7)<<3 | byte(s&7))
}
