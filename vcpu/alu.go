package vcpu

import "github.com/rseqemu/rseqemu/ir"

// alu computes an operation at a width, with the flags it would set.
func alu(code ir.Opcode, w ir.Width, a, b uint64) (v uint64, f uint8) {
	m := mask(w)
	top := m ^ m>>1
	shift := b & (uint64(w)*8 - 1)
	switch code {
	case ir.Add:
		v = (a + b) & m
		if v < a&m {
			f |= FlagC
		}
		if (a^v)&(b^v)&top != 0 {
			f |= FlagV
		}
	case ir.Sub:
		v = (a - b) & m
		if a&m < b&m {
			f |= FlagC
		}
		if (a^b)&(a^v)&top != 0 {
			f |= FlagV
		}
	case ir.And:
		v = a & b & m
	case ir.Or:
		v = (a | b) & m
	case ir.Xor:
		v = (a ^ b) & m
	case ir.Andn:
		v = a &^ b & m
	case ir.Shl:
		v = a << shift & m
	case ir.Shr:
		v = (a & m) >> shift
	case ir.Sar:
		v = uint64(int64(signExtend(a, w))>>shift) & m
	}
	if v == 0 {
		f |= FlagZ
	}
	if v&top != 0 {
		f |= FlagN
	}
	return v, f
}

// mask returns the bits of a value of the width.
func mask(w ir.Width) uint64 { return ^uint64(0) >> (64 - 8*uint64(w)) }

func signExtend(v uint64, w ir.Width) uint64 {
	n := 64 - 8*uint64(w)
	return uint64(int64(v<<n) >> n)
}
