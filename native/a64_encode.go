package native

import (
	"math"
	"math/bits"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// What is the same every time.
const (
	a64Nop       = 0xd503201f
	a64Syscall   = 0xd4000001 // svc #0
	a64Brk       = 0xd4200000 // brk #0
	a64Undef     = 0x00000000 // udf #0
	a64Fence     = 0xd5033bbf // dmb ish
	a64LoadFence = 0xd50339bf // dmb ishld
)

func (a *a64) instruction(im *ir.Image, i int) {
	a.im, a.i = im, i
	in := &im.Instrs[i]
	ops := in.Micro()
	switch {
	case a.bundle(in):
	case in.Locked && len(ops) > 1:
		a.fail("arm64 has no indivisible instruction for %v", in)
	default:
		for j := range ops {
			a.micro(j)
		}
	}
}

// micro emits a micro-op of the instruction, in as few instructions as arm64 has
// for it.
func (a *a64) micro(j int) {
	o := &a.im.Instrs[a.i].Ops[j]
	w := ir.Width(o.Width.Bytes())
	switch o.Code {
	case ir.Nop:
		a.word(a64Nop)
	case ir.Mov:
		switch {
		case o.A == ir.None:
			a.set(a.reg(o.Dst), uint64(o.Imm)&widthMask(w))
		case w == 8:
			a.move(a.regOrSP(o.Dst), a.regOrSP(o.A))
		default:
			a.zeroExtend(w, a.reg(o.Dst), a.reg(o.A))
		}
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn:
		a.alu(o, w)
	case ir.Shl, ir.Shr, ir.Sar:
		a.shift(o, w)
	case ir.Zext:
		a.zeroExtend(w, a.reg(o.Dst), a.reg(o.A))
	case ir.Sext:
		a.signExtend(w, a.reg(o.Dst), a.reg(o.A))
	case ir.Ins:
		a.field(0xb3000000, a.reg(o.Dst), a.reg(o.A), 0, 8*uint32(w)-1) // bfi
	case ir.Ld:
		a.load(o, w)
	case ir.St:
		a.store(o, w)
	case ir.La:
		a.addressOf(a.reg(o.Dst), o.Mem)
	case ir.Bit:
		a.bit(o, w)
	case ir.Csel:
		a.word(0x9a800000 | a.condition(j)<<12 | dnm(a.reg(o.Dst), a.reg(o.A), a.reg(o.B)))
	case ir.Br:
		a.jump(0x54000000|a.condition(j), o.TargetIP, 19, 5)
	case ir.Beq, ir.Bne:
		a.compareAndBranch(o, w)
	case ir.Jmp:
		a.jump(0x14000000, o.TargetIP, 26, 0)
	case ir.Jmpr:
		a.word(0xd61f0000 | dnm(0, a.reg(o.A), 0))
	case ir.Fence:
		// dmb ishst orders stores only: what a release fence does is for both.
		if o.Order == ir.FenceR {
			a.word(a64LoadFence)
		} else {
			a.word(a64Fence)
		}
	case ir.Xadd, ir.Xchg, ir.Cmpxchg:
		a.atomic(o, w)
	case ir.Ll, ir.Sc:
		a.exclusive(o, w)
	case ir.Call:
		a.jump(0x94000000, o.TargetIP, 26, 0)
	case ir.Ret:
		a.word(0xd65f03c0)
	case ir.Syscall:
		a.syscall(o.Imm)
	case ir.Trap:
		if o.Imm == ir.TrapUD {
			a.word(a64Undef)
		} else {
			a.word(a64Brk)
		}
	default:
		a.fail("arm64 has no instruction for %v", o.Code)
	}
}

// compareAndBranch leaves the flags alone: what is compared becomes 0 if it is
// equal.
func (a *a64) compareAndBranch(o *ir.Op, w ir.Width) {
	r := a.reg(o.A)
	v := uint64(o.Imm) & widthMask(w)
	switch {
	case o.B != ir.None:
		a.word(a64Operations[ir.Xor].reg | wide(w) | dnm(value, r, a.reg(o.B)))
		r = value
	case v == 0:
	case w == 8:
		a.addNumber(value, r, -o.Imm)
		r = value
	default:
		sub := ir.NewOp(ir.Sub)
		sub.Width, sub.A, sub.Imm = o.Width, o.A, o.Imm
		a.combine(&sub, w, value, false)
		r = value
	}
	if w < 4 {
		a.zeroExtend(w, value, r)
		r = value
	}
	op := uint32(0x34000000) // cbz
	if o.Code == ir.Bne {
		op = 0x35000000
	}
	a.jump(op|wide(w)|uint32(r), o.TargetIP, 19, 5)
}

// bit tests a bit: what the machine has in C comes into Z.
func (a *a64) bit(o *ir.Op, w ir.Width) {
	r, n := a.reg(o.A), uint32(o.Imm)&(8*uint32(w)-1)
	if o.B != ir.None {
		if w < 4 {
			a.fail("arm64 shifts by a register modulo 32 or 64")
		}
		a.word(a64Shifts[ir.Shr] | wide(w) | dnm(value, r, a.reg(o.B)))
		r, n = value, 0
	}
	field, _ := logical(1<<n, max(w, 4))
	a.word(0x72000000 | wide(w) | field | dnm(zero, r, 0)) // tst
}

// testAndBranch branches if a bit is set, or if it isn't.
func (a *a64) testAndBranch(r areg, bit uint32, set bool, to ir.Addr) {
	op := uint32(0x36000000) // tbz
	if set {
		op = 0x37000000
	}
	a.jump(op|bit>>5<<31|bit&31<<19|uint32(r), to, 14, 5)
}

// syscall emits a system call, whose arguments are in place.
func (a *a64) syscall(nr int64) {
	sys := abi.Syscall(nr)
	if routine, ok := preparation(sys); ok {
		a.prepared(routine, sys)
		return
	}
	switch {
	case nr == ir.SyscallInR8:
		a.move(sysNumber, a.reg(ir.SysReg))
		a.word(a64Syscall)
		return
	case sys == abi.SysFork:
		a.prepared(prepareFork, sys)
		return
	case sys == abi.SysVfork:
		a.prepared(prepareVfork, sys)
		return
	case sys == abi.SysNanosleep:
		// The machine's nanosleep has no arguments and sleeps for a moment.
		a.set(0, uint64(napAt))
	case simplified(sys):
		a.fail("the machine's %v takes other arguments than the kernel's", sys)
	}
	a.enter(sys)
}

func (a *a64) enter(sys abi.Syscall) {
	nr, ok := abi.ARM64.Nr(sys)
	if !ok || nr > math.MaxUint16 {
		a.fail("arm64 has no system call %v", sys)
	}
	a.set(sysNumber, uint64(nr))
	a.word(a64Syscall)
}

// oneBit returns the number of the bit that is set, if it is one.
func oneBit(v uint64) (uint32, bool) {
	return uint32(bits.TrailingZeros64(v)), bits.OnesCount64(v) == 1
}
