package amd64

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// goes ends the bundle with a branch to the first operand.
func (in *inst) goes(code ir.Opcode, c ir.Cond, flow isa.Flow) {
	o := ir.NewOp(code)
	o.Cond, o.TargetIP = c, ir.Addr(in.args[0].imm)
	in.out.Flow, in.out.Target = flow, o.TargetIP
	in.emit(o)
}

// goesTo ends the bundle with a jump to the address in a register.
func (in *inst) goesTo(r ir.Reg, flow isa.Flow) {
	o := ir.NewOp(ir.Jmpr)
	o.A = r
	in.out.Flow = flow
	in.emit(o)
}

func branch(in *inst) { in.goes(ir.Br, in.condition(), isa.Branches) }
func jump(in *inst)   { in.goes(ir.Jmp, ir.Always, isa.Jumps) }

func jumpTo(in *inst) { in.goesTo(in.read(in.args[0]).reg, isa.JumpsReg) }

// call pushes the address behind it.
func call(in *inst) {
	in.ref(isa.Ref{})
	in.pushed(number(int64(in.next())))
	in.goes(ir.Jmp, ir.Always, isa.Calls)
}

func callTo(in *inst) {
	to := in.args[0]
	switch {
	case to.kind == kMem:
		in.fail(whyOps)
		return
	case to.n == rsp:
		in.fail("a call of where the stack pointer points")
		return
	}
	in.ref(isa.Ref{})
	in.pushed(number(int64(in.next())))
	in.goesTo(to.host(), isa.CallsReg)
}

// ret may drop arguments too.
func ret(in *inst) {
	size := int64(8)
	if in.n > 0 {
		size += in.args[0].imm
	}
	t := in.temp()
	in.popTo(t, size)
	in.goesTo(t, isa.Returns)
}

// syscall hands the number over where a micro-op has it. The rest of the two
// conventions is for the lifter of functions: doc.go.
func syscall(in *inst) {
	in.unary(ir.Mov, 8, ir.SysReg, plain(registers[rax]))
	o := ir.NewOp(ir.Syscall)
	o.Imm = ir.SyscallInR8
	in.emit(o)
	in.out.Flow = isa.Syscalls
}

func trap(how int64) func(*inst) {
	return func(in *inst) {
		o := ir.NewOp(ir.Trap)
		o.Imm = how
		in.emit(o)
		in.out.Flow = isa.Traps
	}
}

func nop(in *inst) { in.emit(ir.NewOp(ir.Nop)) }

// endbr is endbr64, which is a nop to whoever hasn't asked for more.
func endbr(in *inst) {
	if in.rep != 0xf3 || in.mod != 3 || in.reg != 7 || in.rm != 2 || in.rex != 0 || in.data16 != 0 {
		in.fail(whyUnknown)
		return
	}
	in.named("endbr64")
	nop(in)
}

// fence has a ModRM byte, but no operand.
func fence(order ir.Order) func(*inst) {
	return func(in *inst) {
		if in.args[0].kind == kMem {
			in.fail(whyUnknown)
			return
		}
		in.n = 0
		o := ir.NewOp(ir.Fence)
		o.Order = order
		in.emit(o)
	}
}
