package arm64

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// control lifts branches, exceptions and system instructions.
func (l *lifter) control() {
	switch {
	case l.bits(30, 26) == 0b00101:
		l.jump()
	case l.bits(30, 25) == 0b011010:
		l.compareAndBranch()
	case l.bits(30, 25) == 0b011011:
		l.testAndBranch()
	case l.bits(31, 24) == 0b01010100 && !l.bit(4):
		c := l.bits(3, 0)
		l.goTo(isa.Branches, l.signed(23, 5))
		l.branch(ir.Branch(l.condition(c), ""))
		l.text("b.%s %#x", conditions[c].name, uint64(l.out.Target))
	case l.bits(31, 24) == 0b11010100:
		l.exception()
	case l.bits(31, 22) == 0b1101010100:
		l.system()
	case l.bits(31, 25) == 0b1101011:
		l.branchRegister()
	default:
		l.refuse(unknown)
	}
}

// goTo sets where the instruction goes, in words from here.
func (l *lifter) goTo(flow isa.Flow, words int64) {
	l.out.Flow, l.out.Target = flow, l.out.Addr+ir.Addr(4*words)
}

// branch appends the micro-op that goes there.
func (l *lifter) branch(o ir.Op) {
	o.TargetIP = l.out.Target
	l.op(o)
}

func (l *lifter) jump() {
	if l.bit(31) {
		l.goTo(isa.Calls, l.signed(25, 0))
		l.branch(ir.CallFunc(""))
		l.text("bl %#x", uint64(l.out.Target))
		return
	}
	l.goTo(isa.Jumps, l.signed(25, 0))
	l.branch(ir.Jump(""))
	l.text("b %#x", uint64(l.out.Target))
}

// compareAndBranch lifts cbz and cbnz.
func (l *lifter) compareAndBranch() {
	l.goTo(isa.Branches, l.signed(23, 5))
	r := l.source(l.rd())
	mnemonic := "cbz"
	if l.bit(24) {
		mnemonic = "cbnz"
		l.branch(ir.BranchNeImm(l.width(), r, 0, ""))
	} else {
		l.branch(ir.BranchEqImm(l.width(), r, 0, ""))
	}
	l.text("%s %s, %#x", mnemonic, l.named(l.rd()), uint64(l.out.Target))
}

// testAndBranch lifts tbz and tbnz.
func (l *lifter) testAndBranch() {
	l.goTo(isa.Branches, l.signed(18, 5))
	n := l.bits(31, 31)<<5 | l.bits(23, 19)
	r := l.source(l.rd())
	t := l.temp()
	l.op(ir.And.Imm(t, r, 1<<n))
	mnemonic := "tbz"
	if l.bit(24) {
		mnemonic = "tbnz"
		l.branch(ir.BranchNeImm(ir.W8, t, 0, ""))
	} else {
		l.branch(ir.BranchEqImm(ir.W8, t, 0, ""))
	}
	l.text("%s %s, #%d, %#x", mnemonic, l.named(l.rd()), n, uint64(l.out.Target))
}

// branchRegister lifts br, blr and ret; not those with pointer authentication.
func (l *lifter) branchRegister() {
	if l.bits(24, 23) != 0 || l.bits(20, 10) != 0b11111_000000 || l.bits(4, 0) != 0 {
		l.refuse("pointer authentication or unknown")
		return
	}
	n := l.rn()
	r := l.source(n)
	switch l.bits(22, 21) {
	case 0:
		l.out.Flow = isa.JumpsReg
		l.op(ir.JumpReg(r))
		l.text("br %s", name(n, true))
	case 1:
		l.out.Flow = isa.CallsReg
		if r == ir.LR { // which is overwritten first
			r = l.temp()
			l.op(ir.MovReg(r, ir.LR))
		}
		l.out.Refs = []isa.Ref{{Op: l.n}}
		l.op(ir.MovImm(ir.LR, int64(l.out.Addr)+ir.InstrSize))
		l.op(ir.JumpReg(r))
		l.text("blr %s", name(n, true))
	case 2:
		l.out.Flow = isa.Returns
		if r == ir.LR {
			l.op(ir.Return())
			l.text("ret")
			return
		}
		l.op(ir.JumpReg(r))
		l.text("ret %s", name(n, true))
	default:
		l.refuse(unknown)
	}
}

// exception lifts svc, whose number Linux ignores, and brk.
func (l *lifter) exception() {
	imm := l.bits(20, 5)
	switch {
	case l.bits(23, 21) == 0 && l.bits(4, 0) == 1:
		l.out.Flow = isa.Syscalls
		l.op(ir.SysNr())
		l.text("svc #%#x", imm)
	case l.bits(23, 21) == 1 && l.bits(4, 0) == 0:
		l.out.Flow = isa.Traps
		l.op(ir.Fault(ir.TrapBrk))
		l.text("brk #%#x", imm)
	default:
		l.refuse(unknown)
	}
}

// system lifts hints, barriers and the read of the thread pointer.
func (l *lifter) system() {
	switch {
	case l.bits(31, 12) == 0xd5032 && l.rd() == 31:
		l.hint(l.bits(11, 5))
	case l.bits(31, 12) == 0xd5033 && l.rd() == 31:
		l.barrier(l.bits(7, 5), l.bits(11, 8))
	case l.word&^0x1f == 0xd53bd040: // mrs of s3_3_c13_c0_2
		if r := orZero(l.rd()); r != ir.None {
			l.op(ir.MovReg(r, ir.TP))
		}
		l.text("mrs %s, tpidr_el0", name(l.rd(), true))
	default:
		l.refuse("a system instruction or register other than tpidr_el0")
	}
}

// hints are the names of hints; all of them are nops.
var hints = map[uint32]string{
	0: "nop", 1: "yield", 2: "wfe", 3: "wfi", 4: "sev", 5: "sevl", 6: "dgh", 7: "xpaclri", 8: "pacia1716", 10: "pacib1716", 12: "autia1716",
	14: "autib1716", 16: "esb", 17: "psb csync", 18: "tsb csync", 20: "csdb", 24: "paciaz", 25: "paciasp", 26: "pacibz", 27: "pacibsp",
	28: "autiaz", 29: "autiasp", 30: "autibz", 31: "autibsp", 32: "bti", 34: "bti c", 36: "bti j", 38: "bti jc",
}

func (l *lifter) hint(n uint32) {
	l.op(ir.NewOp(ir.Nop))
	if s, ok := hints[n]; ok {
		l.text("%s", s)
	} else {
		l.text("hint #%#x", n)
	}
}

// barrierScopes are what a barrier orders and for whom. Those within one
// processor (nsh) order nothing that others see.
var barrierScopes = [16]string{
	1: "oshld", 2: "oshst", 3: "osh", 5: "nshld", 6: "nshst", 7: "nsh", 9: "ishld", 10: "ishst", 11: "ish", 13: "ld", 14: "st", 15: "sy",
}

// barrier lifts dmb and dsb. A dsb also waits, which nobody can tell here.
func (l *lifter) barrier(op, scope uint32) {
	mnemonic := "dmb"
	switch op {
	case 4:
		mnemonic = "dsb"
	case 5:
	case 6:
		l.refuse("isb: there is no fence that orders only loads behind a branch")
		return
	default:
		l.refuse(unknown)
		return
	}
	switch l.text("%s %s", mnemonic, barrierScopes[scope]); {
	case barrierScopes[scope] == "":
		l.refuse(unknown)
	case scope&0b1100 == 0b0100:
		l.refuse("%s: orders nothing for other processors", l.out.Text)
	case scope&3 == 3:
		l.op(ir.Barrier(ir.FenceFull))
	case scope&3 == 1:
		l.op(ir.Barrier(ir.FenceR))
	default:
		l.refuse("%s: there is no fence that orders stores only", l.out.Text)
	}
}
