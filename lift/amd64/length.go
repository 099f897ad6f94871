package amd64

// What isn't lifted has a length all the same, so that an error can show the
// whole instruction. These are the manuals' opcode maps reduced to that.

// measure reads on behind an opcode that is in no row.
func (in *inst) measure() {
	if !in.escaped {
		switch in.opcode {
		case 0xc5:
			in.skip(1)
			in.vector(1)
			return
		case 0xc4:
			opcodes := in.u(1) & 0x1f
			in.skip(1)
			in.vector(opcodes)
			return
		case 0x62:
			opcodes := in.u(1) & 7
			in.skip(2)
			in.vector(opcodes)
			return
		}
		if invalid(in.opcode) {
			in.fail(whyUnknown)
			return
		}
		if hasModRM(in.opcode) {
			in.readModRM()
		}
		in.skip(in.immediates())
		return
	}
	switch in.opcode {
	case 0x38:
		in.skip(1)
		in.readModRM()
	case 0x3a:
		in.skip(1)
		in.readModRM()
		in.skip(1)
	default:
		if hasModRM0F(in.opcode) {
			in.readModRM()
		}
		in.skip(immediates0F(in.opcode))
	}
}

// vector reads on behind the prefix of AVX, in one of its opcode maps.
func (in *inst) vector(opcodes uint64) {
	op := byte(in.u(1))
	if opcodes != 1 || op != 0x77 { // vzeroupper
		in.readModRM()
	}
	switch opcodes {
	case 1:
		in.skip(immediates0F(op))
	case 3:
		in.skip(1)
	}
}

func (in *inst) skip(n int) {
	for range n {
		in.u(1)
	}
}

// invalid are the opcodes of one byte that are none with 64 bits.
func invalid(op byte) bool {
	switch op {
	case 0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea,
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3: // prefixes behind REX
		return true
	}
	return op&0xf0 == 0x40
}

// hasModRM tells those of the opcodes of one byte that have no row; a group has
// read its own.
func hasModRM(op byte) bool { return op == 0x8c || op == 0x8e || op >= 0xd8 && op <= 0xdf }

// immediates is the length of what follows the operand by ModRM.
func (in *inst) immediates() int {
	op := in.opcode
	switch {
	case op >= 0xe0 && op <= 0xe7, op == 0xcd, op == 0xc0, op == 0xc1, op == 0xc6, op == 0xf6 && in.reg&7 == 1:
		return 1
	case op == 0xca:
		return 2
	case op == 0xc8:
		return 3
	case op == 0xc7, op == 0xf7 && in.reg&7 == 1:
		return min(4, in.width('v').Bytes())
	}
	return 0
}

func hasModRM0F(op byte) bool {
	switch {
	case op >= 0x05 && op <= 0x0b && op != 0x0a, op == 0x0e, op >= 0x30 && op <= 0x37, op == 0x77,
		op >= 0xa0 && op <= 0xa2, op >= 0xa8 && op <= 0xaa, op >= 0xc8 && op <= 0xcf:
		return false
	}
	return true
}

func immediates0F(op byte) int {
	switch op {
	case 0x0f, 0x70, 0x71, 0x72, 0x73, 0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6:
		return 1
	}
	return 0
}
