package ir

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
)

// mnemonicWidth is the width of the column of mnemonics in a program's text.
const mnemonicWidth = 5

// Format prints the micro-op as the assembler reads it, for %v and %s. After
// linking, %+v adds the address to a branch's target: jmp retry@0x10000.
func (o Op) Format(f fmt.State, verb rune) {
	if text(f, verb) {
		f.Write(o.append(nil, 0, f.Flag('+')))
		return
	}
	type plain Op
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(o))
}

// String returns the micro-op as the assembler reads it.
func (o Op) String() string { return string(o.append(nil, 0, false)) }

// Format prints the instruction as the assembler reads it, for %v and %s; see
// [Op.Format] for %+v.
func (in Instr) Format(f fmt.State, verb rune) {
	if text(f, verb) {
		f.Write(in.append(nil, 0, f.Flag('+')))
		return
	}
	type plain Instr
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(in))
}

// String returns the instruction as the assembler reads it.
func (in Instr) String() string { return string(in.append(nil, 0, false)) }

// text reports whether a verb asks for assembler text; %#v and the others get
// what fmt makes of the bare type.
func text(f fmt.State, verb rune) bool {
	return verb == 's' || verb == 'v' && !f.Flag('#')
}

// append appends the instruction's text; column is the width of the column of
// mnemonics, which only one without braces has.
func (in *Instr) append(b []byte, column int, addresses bool) []byte {
	if in.Locked {
		b = append(b, "lock "...)
		column = 0
	}
	if in.N == 1 {
		b = in.Ops[0].append(b, column, addresses)
	} else {
		b = append(b, "{ "...)
		for i := range in.Ops[:min(in.N, MaxOps)] {
			if i > 0 {
				b = append(b, "; "...)
			}
			b = in.Ops[i].append(b, 0, addresses)
		}
		b = append(b, " }"...)
	}
	if in.Size != 0 && in.Size != InstrSize {
		b = appendUint(append(b, " !"...), uint64(in.Size))
	}
	return b
}

// append appends the micro-op's text. It is meant for any value, but only a
// valid one can be read back.
func (o *Op) append(b []byte, column int, addresses bool) []byte {
	s := syntaxOf(o)
	if s == nil {
		return append(b, o.Code.String()...)
	}
	start := len(b)
	b = o.appendMnemonic(b, s)
	for i, slot := range []byte(s.form) {
		if i > 0 {
			b = append(b, ", "...)
		} else {
			for len(b)-start < column {
				b = append(b, ' ')
			}
			b = append(b, ' ')
		}
		b = o.appendOperand(b, slot, addresses)
	}
	return b
}

func (o *Op) appendMnemonic(b []byte, s *syntax) []byte {
	b = append(b, s.name...)
	if s.cond {
		b = append(append(b, '.'), o.Cond.String()...)
	}
	if s.widths != 0 && (s.spell || Width(o.Width.Bytes()) != s.width()) {
		b = appendUint(append(b, '.'), uint64(o.Width.Bytes()))
	}
	if int(o.Order) < len(orderNames) && orderNames[o.Order] != "" {
		b = append(append(b, '.'), orderNames[o.Order]...)
	}
	return b
}

// appendOperand appends the operand that the form has at slot.
func (o *Op) appendOperand(b []byte, slot byte, addresses bool) []byte {
	switch slot {
	case 'd':
		return append(b, o.Dst.String()...)
	case 'a':
		return append(b, o.A.String()...)
	case 'b':
		return append(b, o.B.String()...)
	case 'A', 'B':
		r := o.A
		if slot == 'B' {
			r = o.B
		}
		if r != None {
			return append(b, r.String()...)
		}
		return Value{o.Sym, o.Imm}.append(b, " ")
	case 'm':
		return o.Mem.append(b)
	case 't':
		b = append(b, o.Target...)
		if addresses && o.TargetIP != 0 {
			b = fmt.Appendf(b, "@%#x", uint64(o.TargetIP))
		}
		return b
	case 's':
		if o.Imm == SyscallInR8 {
			return append(b, SysReg.String()...)
		}
		return append(b, abi.Syscall(o.Imm).String()...)
	case 'k':
		return append(b, named(trapNames[:], int(o.Imm))...)
	}
	panic("ir: BUG: no operand " + string(slot))
}

// String returns the operand as the assembler reads it: [r1 + r2<<3 + 8].
func (m Mem) String() string { return string(m.append(nil)) }

func (m *Mem) append(b []byte) []byte {
	b = append(b, '[')
	sep := ""
	if m.Base != None {
		b = append(b, m.Base.String()...)
		sep = " + "
	}
	if m.Index != None {
		b = append(append(b, sep...), m.Index.String()...)
		// Without a base, only the shift says that this is the index.
		if m.Scale != 0 || m.Base == None {
			b = appendUint(append(b, "<<"...), uint64(m.Scale))
		}
		sep = " + "
	}
	if m.Sym != "" {
		b = append(append(b, sep...), m.Sym...)
		sep = " + "
	}
	switch {
	case sep == "":
		b = appendInt(b, m.Disp)
	case m.Disp != 0:
		b = appendOffset(b, m.Disp, " ")
	}
	return append(b, ']')
}

// String returns the value as the assembler reads it: head + 8.
func (v Value) String() string { return string(v.append(nil, " ")) }

// append appends the value, with space around the sign of its offset.
func (v Value) append(b []byte, space string) []byte {
	if v.Sym == "" {
		return appendInt(b, v.Off)
	}
	b = append(b, v.Sym...)
	if v.Off != 0 {
		b = appendOffset(b, v.Off, space)
	}
	return b
}
