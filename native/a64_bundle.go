package native

import "github.com/rseqemu/rseqemu/ir"

// bundle emits a bundle of more than one micro-op that is one instruction of
// arm64, once addresses and immediates are in registers, and reports whether it
// is:
//
//	{ ld t0, [m]; op t0, t0, x; st [m], t0 }     ldadd, ldset, ldclr, ldeor; lock: ldaddal, …
//	{ shl t0, a, n; op d, b, t0 }                op d, b, a, lsl #n; also shr and sar
//	{ bit a, n; b.lo target }                    tbnz; b.hs: tbz
//	{ and t0, a, 1<<n; bne t0, 0, target }       tbnz; beq: tbz
//
// Any other is as many instructions as it has micro-ops or more.
func (a *a64) bundle(in *ir.Instr) bool {
	ops := in.Micro()
	switch {
	case len(ops) == 3 && ops[0].Code == ir.Ld:
		begin := len(a.buf)
		if !a.readModifyWrite(in) {
			return false
		}
		if len(a.buf)-begin > ir.MaxSize && !in.Locked {
			a.buf = a.buf[:begin] // the parts may be shorter
			return false
		}
		return true
	case len(ops) != 2 || in.Locked:
		return false
	}
	return a.shiftedOperand(&ops[0], &ops[1]) || a.testedBit(&ops[0], &ops[1])
}

// readModifyWrite is an atomic operation without a result. The memory order of
// one that isn't locked is that of its parts: none.
func (a *a64) readModifyWrite(in *ir.Instr) bool {
	ld, op, st := &in.Ops[0], &in.Ops[1], &in.Ops[2]
	w := ir.Width(ld.Width.Bytes())
	t := ld.Dst
	if st.Code != ir.St || st.A != t || st.Mem != ld.Mem || ir.Width(st.Width.Bytes()) != w || !t.Temp() ||
		ld.Order != ir.Plain || st.Order != ir.Plain || ld.Mem.Base == t || ld.Mem.Index == t ||
		op.Dst != t || op.A != t || op.B == t || op.Flags != ir.NoFlags || ir.Width(op.Width.Bytes()) < w {
		return false
	}
	const ldadd, ldclr, ldeor, ldset = 0x38200000, 0x38201000, 0x38202000, 0x38203000
	var code uint32
	imm, invert := uint64(op.Imm), uint32(0)
	switch op.Code {
	case ir.Add:
		code = ldadd
	case ir.Sub:
		code, imm, invert = ldadd, -imm, 0xcb000000 // sub value, zero, b
	case ir.And:
		code, imm, invert = ldclr, ^imm, 0xaa200000 // orn value, zero, b
	case ir.Andn:
		code = ldclr
	case ir.Or:
		code = ldset
	case ir.Xor:
		code = ldeor
	default:
		return false
	}
	p := a.pointer(ld.Mem)
	s := value
	switch {
	case op.B == ir.None:
		a.set(value, imm&widthMask(w))
	case invert != 0:
		a.word(invert | dnm(value, zero, a.reg(op.B)))
	default:
		s = a.reg(op.B)
	}
	result := zero
	if in.Locked {
		// An acquire has a register to load into.
		code, result = code|0x00c00000, value
	}
	a.word(code | size(w) | dnm(result, p, s))
	return true
}

func (a *a64) shiftedOperand(sh, op *ir.Op) bool {
	kind, shifts := map[ir.Opcode]uint32{ir.Shl: 0, ir.Shr: 1, ir.Sar: 2}[sh.Code]
	code, combines := a64Operations[op.Code]
	w := ir.Width(sh.Width.Bytes())
	if !shifts || !combines || sh.B != ir.None || sh.Flags != ir.NoFlags || op.Flags != ir.NoFlags || w < 4 ||
		ir.Width(op.Width.Bytes()) != w || !sh.Dst.Temp() || op.B != sh.Dst || op.A == sh.Dst || op.A == ir.SP || op.Dst == ir.SP {
		return false
	}
	n := uint32(sh.Imm) & (8*uint32(w) - 1)
	a.word(code.reg | wide(w) | kind<<22 | n<<10 | dnm(a.reg(op.Dst), a.reg(op.A), a.reg(sh.A)))
	return true
}

func (a *a64) testedBit(test, br *ir.Op) bool {
	w := uint32(test.Width.Bytes())
	switch {
	case test.B != ir.None:
	case test.Code == ir.Bit && br.Code == ir.Br && (br.Cond == ir.Lo || br.Cond == ir.Hs):
		a.testAndBranch(a.reg(test.A), uint32(test.Imm)&(8*w-1), br.Cond == ir.Lo, br.TargetIP)
		return true
	case test.Code == ir.And && test.Flags == ir.NoFlags && test.Dst.Temp() && (br.Code == ir.Beq || br.Code == ir.Bne) &&
		br.A == test.Dst && br.B == ir.None && br.Imm == 0 && br.Width == test.Width:
		if n, ok := oneBit(uint64(test.Imm) & widthMask(ir.Width(w))); ok {
			a.testAndBranch(a.reg(test.A), n, br.Code == ir.Bne, br.TargetIP)
			return true
		}
	}
	return false
}
