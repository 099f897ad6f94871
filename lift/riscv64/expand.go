package riscv64

// The compressed instructions by quadrant (bits 1 and 0) and number (bits 15
// to 13), as the manual's tables have them. Each is short for one of four bytes.

// expand returns what a compressed instruction is short for, or why there is
// nothing.
func expand(h uint16) (word uint32, why string) {
	c := compressed(h)
	switch h & 3 {
	case 0:
		word, why = c.quadrant0()
	case 1:
		word, why = c.quadrant1()
	default:
		word, why = c.quadrant2()
	}
	return word, why
}

type compressed uint32

// Reasons why there is nothing.
const (
	floats   = "floating point"
	reserved = "reserved"
)

// bits returns the bits hi to lo, at position to.
func (c compressed) bits(hi, lo, to int) uint32 {
	return uint32(c) >> lo & (1<<(hi-lo+1) - 1) << to
}

// The registers: of five bits, or of three, which are s0 to a5.
func (c compressed) rd() uint32   { return c.bits(11, 7, 0) }
func (c compressed) rs2() uint32  { return c.bits(6, 2, 0) }
func (c compressed) low9() uint32 { return 8 + c.bits(9, 7, 0) }
func (c compressed) low4() uint32 { return 8 + c.bits(4, 2, 0) }

// imm6 is the immediate of six bits, signed.
func (c compressed) imm6() uint32 { return signed(c.bits(12, 12, 5)|c.bits(6, 2, 0), 5) }

// signed extends the sign, which is bit n.
func signed(v uint32, n int) uint32 { return uint32(int32(v<<(31-n)) >> (31 - n)) }

// offset4 and offset8 are displacements of accesses of four and eight bytes.
func (c compressed) offset4() uint32 { return c.bits(5, 5, 6) | c.bits(12, 10, 3) | c.bits(6, 6, 2) }
func (c compressed) offset8() uint32 { return c.bits(6, 5, 6) | c.bits(12, 10, 3) }

func (c compressed) quadrant0() (uint32, string) {
	switch c.bits(15, 13, 0) {
	case 0: // c.addi4spn
		imm := c.bits(10, 7, 6) | c.bits(12, 11, 4) | c.bits(5, 5, 3) | c.bits(6, 6, 2)
		switch {
		case c == 0:
			return unimplemented, ""
		case imm == 0:
			return 0, reserved
		}
		return formatI(opImm, 0, c.low4(), sp, imm), ""
	case 2: // c.lw
		return formatI(opLoad, 2, c.low4(), c.low9(), c.offset4()), ""
	case 3: // c.ld
		return formatI(opLoad, 3, c.low4(), c.low9(), c.offset8()), ""
	case 6: // c.sw
		return formatS(2, c.low9(), c.low4(), c.offset4()), ""
	case 7: // c.sd
		return formatS(3, c.low9(), c.low4(), c.offset8()), ""
	case 1, 5:
		return 0, floats
	}
	return 0, reserved
}

func (c compressed) quadrant1() (uint32, string) {
	rd := c.rd()
	switch c.bits(15, 13, 0) {
	case 0: // c.addi, c.nop
		return formatI(opImm, 0, rd, rd, c.imm6()), ""
	case 1: // c.addiw
		if rd == 0 {
			return 0, reserved
		}
		return formatI(opImm32, 0, rd, rd, c.imm6()), ""
	case 2: // c.li
		return formatI(opImm, 0, rd, zero, c.imm6()), ""
	case 3:
		return c.addSPOrLui(rd)
	case 4:
		return c.arithmetic()
	case 5: // c.j
		v := c.bits(12, 12, 11) | c.bits(8, 8, 10) | c.bits(10, 9, 8) | c.bits(6, 6, 7) | c.bits(7, 7, 6) | c.bits(2, 2, 5) | c.bits(11, 11, 4) | c.bits(5, 3, 1)
		return formatJ(zero, signed(v, 11)), ""
	case 6: // c.beqz
		return formatB(0, c.low9(), c.branchOffset()), ""
	}
	return formatB(1, c.low9(), c.branchOffset()), "" // c.bnez
}

func (c compressed) branchOffset() uint32 {
	return signed(c.bits(12, 12, 8)|c.bits(6, 5, 6)|c.bits(2, 2, 5)|c.bits(11, 10, 3)|c.bits(4, 3, 1), 8)
}

func (c compressed) addSPOrLui(rd uint32) (uint32, string) {
	if rd == sp { // c.addi16sp
		v := c.bits(12, 12, 9) | c.bits(4, 3, 7) | c.bits(5, 5, 6) | c.bits(2, 2, 5) | c.bits(6, 6, 4)
		if v == 0 {
			return 0, reserved
		}
		return formatI(opImm, 0, sp, sp, signed(v, 9)), ""
	}
	if c.imm6() == 0 {
		return 0, reserved
	}
	return opLui | rd<<7 | c.imm6()<<12, ""
}

func (c compressed) arithmetic() (uint32, string) {
	d, s := c.low9(), c.low4()
	shift := c.bits(12, 12, 5) | c.bits(6, 2, 0)
	switch c.bits(11, 10, 0) {
	case 0: // c.srli
		return formatI(opImm, 5, d, d, shift), ""
	case 1: // c.srai
		return formatI(opImm, 5, d, d, 0x400|shift), ""
	case 2: // c.andi
		return formatI(opImm, 7, d, d, c.imm6()), ""
	}
	switch c.bits(12, 12, 2) | c.bits(6, 5, 0) {
	case 0: // c.sub
		return formatR(opReg, 0, 0x20, d, d, s), ""
	case 1: // c.xor
		return formatR(opReg, 4, 0, d, d, s), ""
	case 2: // c.or
		return formatR(opReg, 6, 0, d, d, s), ""
	case 3: // c.and
		return formatR(opReg, 7, 0, d, d, s), ""
	case 4: // c.subw
		return formatR(opReg32, 0, 0x20, d, d, s), ""
	case 5: // c.addw
		return formatR(opReg32, 0, 0, d, d, s), ""
	}
	return 0, reserved
}

func (c compressed) quadrant2() (uint32, string) {
	rd := c.rd()
	switch c.bits(15, 13, 0) {
	case 0: // c.slli
		return formatI(opImm, 1, rd, rd, c.bits(12, 12, 5)|c.bits(6, 2, 0)), ""
	case 2: // c.lwsp
		if rd == 0 {
			return 0, reserved
		}
		return formatI(opLoad, 2, rd, sp, c.bits(3, 2, 6)|c.bits(12, 12, 5)|c.bits(6, 4, 2)), ""
	case 3: // c.ldsp
		if rd == 0 {
			return 0, reserved
		}
		return formatI(opLoad, 3, rd, sp, c.bits(4, 2, 6)|c.bits(12, 12, 5)|c.bits(6, 5, 3)), ""
	case 4:
		return c.moveOrJump(rd)
	case 6: // c.swsp
		return formatS(2, sp, c.rs2(), c.bits(8, 7, 6)|c.bits(12, 9, 2)), ""
	case 7: // c.sdsp
		return formatS(3, sp, c.rs2(), c.bits(9, 7, 6)|c.bits(12, 10, 3)), ""
	}
	return 0, floats
}

func (c compressed) moveOrJump(rd uint32) (uint32, string) {
	adds, rs2 := c.bits(12, 12, 0) != 0, c.rs2()
	switch {
	case !adds && rs2 != 0: // c.mv
		return formatR(opReg, 0, 0, rd, zero, rs2), ""
	case adds && rs2 != 0: // c.add
		return formatR(opReg, 0, 0, rd, rd, rs2), ""
	case adds && rd == 0: // c.ebreak
		return 0x00100073, ""
	case rd == 0:
		return 0, reserved
	case adds: // c.jalr
		return formatI(opJalr, 0, ra, rd, 0), ""
	}
	return formatI(opJalr, 0, zero, rd, 0), "" // c.jr
}

// The formats of instructions of four bytes.

func formatI(op, funct3, rd, rs1, imm uint32) uint32 {
	return op | rd<<7 | funct3<<12 | rs1<<15 | imm<<20
}

func formatR(op, funct3, funct7, rd, rs1, rs2 uint32) uint32 {
	return op | rd<<7 | funct3<<12 | rs1<<15 | rs2<<20 | funct7<<25
}

// formatS is a store.
func formatS(funct3, rs1, rs2, imm uint32) uint32 {
	return opStore | imm&31<<7 | funct3<<12 | rs1<<15 | rs2<<20 | imm>>5<<25
}

// formatB is a branch that compares with zero.
func formatB(funct3, rs1, imm uint32) uint32 {
	return opBranch | imm>>11&1<<7 | imm>>1&15<<8 | funct3<<12 | rs1<<15 | imm>>5&63<<25 | imm>>12&1<<31
}

// formatJ is jal.
func formatJ(rd, imm uint32) uint32 {
	return opJal | rd<<7 | imm>>12&0xff<<12 | imm>>11&1<<20 | imm>>1&0x3ff<<21 | imm>>20&1<<31
}
