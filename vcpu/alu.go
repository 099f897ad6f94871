package vcpu

import "github.com/rseqemu/rseqemu/ir"

// alu computes an operation at a width, with the flags it would set.
func alu(code ir.Opcode, w ir.Width, a, b uint64) (v uint64, f uint8) {
	m := mask(w)
	distance := b & (uint64(w)*8 - 1)
	signed := signExtend(a, w)
	a, b = a&m, b&m
	switch code {
	case ir.Add:
		v = (a + b) & m
		return v, addFlags(a, b, v, m)
	case ir.Sub:
		v = (a - b) & m
		return v, subFlags(a, b, v, m)
	case ir.And:
		v = a & b
	case ir.Or:
		v = a | b
	case ir.Xor:
		v = a ^ b
	case ir.Andn:
		v = a &^ b
	case ir.Shl:
		v = a << distance & m
	case ir.Shr:
		v = a >> distance
	case ir.Sar:
		v = uint64(int64(signed)>>distance) & m
	}
	return v, flagsNZ(v, m)
}

// addFlags returns the flags of v = a + b, all three of the width of the mask.
func addFlags(a, b, v, mask uint64) uint8 {
	f := flagsNZ(v, mask)
	if v < a {
		f |= FlagC
	}
	if (a^v)&(b^v)&^(mask>>1) != 0 {
		f |= FlagV
	}
	return f
}

// subFlags returns the flags of v = a - b, all three of the width of the mask.
func subFlags(a, b, v, mask uint64) uint8 {
	f := flagsNZ(v, mask)
	if a < b {
		f |= FlagC
	}
	if (a^b)&(a^v)&^(mask>>1) != 0 {
		f |= FlagV
	}
	return f
}

// flagsNZ returns N and Z of a result.
func flagsNZ(v, mask uint64) (f uint8) {
	if v == 0 {
		f = FlagZ
	}
	if v > mask>>1 {
		f |= FlagN
	}
	return f
}

// mask returns the bits of a value of the width.
func mask(w ir.Width) uint64 { return ^uint64(0) >> (64 - 8*uint64(w)) }

func signExtend(v uint64, w ir.Width) uint64 {
	n := 64 - 8*uint64(w)
	return uint64(int64(v<<n) >> n)
}
