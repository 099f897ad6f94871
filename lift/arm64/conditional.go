package arm64

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// The flags by number, as a conditional compare has them.
const (
	flagN, flagZ, flagC, flagV = 8, 4, 2, 1
)

// compareIf lifts ccmp and ccmn: flags are those of a comparison if the condition
// holds, or those that the instruction says. Package ir compares always: with
// another first operand if the condition doesn't hold, which makes Z right and as
// many of the others as there is a number for. The rest is lost.
func (l *lifter) compareIf() {
	if !l.bit(29) || l.bit(10) || l.bit(4) {
		l.refuse(unknown)
		return
	}
	code := l.bits(15, 12)
	cond, otherwise := l.condition(code), l.bits(3, 0)
	mnemonic := "ccmn"
	if l.bit(30) {
		mnemonic = "ccmp"
	}
	if l.bit(11) {
		l.text("%s %s, #%#x, #%#x, %s", mnemonic, l.named(l.rn()), l.rm(), otherwise, conditions[code].name)
		l.compareNumber(cond, mnemonic == "ccmp", int64(l.rm()), otherwise)
		return
	}
	l.text("%s %s, %s, #%#x, %s", mnemonic, l.named(l.rn()), l.named(l.rm()), otherwise, conditions[code].name)
	if mnemonic == "ccmn" || l.rm() == 31 {
		l.refuse("a conditional comparison that takes more than %d micro-ops", ir.MaxOps)
		return
	}
	a, b, w := l.source(l.rn()), orZero(l.rm()), l.width()
	var is uint32 // what the flags are otherwise
	lost := isa.Flags(0)
	other := b
	switch {
	case otherwise&flagZ != 0: // b - b
		is = flagZ | flagC
	case otherwise&flagN != 0: // b-1 - b
		other = l.temp()
		l.op(ir.Sub.Imm(other, b, 1).W(w))
		is, lost = flagN, isa.C|isa.V
	default: // b+1 - b
		other = l.temp()
		l.op(ir.Add.Imm(other, b, 1).W(w))
		lost = isa.C | isa.V
	}
	l.selectAndCompare(cond, a, other, func(t ir.Reg) ir.Op { return ir.CmpReg(t, b) })
	l.out.Lost = lost | differ(is, otherwise)
}

// compareNumber compares with a number of five bits, to which ccmn adds.
func (l *lifter) compareNumber(cond ir.Cond, subtracts bool, imm int64, otherwise uint32) {
	if !subtracts {
		if imm = -imm; imm == 0 {
			l.refuse("a conditional comparison that takes more than %d micro-ops", ir.MaxOps)
			return
		}
	}
	k := imm + 1
	switch {
	case otherwise&flagZ != 0:
		k = imm
	case otherwise&flagN != 0:
		k = imm - 1
	}
	is := compared(uint64(k)&l.widthMask(), uint64(imm)&l.widthMask(), l.widthMask())
	a := l.source(l.rn())
	t := l.temp()
	l.op(ir.MovImm(t, int64(uint64(k)&l.widthMask())))
	l.selectAndCompare(cond, a, t, func(t ir.Reg) ir.Op { return ir.CmpImm(t, imm) })
	l.out.Lost = differ(is, otherwise)
}

// selectAndCompare compares a, or the other if the condition doesn't hold.
func (l *lifter) selectAndCompare(cond ir.Cond, a, other ir.Reg, compare func(ir.Reg) ir.Op) {
	t := other
	if !t.Temp() {
		t = l.temp()
	}
	l.op(ir.Select(cond, t, a, other))
	l.op(compare(t).W(l.width()))
}

// compared returns the flags of a - b, by number.
func compared(a, b, mask uint64) (f uint32) {
	v := (a - b) & mask
	if v > mask>>1 {
		f |= flagN
	}
	if v == 0 {
		f |= flagZ
	}
	if a >= b {
		f |= flagC
	}
	if (a^b)&(a^v) > mask>>1 {
		f |= flagV
	}
	return f
}

// differ returns the flags that two sets of them, by number, don't agree on.
func differ(a, b uint32) (f isa.Flags) {
	for i, flag := range [...]isa.Flags{isa.V, isa.C, isa.Z, isa.N} {
		if (a^b)>>i&1 != 0 {
			f |= flag
		}
	}
	return f
}
