package promela

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// The flags' bits, as package vcpu has them.
const (
	flagV = 1 << iota
	flagC
	flagZ
	flagN
)

// holds is a condition on the flags.
func holds(c ir.Cond) string {
	bit := func(f int) string { return fmt.Sprintf("(flags[me] & %d)", f) }
	not := func(f int) string { return fmt.Sprintf("!(flags[me] & %d)", f) }
	less := fmt.Sprintf("((%s != 0) != (%s != 0))", bit(flagN), bit(flagV))
	switch c {
	case ir.Eq:
		return bit(flagZ)
	case ir.Ne:
		return not(flagZ)
	case ir.Lo:
		return bit(flagC)
	case ir.Hs:
		return not(flagC)
	case ir.Ls:
		return fmt.Sprintf("(flags[me] & %d)", flagC|flagZ)
	case ir.Hi:
		return fmt.Sprintf("!(flags[me] & %d)", flagC|flagZ)
	case ir.Lt:
		return less
	case ir.Ge:
		return "!" + less
	case ir.Le:
		return fmt.Sprintf("(%s || %s)", bit(flagZ), less)
	case ir.Gt:
		return fmt.Sprintf("(%s && !%s)", not(flagZ), less)
	case ir.Mi:
		return bit(flagN)
	case ir.Pl:
		return not(flagN)
	}
	return "true"
}

const (
	maxInt = "2147483647"
	minInt = "(-2147483647 - 1)"
)

// alu translates arithmetic. The result is exact or refused: at 8 bytes if the
// 32 bits overflow, at 4 bytes also if it isn't below 2^31, as a zero-extended
// number that big is no sign-extended one.
func (e *emitter) alu(o *ir.Op) string {
	w := o.Width.Bytes()
	s := fmt.Sprintf("a = %s; b = %s;\n", e.narrow(e.reg(o.A), o.Width), e.narrowSource(o))
	m := 1<<(8*min(w, 3)) - 1
	stored := o.Dst != ir.None
	exact := func(ok string) string { // what the result needs of 32 bits
		if w < 4 {
			return ""
		}
		return fmt.Sprintf("need(%s);\n", ok)
	}
	positive := ""
	if w == 4 && stored {
		positive = "need(v >= 0);\n"
	}
	cut := func(expr string) string {
		if w < 4 {
			return fmt.Sprintf("v = (%s) & %d;\n", expr, m)
		}
		return fmt.Sprintf("v = %s;\n", expr)
	}
	flags := ""
	switch o.Code {
	case ir.Add:
		s += exact(fmt.Sprintf("!(a > 0 && b > %s - a) && !(a < 0 && b < %s - a)", maxInt, minInt))
		s += cut("a + b") + positive
		carry := "(a < 0 && b < 0) || ((a < 0) != (b < 0) && v >= 0)"
		overflow := "0"
		if w < 4 {
			carry, overflow = "v < a", fmt.Sprintf("((a ^ v) & (b ^ v) & %d) != 0", (m+1)/2)
		}
		if w == 4 && !stored && o.Flags != ir.NoFlags {
			overflow = "0" // refused above
		}
		if o.Flags != ir.NoFlags {
			flags = e.flagsOf(o, carry, overflow)
		}
	case ir.Sub:
		if w >= 4 && stored {
			s += exact(fmt.Sprintf("!(b < 0 && a > %s + b) && !(b > 0 && a < %s + b)", maxInt, minInt))
		}
		if o.Flags != ir.NoFlags {
			flags = e.subFlags(o)
		}
		if stored {
			s += cut("a - b") + positive
		}
	case ir.And:
		s += cut("a & b") + positive
	case ir.Or:
		s += cut("a | b") + positive
	case ir.Xor:
		s += cut("a ^ b") + positive
	case ir.Andn:
		s += cut("a & ~b") + positive
	case ir.Shl:
		s += fmt.Sprintf("b = b & %d;\n", 8*w-1)
		if w >= 4 {
			s += fmt.Sprintf("need(a == 0 || b < 31 && a <= (%s >> b) && a >= -(%s >> b));\nv = (a == 0 -> 0 : a << b);\n", maxInt, maxInt) + positive
		} else {
			s += cut("a << b")
		}
	case ir.Shr, ir.Sar:
		s += fmt.Sprintf("b = b & %d;\n", 8*w-1)
		switch {
		case w < 4 && o.Code == ir.Sar:
			s += cut(fmt.Sprintf("(%s) >> b", signed("a", o.Width)))
		case w < 4:
			s += cut("a >> b")
		case w == 8 && o.Code == ir.Sar:
			s += "v = (b > 30 -> (a < 0 -> -1 : 0) : a >> b);\n"
		default:
			s += "need(a >= 0 || b == 0);\nv = (b > 30 -> 0 : a >> b);\n" + positive
		}
	default:
		e.fail("a micro-op that the translation doesn't know")
	}
	if o.Flags != ir.NoFlags && flags == "" {
		flags = e.flagsOf(o, "0", "0")
	}
	return s + flags + e.set(o.Dst, "v")
}

// narrowSource is the second operand at the width.
func (e *emitter) narrowSource(o *ir.Op) string {
	if o.B == ir.None && o.Width.Bytes() < 4 {
		return number(o.Imm & (1<<(8*o.Width.Bytes()) - 1))
	}
	switch o.Code {
	case ir.Shl, ir.Shr, ir.Sar: // a distance, of which the lowest bits count
		return e.source(o)
	}
	return e.narrow(e.source(o), o.Width)
}

// flagsOf sets N and Z by v, and C and V.
func (e *emitter) flagsOf(o *ir.Op, carry, overflow string) string {
	negative := "v < 0"
	if w := o.Width.Bytes(); w < 4 {
		negative = fmt.Sprintf("v >= %d", 1<<(8*w-1))
	}
	return e.setFlags(o, "v == 0", negative, carry, overflow)
}

// subFlags sets the flags of a - b, whether or not the difference fits.
func (e *emitter) subFlags(o *ir.Op) string {
	switch w := o.Width.Bytes(); w {
	case 8:
		// In 64 bits nothing overflows: N is the comparison itself.
		return e.setFlags(o, "a == b", "a < b", unsignedLess, "0")
	case 4:
		overflow := fmt.Sprintf("((b < 0 && a > %s + b) || (b > 0 && a < %s + b))", maxInt, minInt)
		return e.setFlags(o, "a == b", fmt.Sprintf("(a < b) != %s", overflow), unsignedLess, overflow)
	default:
		high := 1 << (8*w - 1)
		return e.setFlags(o, "a == b", fmt.Sprintf("((a - b) & %d) != 0", high), "a < b",
			fmt.Sprintf("((a ^ b) & (a ^ (a - b)) & %d) != 0", high))
	}
}

// unsignedLess compares sign-extended numbers as unsigned ones of 64 bits, and
// patterns of 32 bits.
const unsignedLess = "((a < 0) == (b < 0) -> a < b : b < 0)"

func (e *emitter) setFlags(o *ir.Op, zero, negative, carry, overflow string) string {
	kept := 0
	c := fmt.Sprintf(" | ((%s) -> %d : 0)", carry, flagC)
	if o.Flags == ir.KeepC {
		kept, c = flagC, ""
	}
	return fmt.Sprintf("flags[me] = (flags[me] & %d) | ((%s) -> %d : 0) | ((%s) -> %d : 0)%s | ((%s) -> %d : 0);\n",
		kept, zero, flagZ, negative, flagN, c, overflow, flagV)
}
