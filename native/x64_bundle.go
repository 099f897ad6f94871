package native

import "github.com/rseqemu/rseqemu/ir"

// bundle emits a bundle of more than one micro-op that is one instruction of
// x86-64, and reports whether it is:
//
//	{ ld t0, [m]; op t0, t0, x; st [m], t0 }     op [m], x      (lock: lock op)
//	{ ld t0, [m]; op d, d, t0 }                  op d, [m]
//	{ ld t0, [m]; cmp a, t0 }                    cmp a, [m]
//	{ bit d, n; and d, d, ^(1 << n) }            btr d, n
//
// where op is add, sub, and, or or xor. Any other is as many instructions as it
// has micro-ops or more.
func (a *x64) bundle(in *ir.Instr) bool {
	ops := in.Micro()
	if len(ops) == 2 && ops[0].Code == ir.Bit {
		return a.testAndReset(&ops[0], &ops[1])
	}
	if len(ops) < 2 || ops[0].Code != ir.Ld {
		return false
	}
	ld, op := &ops[0], &ops[1]
	code, known := arithmetic[op.Code]
	w := ir.Width(ld.Width.Bytes())
	if !known || op.Flags == ir.KeepC || ir.Width(op.Width.Bytes()) != w {
		return false
	}
	switch {
	case len(ops) == 3:
		st := &ops[2]
		if st.Code != ir.St || st.A != ld.Dst || st.Mem != ld.Mem || ir.Width(st.Width.Bytes()) != w ||
			op.Dst != ld.Dst || op.A != ld.Dst || op.B == ld.Dst || !ld.Dst.Temp() {
			return false
		}
		if op.B == ir.None && w == 8 && op.Imm != int64(int32(op.Imm)) {
			return false
		}
		if in.Locked {
			a.bytes(0xf0)
		}
		m := a.mem(ld.Mem)
		if op.B != ir.None {
			a.sized(w, code.opcode, a.host(op.B), m)
		} else {
			a.sized(w, 0x80, code.digit, m)
			a.immediate(w, op.Imm)
		}
		return true
	case in.Locked || w < 4 || op.B != ld.Dst || !ld.Dst.Temp() || op.A == ld.Dst:
		return false
	case op.Dst == ir.None && op.Code == ir.Sub:
		a.op(w, []byte{0x3b}, a.host(op.A), a.mem(ld.Mem))
		return true
	case op.Dst == op.A:
		a.op(w, []byte{code.opcode | 3}, a.host(op.A), a.mem(ld.Mem))
		return true
	}
	return false
}

// testAndReset is btr, which has the old bit in C.
func (a *x64) testAndReset(bit, and *ir.Op) bool {
	w := ir.Width(bit.Width.Bytes())
	if and.Code != ir.And || and.Flags != ir.NoFlags || and.Dst != bit.A || and.A != bit.A || and.B != ir.None || bit.B != ir.None ||
		w < 4 || ir.Width(and.Width.Bytes()) != w || (uint64(and.Imm)^1<<(bit.Imm&63))&widthMask(w) != widthMask(w) {
		return false
	}
	a.op(w, []byte{0x0f, 0xba}, 6, isReg(a.host(bit.A)))
	a.bytes(byte(bit.Imm) & byte(8*w-1))
	return true
}
