package amd64

import (
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// text writes the instruction as objdump does: sources first, the destination
// last.
func (in *inst) text() string {
	b := make([]byte, 0, 64)
	b = in.prefixText(b)
	b = append(b, in.mnemonic()...)
	for i := in.n - 1; i >= 0; i-- {
		if i == in.n-1 {
			b = append(b, ' ')
		} else {
			b = append(b, ',')
		}
		b = in.operandText(b, in.args[i])
	}
	return string(b)
}

// named gives an instruction without operands its name, where the table can't.
func (in *inst) named(name string) {
	in.form, in.n, in.rep = &form{name: name, attr: in.form.attr}, 0, 0
}

func (in *inst) prefixText(b []byte) []byte {
	extra := in.data16
	if extra > 0 && in.form.attr&aSized != 0 && !in.wide() {
		extra--
	}
	for range extra {
		b = append(b, "data16 "...)
	}
	switch in.seg {
	case 0x2e:
		b = append(b, "cs "...)
	case 0x3e:
		b = append(b, "notrack "...)
	}
	if in.addr32 {
		b = append(b, "addr32 "...)
	}
	if in.lock {
		b = append(b, "lock "...)
	}
	switch in.rep {
	case 0xf2:
		b = append(b, "bnd "...)
	case 0xf3:
		b = append(b, "repz "...)
	}
	return b
}

// suffix is the letter for a size.
func suffix(w ir.Width) string { return [...]string{1: "b", 2: "w", 4: "l", 8: "q"}[w] }

// mnemonic is the row's, with the sizes that it needs.
func (in *inst) mnemonic() string {
	name, star := strings.CutSuffix(in.form.name, "*")
	a := in.args[:in.n]
	switch {
	case star && a[0].kind == kMem:
		if name == "push" || name == "pop" {
			return name
		}
		return name + suffix(a[0].w)
	case strings.HasPrefix(name, "movz") || strings.HasPrefix(name, "movs") && name != "movslq":
		return name + suffix(a[0].w)
	case name == "mov" && in.n == 2 && a[1].kind == kImm && a[0].kind == kReg && a[0].w == 8 && in.opcode&0xf8 == 0xb8:
		return "movabs"
	}
	return name
}

func (in *inst) operandText(b []byte, o operand) []byte {
	switch o.kind {
	case kHigh:
		return append(append(b, '%'), high8[o.n]...)
	case kMem:
		if in.indirect() {
			b = append(b, '*')
		}
		return in.memText(b)
	case kImm:
		if o.one {
			return append(b, "$1"...)
		}
		return hex(append(b, '$'), uint64(o.imm)&(^uint64(0)>>(64-8*uint64(o.w))))
	case kTarget:
		return hex(b, uint64(o.imm))
	case kCL:
		return append(b, "%cl"...)
	}
	if in.indirect() {
		b = append(b, '*')
	}
	return append(append(b, '%'), nameOf(o.n, o.w)...)
}

func (in *inst) indirect() bool { return in.form.attr&aNoTrack != 0 }

func (in *inst) memText(b []byte) []byte {
	m := &in.mem
	if in.seg == 0x64 {
		b = append(b, "%fs:"...)
	}
	if m.base == noReg && m.index == noReg && !m.rip {
		return hex(b, uint64(m.disp))
	}
	disp := m.disp
	if m.rip {
		disp -= int64(in.next())
	}
	if disp < 0 {
		b = hex(append(b, '-'), -uint64(disp))
	} else if disp > 0 || m.shown {
		b = hex(b, uint64(disp))
	}
	b = append(b, '(')
	switch {
	case m.rip:
		return append(b, "%rip)"...)
	case m.base != noReg:
		b = append(append(b, '%'), names64[m.base]...)
	}
	switch {
	case m.index != noReg:
		b = append(append(b, ",%"...), names64[m.index]...)
	case m.riz:
		b = append(b, ",%riz"...)
	default:
		return append(b, ')')
	}
	b = append(b, ',')
	return append(strconv.AppendUint(b, 1<<m.scale, 10), ')')
}

func hex(b []byte, v uint64) []byte { return strconv.AppendUint(append(b, "0x"...), v, 16) }
