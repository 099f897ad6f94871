package riscv64

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// comparisons are what branches ask, by number.
var comparisons = [8]struct {
	name string
	cond ir.Cond
}{{"beq", ir.Eq}, {"bne", ir.Ne}, {}, {}, {"blt", ir.Lt}, {"bge", ir.Ge}, {"bltu", ir.Lo}, {"bgeu", ir.Hs}}

// branch lifts a comparison of two registers with a branch.
func (l *lifter) branch() {
	c := comparisons[l.funct3()]
	if c.name == "" {
		l.refuse(unknown)
		return
	}
	l.goTo(isa.Branches, l.immB())
	l.branchText(c.name)
	a, b := l.rs1(), l.rs2()
	if c.cond == ir.Eq || c.cond == ir.Ne {
		if a == zero {
			a, b = b, a
		}
		o := ir.BranchEqImm(ir.W8, l.source(a), 0, "")
		if c.cond == ir.Ne {
			o.Code = ir.Bne
		}
		o.B = registers[b]
		l.to(o)
		return
	}
	x := l.source(a)
	if b == zero {
		l.op(ir.CmpImm(x, 0))
	} else {
		l.op(ir.CmpReg(x, registers[b]))
	}
	l.to(ir.Branch(c.cond, ""))
}

func (l *lifter) branchText(mnemonic string) {
	a, b, target := names[l.rs1()], names[l.rs2()], uint64(l.out.Target)
	signed := mnemonic == "blt" || mnemonic == "bge"
	switch {
	case l.rs2() == zero && (signed && (mnemonic != "bge" || l.rs1() != zero) || l.funct3() < 2):
		l.text("%sz %s,%#x", mnemonic, a, target)
	case l.rs1() == zero && signed:
		l.text("%s %s,%#x", map[string]string{"blt": "bgtz", "bge": "blez"}[mnemonic], b, target)
	default:
		l.text("%s %s,%s,%#x", mnemonic, a, b, target)
	}
}

// goTo sets where the instruction goes, in bytes from here.
func (l *lifter) goTo(flow isa.Flow, offset int64) {
	l.out.Flow, l.out.Target = flow, l.out.Addr+ir.Addr(offset)
}

// to appends the micro-op that goes there.
func (l *lifter) to(o ir.Op) {
	o.TargetIP = l.out.Target
	l.op(o)
}

// link sets the register to the address behind the instruction.
func (l *lifter) link(d ir.Reg) {
	size := int64(4)
	if l.short {
		size = 2
	}
	l.out.Refs = append(l.out.Refs, isa.Ref{Op: l.n})
	l.op(ir.MovImm(d, int64(l.out.Addr)+size))
}

// jump lifts jal.
func (l *lifter) jump() {
	target := func() uint64 { return uint64(l.out.Target) }
	switch d := l.dest(); d {
	case ir.None:
		l.goTo(isa.Jumps, l.immJ())
		l.text("j %#x", target())
		l.to(ir.Jump(""))
	case ir.LR:
		l.goTo(isa.Calls, l.immJ())
		l.text("jal %#x", target())
		l.to(ir.CallFunc(""))
	default:
		l.goTo(isa.Calls, l.immJ())
		l.text("jal %s,%#x", names[l.rd()], target())
		l.link(d)
		l.to(ir.Jump(""))
	}
}

// jumpRegister lifts jalr: ret, jr and calls through registers.
func (l *lifter) jumpRegister() {
	if l.funct3() != 0 {
		l.refuse(unknown)
		return
	}
	d, rs, imm := l.dest(), l.rs1(), l.immI()
	operand := names[rs]
	if imm != 0 {
		operand = fmt.Sprintf("%d(%s)", imm, names[rs])
	}
	switch d {
	case ir.None:
		l.out.Flow = isa.JumpsReg
		l.text("jr %s", operand)
		if rs == ra && imm == 0 {
			l.out.Flow = isa.Returns
			l.text("ret")
			l.op(ir.Return())
			return
		}
	case ir.LR:
		l.out.Flow = isa.CallsReg
		l.text("jalr %s", operand)
	default:
		l.out.Flow = isa.CallsReg
		l.text("jalr %s,%s", names[l.rd()], operand)
	}
	to := registers[rs]
	switch {
	case rs == zero:
		to = l.temp()
		l.op(ir.MovImm(to, imm))
	case imm != 0:
		to = l.temp()
		l.op(ir.Add.Imm(to, registers[rs], imm))
	case to == d: // which is overwritten first
		to = l.temp()
		l.op(ir.MovReg(to, d))
	}
	if d != ir.None {
		l.link(d)
	}
	l.op(ir.JumpReg(to))
}

// system lifts ecall, ebreak and what is illegal on purpose.
func (l *lifter) system() {
	switch l.word {
	case 0x00000073:
		l.out.Flow = isa.Syscalls
		l.text("ecall")
		l.op(ir.MovReg(ir.SysReg, registers[a7]))
		l.op(ir.SysNr())
	case 0x00100073:
		l.out.Flow = isa.Traps
		l.text("ebreak")
		l.op(ir.Fault(ir.TrapBrk))
	case unimplemented:
		l.out.Flow = isa.Traps
		l.text("unimp")
		l.op(ir.Fault(ir.TrapUD))
	default:
		l.refuse("a control register or system instruction")
	}
}

// unimplemented writes a register that can't be written: the instruction that
// assemblers take for one that is illegal for good.
const unimplemented = 0xc0001073
