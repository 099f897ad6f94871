package amd64

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// bundle collects the micro-ops of an instruction. What doesn't fit makes the
// instruction an unsupported one, so that lifting needs no count of its own.
type bundle struct {
	out   isa.Instr
	count int // of micro-ops in out
	temps int
	place ir.Mem // of the memory operand, once it is known
	known bool
}

// value is an operand as a micro-op takes it: a register, or if that is None a
// number.
type value struct {
	reg ir.Reg
	imm int64
}

// emit appends a micro-op.
func (in *inst) emit(o ir.Op) {
	if in.count == ir.MaxOps {
		in.fail(whyOps)
		return
	}
	in.out.IR.Ops[in.count] = o
	in.count++
}

// op appends one with a destination and up to two sources.
func (in *inst) op(code ir.Opcode, w ir.Width, dst ir.Reg, a ir.Reg, b value) {
	in.flagged(code, w, ir.NoFlags, dst, a, b)
}

// flagged is op with flags.
func (in *inst) flagged(code ir.Opcode, w ir.Width, mode ir.FlagMode, dst, a ir.Reg, b value) {
	o := ir.NewOp(code)
	o.Width, o.Flags, o.Dst, o.A, o.B, o.Imm = w, mode, dst, a, b.reg, b.imm
	in.emit(o)
}

// unary appends a micro-op with one source: a move, an extension, an insertion.
func (in *inst) unary(code ir.Opcode, w ir.Width, dst ir.Reg, a value) {
	o := ir.NewOp(code)
	o.Width, o.Dst, o.A, o.Imm = w, dst, a.reg, a.imm
	in.emit(o)
}

// plain returns the value of a register, imm that of a number.
func plain(r ir.Reg) value { return value{reg: r} }
func number(n int64) value { return value{ir.None, n} }

// temp returns a temporary that isn't in use.
func (in *inst) temp() ir.Reg {
	in.temps++
	switch in.temps {
	case 1:
		return ir.T0
	case 2:
		return ir.T1
	}
	in.fail(whyOps)
	return ir.T1
}

// host is the register that stands for one of x86-64's.
func (o operand) host() ir.Reg { return registers[o.n] }

// read returns an operand's value, of which the low w bytes count, behind what
// it takes to have it.
func (in *inst) read(o operand) value {
	switch o.kind {
	case kHigh:
		t := in.temp()
		in.op(ir.Shr, 8, t, o.host(), number(8))
		return plain(t)
	case kMem:
		t := in.temp()
		in.load(o.w, t)
		return plain(t)
	case kImm:
		return number(o.imm)
	}
	return plain(o.host())
}

// readReg is read for where a micro-op takes no number.
func (in *inst) readReg(o operand) ir.Reg {
	v := in.read(o)
	if v.reg == ir.None {
		t := in.temp()
		in.unary(ir.Mov, 8, t, v)
		return t
	}
	return v.reg
}

// into returns the register to compute what is then written to o: itself if it
// can be written as a whole, or else one of the temporaries that were read, or
// another.
func (in *inst) into(o operand, read ...ir.Reg) ir.Reg {
	if o.kind == kReg && o.w >= 4 {
		return o.host()
	}
	for _, r := range read {
		if r.Temp() {
			return r
		}
	}
	return in.temp()
}

// write makes the low w bytes of a value the operand's. Of a register, 4 bytes
// clear the rest and fewer leave it.
func (in *inst) write(o operand, v value) {
	switch {
	case o.kind == kHigh:
		in.fail("writes ah, ch, dh or bh")
	case o.kind == kMem:
		in.store(o.w, v)
	case o.w < 4:
		if v.reg == ir.None {
			t := in.temp()
			in.unary(ir.Mov, 8, t, v)
			v = plain(t)
		}
		in.unary(ir.Ins, o.w, o.host(), v)
	case v.reg != o.host():
		in.unary(ir.Mov, o.w, o.host(), v)
	}
}

// load and store access the memory operand.
func (in *inst) load(w ir.Width, dst ir.Reg) {
	o := ir.NewOp(ir.Ld)
	o.Width, o.Dst, o.Mem = w, dst, in.address()
	in.refer()
	in.emit(o)
}

func (in *inst) store(w ir.Width, v value) {
	o := ir.NewOp(ir.St)
	o.Width, o.A, o.Imm, o.Mem = w, v.reg, v.imm, in.address()
	in.refer()
	in.emit(o)
}

// address is the memory operand's. Through fs it has the thread pointer as its
// base, and what doesn't fit beside it is added up first.
func (in *inst) address() ir.Mem {
	if in.known {
		return in.place
	}
	m := in.mem.flat()
	if in.seg == 0x64 {
		if m.Base != ir.None && m.Index != ir.None {
			t := in.temp()
			o := ir.NewOp(ir.La)
			o.Dst, o.Mem = t, m
			in.emit(o)
			m = ir.Mem{Base: ir.None, Index: t}
		}
		if m.Base != ir.None {
			m.Index, m.Scale = m.Base, 0
		}
		m.Base = ir.TP
	}
	in.place, in.known = m, true
	return m
}

// flat is the address without a segment.
func (m *mem) flat() ir.Mem {
	f := ir.Mem{Base: ir.None, Index: ir.None, Disp: m.disp}
	if m.base != noReg {
		f.Base = registers[m.base]
	}
	if m.index != noReg {
		f.Index, f.Scale = registers[m.index], m.scale
	}
	return f
}

// refer notes that the next micro-op's address is one of the program: surely if
// it has no register, perhaps if it has 32 bits for it beside one.
func (in *inst) refer() {
	m := &in.mem
	if in.seg == 0x64 || !m.wideDisp || m.base == rsp || m.base == rbp {
		return
	}
	in.ref(isa.Ref{Mem: true, Guess: m.base != noReg || m.index != noReg})
}

// ref notes a reference of the next micro-op.
func (in *inst) ref(r isa.Ref) {
	r.Op = in.count
	in.out.Refs = append(in.out.Refs, r)
}

// finish makes the bundle.
func (in *inst) finish() {
	if in.why != "" {
		return
	}
	b := &in.out.IR
	for i := in.count; i < ir.MaxOps; i++ {
		b.Ops[i] = ir.NewOp(ir.Nop)
	}
	b.N, b.Size, b.Locked = uint8(in.count), uint8(in.pos), b.Locked || in.lock
}
