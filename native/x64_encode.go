package native

import (
	"math"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// conditions are x86-64's numbers for them. C after a subtraction is a borrow
// in both.
var conditions = [...]byte{
	ir.Eq: 4, ir.Ne: 5, ir.Lo: 2, ir.Hs: 3, ir.Ls: 6, ir.Hi: 7, ir.Lt: 12, ir.Ge: 13, ir.Le: 14, ir.Gt: 15, ir.Mi: 8, ir.Pl: 9,
}

func (a *x64) instruction(im *ir.Image, i int) {
	in := &im.Instrs[i]
	next := im.Addrs[i] + ir.Addr(in.Len()) // of a call only it matters
	a.checkFlags(im, i)
	ops := in.Micro()
	switch {
	case a.bundle(in):
	case in.Locked && len(ops) > 1:
		a.fail("x86-64 has no indivisible instruction for %v", in)
	default:
		for i := range ops {
			a.micro(&ops[i], next)
		}
	}
}

// micro emits one micro-op, in as few instructions as x86-64 has for it.
func (a *x64) micro(o *ir.Op, next ir.Addr) {
	w := ir.Width(o.Width.Bytes())
	switch o.Code {
	case ir.Nop:
		a.bytes(0x90)
	case ir.Mov:
		if o.A == ir.None {
			a.set(a.host(o.Dst), uint64(o.Imm)&widthMask(w))
		} else {
			a.zeroExtend(w, a.host(o.Dst), a.host(o.A))
		}
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn:
		a.alu(o, w)
	case ir.Shl, ir.Shr, ir.Sar:
		a.shift(o, w)
	case ir.Zext:
		a.zeroExtend(w, a.host(o.Dst), a.host(o.A))
	case ir.Sext:
		a.signExtend(w, a.host(o.Dst), a.host(o.A))
	case ir.Ins:
		if w > 2 {
			a.fail("x86-64 has no instruction for ins.%d", w)
		}
		a.sized(w, 0x88, a.host(o.A), isReg(a.host(o.Dst)))
	case ir.Ld:
		a.load(w, a.host(o.Dst), a.mem(o.Mem))
	case ir.St:
		a.store(o, w)
	case ir.La:
		a.op(8, []byte{0x8d}, a.host(o.Dst), a.mem(o.Mem))
	case ir.Bit:
		if o.B != ir.None && w == 1 {
			a.fail("x86-64 has no bt of a byte")
		}
		if o.B == ir.None {
			a.op(w, []byte{0x0f, 0xba}, 4, isReg(a.host(o.A)))
			a.bytes(byte(o.Imm) & byte(8*w-1))
		} else {
			a.op(w, []byte{0x0f, 0xa3}, a.host(o.B), isReg(a.host(o.A)))
		}
	case ir.Flipc:
		a.bytes(0xf5)
	case ir.Csel:
		a.selectOf(o)
	case ir.Br:
		a.jump(o.TargetIP, 0x0f, 0x80|conditions[o.Cond])
	case ir.Beq, ir.Bne:
		a.compare(w, o)
		a.jump(o.TargetIP, 0x0f, map[ir.Opcode]byte{ir.Beq: 0x84, ir.Bne: 0x85}[o.Code])
	case ir.Jmp:
		a.jump(o.TargetIP, 0xe9)
	case ir.Jmpr:
		a.op(4, []byte{0xff}, 4, isReg(a.host(o.A)))
	case ir.Fence:
		a.bytes(0x0f, 0xae, map[ir.Order]byte{ir.FenceFull: 0xf0, ir.FenceW: 0xf8, ir.FenceR: 0xe8}[o.Order])
	case ir.Xadd, ir.Xchg, ir.Cmpxchg:
		a.atomic(o, w)
	case ir.Call:
		a.set(a.host(ir.LR), uint64(next))
		a.jump(o.TargetIP, 0xe9)
	case ir.Ret:
		a.op(4, []byte{0xff}, 4, isReg(a.host(ir.LR)))
	case ir.Syscall:
		a.syscall(o.Imm)
	case ir.Trap:
		if o.Imm == ir.TrapUD {
			a.bytes(0x0f, 0x0b)
		} else {
			a.bytes(0xcc)
		}
	default:
		a.fail("x86-64 has no instruction for %v", o.Code)
	}
}

func widthMask(w ir.Width) uint64 { return ^uint64(0) >> (64 - 8*uint64(w)) }

func (a *x64) load(w ir.Width, d reg, m rm) {
	switch w {
	case 1:
		a.op(4, []byte{0x0f, 0xb6}, d, m)
	case 2:
		a.op(4, []byte{0x0f, 0xb7}, d, m)
	default:
		a.op(w, []byte{0x8b}, d, m)
	}
}

func (a *x64) store(o *ir.Op, w ir.Width) {
	m := a.mem(o.Mem)
	switch {
	case o.A != ir.None:
		a.sized(w, 0x88, a.host(o.A), m)
	case w == 8 && o.Imm != int64(int32(o.Imm)):
		a.set(scratch, uint64(o.Imm))
		a.op(8, []byte{0x89}, scratch, m)
	default:
		a.sized(w, 0xc6, 0, m)
		a.immediate(w, o.Imm)
	}
}

// immediate emits a number as wide as an operation of that width has it.
func (a *x64) immediate(w ir.Width, v int64) {
	switch w {
	case 1:
		a.bytes(byte(v))
	case 2:
		a.bytes(byte(v), byte(v>>8))
	default:
		a.imm32(v)
	}
}

// arithmetic are the opcodes: opcode for [rm], reg, and the number in the ModRM
// byte for rm, immediate.
var arithmetic = map[ir.Opcode]struct {
	opcode byte
	digit  reg
}{ir.Add: {0x00, 0}, ir.Or: {0x08, 1}, ir.And: {0x20, 4}, ir.Sub: {0x28, 5}, ir.Xor: {0x30, 6}}

// alu emits arithmetic: lea where it does and flags must stay, one instruction
// where the destination is the first source, a move and one otherwise.
func (a *x64) alu(o *ir.Op, w ir.Width) {
	if o.Dst == ir.None {
		a.compare(w, o)
		return
	}
	d := a.host(o.Dst)
	isImm := o.B == ir.None
	imm := o.Imm
	if o.Code == ir.Sub {
		imm = -imm
	}
	switch {
	case o.Flags == ir.NoFlags && o.Code == ir.Add && !isImm && w >= 4 && a.host(o.B) != rsp:
		a.op(w, []byte{0x8d}, d, rm{mem: true, base: a.host(o.A), hasBase: true, index: a.host(o.B), hasIndex: true, bare: true})
	case o.Flags == ir.NoFlags && (o.Code == ir.Add || o.Code == ir.Sub) && isImm && w >= 4 && imm == int64(int32(imm)):
		a.op(w, []byte{0x8d}, d, rm{mem: true, base: a.host(o.A), hasBase: true, disp: imm})
	case o.Flags == ir.KeepC && isImm && o.Imm == 1 && o.Dst == o.A && w >= 4:
		a.op(w, []byte{0xff}, map[ir.Opcode]reg{ir.Add: 0, ir.Sub: 1}[o.Code], isReg(d))
	case o.Flags == ir.KeepC:
		a.fail("x86-64 keeps C in inc and dec only")
	case o.Code == ir.Andn:
		a.andn(o, w, d)
	case w < 4:
		// The other bytes of the register become 0, which no narrow instruction
		// does.
		a.move(scratch, a.host(o.A))
		a.combine(o, w, scratch)
		a.zeroExtend(w, d, scratch)
	case o.Dst == o.A:
		a.combine(o, w, d)
	case !isImm && o.B == o.Dst:
		a.move(scratch, a.host(o.A))
		a.combine(o, w, scratch)
		a.move(d, scratch)
	default:
		a.move(d, a.host(o.A))
		a.combine(o, w, d)
	}
}

// combine emits d := d op (b or immediate).
func (a *x64) combine(o *ir.Op, w ir.Width, d reg) {
	op := arithmetic[o.Code]
	switch {
	case o.B != ir.None:
		a.sized(w, op.opcode, a.host(o.B), isReg(d))
	case w == 8 && o.Imm != int64(int32(o.Imm)):
		if d == scratch {
			a.fail("%#x does not fit into 32 bits", o.Imm)
		}
		a.set(scratch, uint64(o.Imm))
		a.sized(w, op.opcode, scratch, isReg(d))
	default:
		a.sized(w, 0x80, op.digit, isReg(d))
		a.immediate(w, o.Imm)
	}
}

// compare emits cmp, or test for an And without a destination.
func (a *x64) compare(w ir.Width, o *ir.Op) {
	r := isReg(a.host(o.A))
	opcode, immOpcode, digit := byte(0x38), byte(0x80), reg(7)
	if o.Code == ir.And {
		opcode, immOpcode, digit = 0x84, 0xf6, 0
	}
	switch {
	case o.B != ir.None:
		a.sized(w, opcode, a.host(o.B), r)
	case w == 8 && o.Imm != int64(int32(o.Imm)):
		a.set(scratch, uint64(o.Imm))
		a.sized(w, opcode, scratch, r)
	default:
		a.sized(w, immOpcode, digit, r)
		a.immediate(w, o.Imm)
	}
}

// andn is VEX.andn d, b, a: a and not b.
func (a *x64) andn(o *ir.Op, w ir.Width, d reg) {
	if w < 4 {
		a.fail("x86-64 has andn for 4 and 8 bytes")
		return
	}
	b := scratch
	if o.B != ir.None {
		b = a.host(o.B)
	} else {
		a.set(scratch, uint64(o.Imm))
	}
	s := a.host(o.A)
	p1, p2 := byte(0xe2), byte(0)
	if d >= r8 {
		p1 &^= 0x80
	}
	if s >= r8 {
		p1 &^= 0x20
	}
	if w == 8 {
		p2 = 0x80
	}
	p2 |= byte(^b&15) << 3
	a.bytes(0xc4, p1, p2, 0xf2, 0xc0|byte(d&7)<<3|byte(s&7))
}

func (a *x64) shift(o *ir.Op, w ir.Width) {
	if o.Flags != ir.NoFlags {
		a.fail("the flags after a shift aren't x86-64's")
	}
	digit := map[ir.Opcode]reg{ir.Shl: 4, ir.Shr: 5, ir.Sar: 7}[o.Code]
	d := a.host(o.Dst)
	if w < 4 {
		a.fail("a shift of %d bytes isn't encoded", w)
		return
	}
	if o.B != ir.None {
		if o.Dst == ir.T1 || o.A == ir.T1 || o.Dst == o.B && o.Dst != o.A {
			a.fail("a shift by a register of these operands isn't encoded")
			return
		}
		a.move(rcx, a.host(o.B))
		a.move(d, a.host(o.A))
		a.op(w, []byte{0xd3}, digit, isReg(d))
		return
	}
	a.move(d, a.host(o.A))
	a.op(w, []byte{0xc1}, digit, isReg(d))
	a.bytes(byte(o.Imm) & byte(8*w-1))
}

func (a *x64) signExtend(w ir.Width, d, s reg) {
	switch w {
	case 1:
		a.byteSource([]byte{0x0f, 0xbe}, 8, d, s)
	case 2:
		a.op(8, []byte{0x0f, 0xbf}, d, isReg(s))
	default:
		a.op(8, []byte{0x63}, d, isReg(s))
	}
}

func (a *x64) selectOf(o *ir.Op) {
	d, yes, no, cond := a.host(o.Dst), a.host(o.A), a.host(o.B), conditions[o.Cond]
	if d == yes {
		yes, no, cond = no, yes, cond^1
	}
	a.move(d, no)
	a.op(8, []byte{0x0f, 0x40 | cond}, d, isReg(yes))
}

func (a *x64) atomic(o *ir.Op, w ir.Width) {
	m, d, s := a.mem(o.Mem), a.host(o.Dst), a.host(o.A)
	switch {
	case w < 4:
		a.fail("an atomic access of %d bytes isn't encoded", w)
	case o.Code == ir.Cmpxchg && d == rax:
		a.bytes(0xf0)
		a.op(w, []byte{0x0f, 0xb1}, s, m)
		if w == 4 {
			a.zeroExtend(4, rax, rax) // it stays as it was if it was equal
		}
	case o.Code == ir.Cmpxchg:
		a.fail("cmpxchg compares with r0 on x86-64")
	default:
		a.move(scratch, s)
		if o.Code == ir.Xadd {
			a.bytes(0xf0)
			a.op(w, []byte{0x0f, 0xc1}, scratch, m)
		} else {
			a.op(w, []byte{0x87}, scratch, m)
		}
		a.zeroExtend(w, d, scratch)
	}
}

// syscall emits a system call: its first argument goes from r0 to where the
// kernel wants it. Where the machine's own form of a call isn't the kernel's,
// there is no encoding.
func (a *x64) syscall(nr int64) {
	if routine, ok := preparation(abi.Syscall(nr)); ok {
		a.prepared(routine, abi.Syscall(nr))
		return
	}
	a.move(rdi, rax)
	switch sys := abi.Syscall(nr); {
	case nr == ir.SyscallInR8:
		a.op(4, []byte{0x89}, r12, isReg(rax))
	case sys == abi.SysNanosleep:
		// The machine's nanosleep has no arguments and sleeps for a moment.
		a.buf = a.buf[:len(a.buf)-3]
		a.set(rdi, uint64(napAt))
		a.number(sys)
	case simplified(sys):
		a.fail("the machine's %v takes other arguments than the kernel's", sys)
	default:
		a.number(sys)
	}
	a.bytes(0x0f, 0x05)
}

func (a *x64) number(sys abi.Syscall) {
	nr, ok := abi.AMD64.Nr(sys)
	if !ok || nr > math.MaxInt32 {
		a.fail("x86-64 has no system call %v", sys)
	}
	a.set(rax, uint64(nr))
}
