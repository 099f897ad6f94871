package promela

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// access translates an access to memory and what follows it in the step, which
// happens only if it doesn't fault. A fault ends the program, so that nothing but
// memory shows what was done before it: one behind another access is refused.
//
//  1. the address, and whether it is aligned where it has to be
//  2. its place in mem; what is known when the model is written needs no test
//  3. the access
func (e *emitter) access(o *ir.Op, rest []ir.Op, end string) string {
	w := o.Width.Bytes()
	first := !e.accessed
	e.accessed = true
	if off, ok := e.fixed(o, w); ok {
		return "x = " + off + ";\n" + e.fixedAddress(o) + e.do(o, w, "mem") + e.emit(rest, end)
	}
	fault := func(reason emu.Reason) string {
		if !first {
			return "need(false)"
		}
		e.faults = true
		return fmt.Sprintf("fatal = %d; fault = at", reason)
	}
	s := e.addr(&o.Mem)
	ordered := o.Order != ir.Plain || o.Code != ir.Ld && o.Code != ir.St
	s += fmt.Sprintf("place(at, %d);\nif\n", w)
	if ordered && w > 1 {
		s += fmt.Sprintf(":: (at & %d) -> %s\n", w-1, fault(emu.ReasonAlign))
	}
	guard := func(c string) string {
		if ordered && w > 1 {
			return fmt.Sprintf("(%s && !(at & %d))", c, w-1)
		}
		return "(" + c + ")"
	}
	s += fmt.Sprintf(":: %s ->\n%s", guard("x >= 0"), indent(e.do(o, w, "mem")+e.emit(rest, end), 3))
	in := "x < 0"
	if n := len(e.x.im.Rodata); n >= w {
		ro := fmt.Sprintf("at >= %d && at <= %d", ir.RodataBase, int(ir.RodataBase)+n-w)
		if o.Code == ir.Ld {
			s += fmt.Sprintf(":: %s ->\n   x = at - %d;\n%s", guard("x < 0 && "+ro), ir.RodataBase, indent(e.do(o, w, "ro")+e.emit(rest, end), 3))
			in += fmt.Sprintf(" && !(%s)", ro)
		} else if !o.Stores() || o.Code != ir.St {
			in += fmt.Sprintf(" && !(%s)", ro) // readable, but not writable: refused below
		}
	}
	code := fmt.Sprintf("at >= %d && at < %d", ir.CodeBase, int(ir.CodeBase)+len(e.x.im.Code))
	reason := emu.ReasonLoad
	if o.Code == ir.St {
		reason = emu.ReasonStore
	} else {
		in += fmt.Sprintf(" && !(%s)", code) // nor is code read here
	}
	if o.Code == ir.Sc {
		in = "false" // whether it faults depends on the reservation
	}
	s += fmt.Sprintf(":: %s -> %s\n:: else -> need(false)\nfi;\n", guard(in), fault(reason))
	return s
}

// fixed is the place of an operand that is known: in the thread's own area, or
// at an address without a register.
func (e *emitter) fixed(o *ir.Op, w int) (string, bool) {
	m := &o.Mem
	if m.Index != ir.None || m.Disp&int64(w-1) != 0 {
		return "", false
	}
	im := e.x.im
	switch m.Base {
	case ir.None:
		off, ok := e.x.offset(ir.Addr(m.Disp), w)
		return fmt.Sprint(off), ok
	case ir.TP:
		before, behind := int64(im.ThreadBefore), int64(im.ThreadStride-im.ThreadBefore)
		return fmt.Sprintf("AREA + %s", number(m.Disp)), m.Disp >= -before && m.Disp+int64(w) <= behind
	}
	return "", false
}

// fixedAddress leaves the address in at, where somebody wants to know it.
func (e *emitter) fixedAddress(o *ir.Op) string {
	if e.x.links {
		return e.addr(&o.Mem)
	}
	return ""
}

// do is the access itself, to the place x of an array.
func (e *emitter) do(o *ir.Op, w int, array string) string {
	load := fmt.Sprintf("load%d(%s, x);\n", w, array)
	store := func(v string) string {
		s := fmt.Sprintf("store%d(x, %s);\n", w, v)
		if e.x.links {
			s += fmt.Sprintf("broken(at, %d);\n", w)
		}
		return s
	}
	a := e.reg(o.A)
	switch o.Code {
	case ir.Ld:
		return load + e.set(o.Dst, "v")
	case ir.St:
		if o.A == ir.None {
			a = number(o.Imm)
		}
		return store(a)
	case ir.Xadd:
		return load + fmt.Sprintf("a = %s; b = v;\n", e.narrow(a, o.Width)) +
			fmt.Sprintf("need(!(a > 0 && b > %s - a) && !(a < 0 && b < %s - a));\n", maxInt, minInt) + store("a + b") + e.set(o.Dst, "b")
	case ir.Xchg:
		return load + fmt.Sprintf("a = %s; b = v;\n", a) + store("a") + e.set(o.Dst, "b")
	case ir.Cmpxchg:
		return load + fmt.Sprintf("b = v; a = %s;\nflags[me] = flags[me] & ~%d;\nif\n:: (b == %s) -> flags[me] = flags[me] | %d; %s:: else -> skip\nfi;\n",
			a, flagZ, e.narrow(e.reg(o.Dst), o.Width), flagZ, store("a")) + e.set(o.Dst, "b")
	case ir.Ll:
		return load + "reserved[cpu[me]-1] = at;\n" + e.set(o.Dst, "v")
	case ir.Sc:
		return fmt.Sprintf("a = %s;\nif\n:: (reserved[cpu[me]-1] == at) ->\n   reserved[cpu[me]-1] = 0;\n   %s   v = 0\n:: else -> v = 1\nfi;\n", a, store("a")) + e.set(o.Dst, "v")
	}
	e.fail("a micro-op that the translation doesn't know")
	return ""
}
