package amd64

import "github.com/rseqemu/rseqemu/ir"

// kind is what an operand is.
type kind uint8

const (
	kReg    kind = iota // the low w bytes of register n
	kHigh               // bits 8 to 15 of register n: ah, ch, dh, bh
	kMem                // w bytes at inst.mem
	kImm                // imm
	kTarget             // the address imm, of code
	kCL                 // cl as the count of a shift: it says nothing about the width
)

// operand is one operand.
type operand struct {
	kind kind
	w    ir.Width
	n    uint8
	imm  int64
	one  bool // the 1 that an opcode stands for
}

// mem is the one memory operand that an instruction can have, in numbers of
// registers.
type mem struct {
	base, index uint8 // absent if noReg
	scale       uint8 // log2
	disp        int64
	rip         bool // disp is relative to the next instruction, until resolved
	wideDisp    bool // of 32 bits, which may hold an address
	shown       bool // the displacement is written though it is zero
	riz         bool // a SIB byte without index where none is needed
}

const noReg = 0xff

// resolve makes a rip-relative displacement an absolute address. The text needs
// the original.
func (m *mem) resolve(next ir.Addr) {
	if m.rip {
		m.disp += int64(next)
	}
}

// width is that of an operand with the size letter of the manuals' opcode maps:
// v is 2, 4 or 8 bytes by the prefixes, z is v as an immediate has it.
func (in *inst) width(c byte) ir.Width {
	switch c {
	case 'b':
		return 1
	case 'w':
		return 2
	case 'd':
		return 4
	case 'q':
		return 8
	}
	switch {
	case in.wide():
		return 8
	case in.data16 > 0:
		return 2
	}
	return 4
}

// operands reads the operands that the row spells, two letters each:
//
//	E  register or memory by ModRM     G  register by ModRM     M  memory by ModRM
//	Z  register in the opcode          A  the accumulator
//	I  immediate with sign             U  one without           L  one of up to 64 bits
//	J  branch target                   O  memory at an absolute 64-bit address
//	C  cl                              1  the number 1
func (in *inst) operands() {
	if in.why != "" {
		return
	}
	for args := in.form.args; len(args) > 0 && in.why == ""; args = args[2:] {
		in.args[in.n] = in.operand(args[0], args[1])
		in.n++
	}
}

func (in *inst) operand(c, size byte) operand {
	w := in.width(size)
	switch c {
	case 'E', 'M':
		in.readModRM()
		if in.mod == 3 {
			if c == 'M' {
				in.fail(whyUnknown)
			}
			return in.register(in.rm, w)
		}
		return operand{kind: kMem, w: w}
	case 'G':
		in.readModRM()
		return in.register(in.reg, w)
	case 'Z':
		return in.register(in.opcode&7|in.rex&1<<3, w)
	case 'A':
		return operand{kind: kReg, w: w, n: rax}
	case 'I':
		n := min(4, w.Bytes())
		if size == 'q' { // of push, whose operand has eight bytes or two
			n = min(4, in.width('v').Bytes())
		}
		o := operand{kind: kImm, w: 8, imm: in.s(n)}
		if in.n > 0 {
			o.w = in.args[0].w
		}
		return o
	case 'U':
		return operand{kind: kImm, w: w, imm: int64(in.u(w.Bytes()))}
	case 'L':
		return operand{kind: kImm, w: w, imm: in.s(w.Bytes())}
	case 'J':
		return operand{kind: kTarget, imm: in.s(w.Bytes()) + int64(in.next())}
	case 'O':
		n := 8
		if in.addr32 {
			n = 4
		}
		in.mem = mem{base: noReg, index: noReg, disp: int64(in.u(n)), wideDisp: true}
		return operand{kind: kMem, w: w}
	case 'C':
		return operand{kind: kCL}
	case '1':
		return operand{kind: kImm, w: 1, imm: 1, one: true}
	}
	panic("amd64: BUG: no operand of kind " + string(c))
}

// register is the low w bytes of a register, or its second lowest byte: without
// REX, byte registers 4 to 7 are ah to bh.
func (in *inst) register(n uint8, w ir.Width) operand {
	if w == 1 && in.rex == 0 && n >= 4 {
		return operand{kind: kHigh, w: 1, n: n - 4}
	}
	return operand{kind: kReg, w: w, n: n}
}

// readModRM reads ModRM, SIB and displacement, once.
//
//	 7 6   5 4 3   2 1 0            7 6    5 4 3   2 1 0
//	┌────┬───────┬───────┐        ┌──────┬───────┬───────┐
//	│mod │  reg  │  rm   │        │scale │ index │ base  │
//	└────┴───────┴───────┘        └──────┴───────┴───────┘
//
// mod 3 is a register; otherwise it says how long the displacement is. rm 4 asks
// for SIB. With mod 0, rm 5 is [rip+disp32], and base 5 no base.
func (in *inst) readModRM() {
	if in.modrm || in.why != "" {
		return
	}
	b := uint8(in.u(1))
	in.modrm, in.mod = true, b>>6
	in.reg = b>>3&7 | in.rex&4<<1
	in.rm = b&7 | in.rex&1<<3
	if in.mod == 3 {
		return
	}
	m := &in.mem
	m.base, m.index = in.rm, noReg
	switch {
	case b&7 == 4:
		sib := uint8(in.u(1))
		m.scale = sib >> 6
		m.index = sib>>3&7 | in.rex&2<<2
		m.base = sib&7 | in.rex&1<<3
		if sib&7 == 5 && in.mod == 0 {
			m.base = noReg
		}
		if m.index == rsp {
			m.index = noReg
			m.riz = m.base != noReg && m.base&7 != rsp || m.scale != 0
			m.scale = 0
		}
	case b&7 == 5 && in.mod == 0:
		m.base, m.rip = noReg, true
	}
	switch {
	case in.mod == 1:
		m.disp = in.s(1)
	case in.mod == 2, m.base == noReg:
		m.disp, m.wideDisp = in.s(4), true
	}
	m.shown = in.mod != 0 || m.base == noReg
}
