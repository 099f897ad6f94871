package promela

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// emitter translates the micro-ops of one step of an instruction. Each becomes
// statements on the hidden variables a, b and v: the operands and the result.
type emitter struct {
	x        *exporter
	in       *ir.Instr
	i        int // index of the instruction
	from     int
	accessed bool // memory was accessed by an earlier micro-op
	stored   bool
	split    bool
	faults   bool // the step can end in a fault
}

// number writes a literal; Promela has none that are negative.
func number(v int64) string {
	switch {
	case v == math.MinInt32:
		return "(-2147483647 - 1)"
	case v < 0:
		return fmt.Sprintf("(%d)", v)
	}
	return fmt.Sprint(v)
}

func (e *emitter) fail(format string, args ...any) {
	e.x.fail(e.x.im.Origin[e.i], "%v, %s", &e.x.im.Source[e.i], fmt.Sprintf(format, args...))
}

// reg is what a register reads as.
func (e *emitter) reg(r ir.Reg) string {
	switch {
	case r == ir.None:
		return "0"
	case r == ir.TP:
		return fmt.Sprintf("(%d + me*%d)", e.x.im.TP(0), e.x.im.ThreadStride)
	case r.Temp() && e.x.temps:
		return r.String() + "[me]"
	case r.Temp():
		return map[ir.Reg]string{ir.T0: "tmp0", ir.T1: "tmp1"}[r]
	}
	return r.String() + "[me]"
}

// set writes v to a register.
func (e *emitter) set(r ir.Reg, v string) string {
	if r == ir.None || r == ir.TP {
		return ""
	}
	return fmt.Sprintf("%s = %s;\n", e.reg(r), v)
}

// source is the last operand, a register or a number.
func (e *emitter) source(o *ir.Op) string {
	if o.B != ir.None {
		return e.reg(o.B)
	}
	return number(o.Imm)
}

// end leads to the instruction behind this one; a branch has its own.
func (e *emitter) end(next ir.Addr) string { return e.leave() + fmt.Sprintf("pc[me] = %d", next) }

// leave forgets what lives inside an instruction only.
func (e *emitter) leave() string {
	s := ""
	if e.split {
		s = "micro[me] = 0; "
	}
	if e.x.temps {
		s += "t0[me] = 0; t1[me] = 0; "
	}
	return s
}

// emit translates micro-ops and ends with end, unless a branch does.
func (e *emitter) emit(ops []ir.Op, end string) string {
	if len(ops) == 0 {
		return end + ";\n"
	}
	o := &ops[0]
	if o.Loads() || o.Stores() {
		return e.access(o, ops[1:], end)
	}
	if s, ok := e.branch(o, end); ok {
		return s
	}
	return e.plain(o) + e.emit(ops[1:], end)
}

// branch translates what sets the instruction pointer.
func (e *emitter) branch(o *ir.Op, end string) (string, bool) {
	to := fmt.Sprintf("%spc[me] = %d", e.leave(), o.TargetIP)
	cond := func(c string) (string, bool) {
		return fmt.Sprintf("if\n:: (%s) -> %s  /* %s */\n:: else -> %s\nfi;\n", c, to, o.Target, end), true
	}
	switch o.Code {
	case ir.Br:
		return cond(holds(o.Cond))
	case ir.Beq, ir.Bne:
		a, b := e.narrow(e.reg(o.A), o.Width), e.narrow(e.source(o), o.Width)
		if o.B == ir.None && o.Width.Bytes() < 4 {
			b = number(o.Imm & (1<<(8*o.Width.Bytes()) - 1))
		}
		return cond(fmt.Sprintf("%s %s %s", a, map[ir.Opcode]string{ir.Beq: "==", ir.Bne: "!="}[o.Code], b))
	case ir.Jmp:
		return to + ";\n", true
	case ir.Call:
		next := e.x.im.Addrs[e.i] + ir.Addr(e.in.Len())
		return fmt.Sprintf("r30[me] = %d; %s;\n", next, to), true
	case ir.Ret:
		if !slices.Contains(e.x.regs, ir.LR) {
			return e.leave() + "returned();\n", true
		}
		return e.jump("r30[me]"), true
	case ir.Jmpr:
		return e.jump(e.reg(o.A)), true
	case ir.Trap:
		e.faults = true
		reason := emu.ReasonUD
		if o.Imm == ir.TrapBrk {
			reason = emu.ReasonBrk
		}
		return fmt.Sprintf("fatal = %d; fault = %d;\n", reason, e.x.im.Addrs[e.i]), true
	}
	return "", false
}

// jump goes to an address that a register holds, which may be the return of the
// call.
func (e *emitter) jump(a string) string {
	return fmt.Sprintf("v = %s; %s\nif :: (v == %d) -> returned() :: else -> pc[me] = v fi;\n", a, e.leave(), ir.ReturnIP)
}

// narrow is an operand's pattern of the lower bits at a width, as a number that
// is equal for equal patterns.
func (e *emitter) narrow(v string, w ir.Width) string {
	if n := w.Bytes(); n < 4 {
		return fmt.Sprintf("(%s & %d)", v, 1<<(8*n)-1)
	}
	return v
}

// plain translates what is neither an access nor a branch.
func (e *emitter) plain(o *ir.Op) string {
	a, b, w := e.reg(o.A), e.source(o), o.Width
	switch o.Code {
	case ir.Nop, ir.Fence:
		return ""
	case ir.Mov:
		if o.A == ir.None {
			a = number(o.Imm)
		}
		return e.zext(a, w) + e.set(o.Dst, "v")
	case ir.Zext:
		return e.zext(a, w) + e.set(o.Dst, "v")
	case ir.Sext:
		return e.set(o.Dst, signed(a, w))
	case ir.Ins:
		if n := w.Bytes(); n < 4 {
			return e.set(o.Dst, fmt.Sprintf("(%s & ~%d) | (%s & %d)", e.reg(o.Dst), 1<<(8*n)-1, a, 1<<(8*n)-1))
		}
		if w.Bytes() == 4 {
			// The upper half stays: it must still be the sign of the lower one.
			return fmt.Sprintf("need((%s < 0) == (%s < 0));\n", e.reg(o.Dst), a) + e.set(o.Dst, a)
		}
		return e.set(o.Dst, a)
	case ir.La:
		return e.addr(&o.Mem) + e.set(o.Dst, "at")
	case ir.Bit:
		return fmt.Sprintf("a = %s; b = (%s) & %d;\nf = (b > 30 -> %s : (a >> b) & 1);\nflags[me] = (flags[me] & ~%d) | (f << 1);\n",
			e.narrow(a, w), b, 8*w.Bytes()-1, "a < 0", flagC)
	case ir.Flipc:
		return fmt.Sprintf("flags[me] = flags[me] ^ %d;\n", flagC)
	case ir.Csel:
		return fmt.Sprintf("v = (%s -> %s : %s);\n", holds(o.Cond), a, b) + e.set(o.Dst, "v")
	}
	return e.alu(o)
}

// zext leaves the zero-extended lower bits in v.
func (e *emitter) zext(a string, w ir.Width) string {
	switch w.Bytes() {
	case 8:
		return fmt.Sprintf("v = %s;\n", a)
	case 4:
		return fmt.Sprintf("v = %s; need(v >= 0);\n", a)
	}
	return fmt.Sprintf("v = %s;\n", e.narrow(a, w))
}

// signed is the sign-extension of the lower bits.
func signed(a string, w ir.Width) string {
	switch w.Bytes() {
	case 1:
		return fmt.Sprintf("(((%s) & 255) ^ 128) - 128", a)
	case 2:
		return fmt.Sprintf("(((%s) & 65535) ^ 32768) - 32768", a)
	}
	return a
}

// addr leaves the address of a memory operand in at. Operands that are no
// addresses of the machine are refused long before 32 bits overflow.
func (e *emitter) addr(m *ir.Mem) string {
	var s []string
	sum := []string{}
	if m.Base != ir.None {
		sum = append(sum, e.reg(m.Base))
		if m.Base != ir.TP {
			s = append(s, fmt.Sprintf("need(%[1]s >= -%[2]d && %[1]s < %[2]d);\n", e.reg(m.Base), 1<<28))
		}
	}
	if m.Index != ir.None {
		s = append(s, fmt.Sprintf("need(%[1]s >= -%[2]d && %[1]s < %[2]d);\n", e.reg(m.Index), 1<<26))
		sum = append(sum, fmt.Sprintf("(%s << %d)", e.reg(m.Index), m.Scale))
	}
	if m.Disp != 0 || len(sum) == 0 {
		sum = append(sum, number(m.Disp))
	}
	if m.Disp < -(1<<30) || m.Disp >= 1<<30 {
		e.fail("whose displacement has more than 30 bits")
	}
	return strings.Join(s, "") + fmt.Sprintf("at = %s;\n", strings.Join(sum, " + "))
}
