package arm64

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// memory lifts loads and stores.
func (l *lifter) memory() {
	if l.bit(26) && (!l.vectors || l.bits(29, 28) < 2) {
		l.refuse("a register of vectors or floating point")
		return
	}
	switch l.bits(29, 28) {
	case 0b00:
		if l.bits(25, 24) == 0 {
			l.ordered()
			return
		}
	case 0b01:
		if l.bits(25, 24) == 0 {
			l.literal()
			return
		}
	case 0b10:
		l.pair()
		return
	case 0b11:
		l.single()
		return
	}
	l.refuse(unknown)
}

// literal lifts the load of a number beside the code.
func (l *lifter) literal() {
	size, opc := uint32(2), l.bits(31, 30)
	at := int64(l.out.Addr) + 4*l.signed(23, 5)
	load := uint32(1)
	switch opc {
	case 1:
		size = 3
	case 2:
		load = 2
	case 3:
		l.prefetch(fmt.Sprintf("%#x", uint64(at)))
		return
	}
	m := ir.NoMem
	m.Disp = at
	l.out.Refs = []isa.Ref{{Op: 0, Mem: true}}
	mnemonic, r, _ := l.access(size, load, m)
	l.text("%s %s, %#x", mnemonic, r, uint64(at))
}

// access appends a load or store of 1<<size bytes: opc 0 stores, 1 loads with zeros
// above, 2 with the sign into 64 bits, 3 with the sign into 32. It returns the
// mnemonic and the register's name; ok is false for a prefetch.
func (l *lifter) access(size, opc uint32, m ir.Mem) (mnemonic, r string, ok bool) {
	if l.bit(26) {
		return l.vectorAccess(size, opc, m)
	}
	if size == 3 && opc >= 2 || size == 2 && opc == 3 {
		if size == 3 && opc == 2 {
			return "", "", false
		}
		l.refuse(unknown)
		return "", "", true
	}
	rt, w := l.rd(), ir.Width(1<<size)
	mnemonic = [4]string{"str", "ldr", "ldrs", "ldrs"}[opc] + [4]string{"b", "h", "", ""}[size]
	if size == 2 && opc == 2 {
		mnemonic += "w"
	}
	r = name(rt, size == 3 || opc == 2)
	if opc == 0 {
		if rt == 31 {
			l.op(ir.StoreImm(w, m, 0))
		} else {
			l.op(ir.Store(w, m, orZero(rt)))
		}
		return mnemonic, r, true
	}
	d := l.loaded(rt)
	if opc == 1 || rt == 31 {
		l.op(ir.Load(w, d, m))
		return mnemonic, r, true
	}
	t := l.temp()
	l.op(ir.Load(w, t, m))
	if opc == 2 {
		l.op(ir.SextReg(w, d, t))
		return mnemonic, r, true
	}
	l.op(ir.SextReg(w, t, t))
	l.op(ir.ZextReg(ir.W4, d, t))
	return mnemonic, r, true
}

// prefetches are the names of prefetches, without their number's lowest bit.
var prefetches = [3]string{"pld", "pli", "pst"}

// prefetch lifts prfm, which changes nothing and never faults.
func (l *lifter) prefetch(address string) {
	n := l.rd()
	l.n = 0
	l.out.Refs = nil
	op := fmt.Sprintf("#%#02x", n)
	if n>>3 < 3 && n>>1&3 < 3 {
		op = fmt.Sprintf("%sl%d%s", prefetches[n>>3], n>>1&3+1, [2]string{"keep", "strm"}[n&1])
	}
	l.text("prfm %s, %s", op, address)
}

// single lifts the load or store of one register.
func (l *lifter) single() {
	size, opc := l.transfer()
	rn := l.rn()
	base := nameSP(rn, true)
	m := ir.Off(orSP(rn), 0)
	switch {
	case l.bit(24):
		m.Disp = int64(l.bits(21, 10)) << size
		l.finish(size, opc, m, offset(base, m.Disp), "r")
	case l.bit(21) && l.bits(11, 10) == 0b10:
		l.indexed(size, opc)
	case l.bit(21) && l.bits(11, 10) == 0b00 && !l.bit(26):
		l.atomic()
	case l.bit(21):
		l.refuse("pointer authentication or unknown")
	case l.bits(11, 10) == 0b00:
		m.Disp = l.signed(20, 12)
		l.finish(size, opc, m, offset(base, m.Disp), "ur")
	case l.bits(11, 10) == 0b10:
		l.refuse("an unprivileged access")
	default:
		l.writeBack(size, opc, l.bits(11, 10) == 0b11)
	}
}

// transfer returns the size of the access, as an exponent, and its kind, as access
// takes them.
func (l *lifter) transfer() (size, opc uint32) {
	size, opc = l.bits(31, 30), l.bits(23, 22)
	if !l.bit(26) {
		return size, opc
	}
	if opc >= 2 {
		if size != 0 {
			l.refuse(unknown)
		}
		size = 4
	}
	return size, opc & 1
}

// finish appends the access and makes the text; form is what the mnemonic has
// instead of r.
func (l *lifter) finish(size, opc uint32, m ir.Mem, address, form string) {
	mnemonic, r, ok := l.access(size, opc, m)
	switch {
	case mnemonic != "":
		l.text("%s%s%s %s, %s", mnemonic[:2], form, mnemonic[3:], r, address)
	case !ok && form == "ur":
		l.refuse("prfum")
	case !ok:
		l.prefetch(address)
	}
}

// offset is the text of an address with a displacement.
func offset(base string, disp int64) string {
	if disp == 0 {
		return "[" + base + "]"
	}
	return fmt.Sprintf("[%s, #%d]", base, disp)
}

// writeBack lifts the forms that change the base, before or after the access.
func (l *lifter) writeBack(size, opc uint32, before bool) {
	rn := l.rn()
	if rn == l.rd() && rn != 31 && !l.bit(26) {
		l.refuse("unpredictable: the base is also the register that is accessed")
		return
	}
	base, disp := orSP(rn), l.signed(20, 12)
	m, address := ir.Off(base, 0), fmt.Sprintf("[%s], #%d", nameSP(rn, true), disp)
	if before {
		m, address = ir.Off(base, disp), fmt.Sprintf("[%s, #%d]!", nameSP(rn, true), disp)
	}
	mnemonic, r, ok := l.access(size, opc, m)
	if !ok {
		l.refuse(unknown)
		return
	}
	l.op(ir.Add.Imm(base, base, disp))
	l.text("%s %s, %s", mnemonic, r, address)
}

// indexed lifts an access to base + index, the index extended or not, times the
// size or not.
func (l *lifter) indexed(size, opc uint32) {
	option, scaled := l.bits(15, 13), l.bit(12)
	if option&0b010 == 0 {
		l.refuse(unknown)
		return
	}
	m := ir.Off(orSP(l.rn()), 0)
	i, scale := orZero(l.rm()), uint8(0)
	if scaled {
		scale = uint8(size)
	}
	if i != ir.None {
		if option&3 != 3 {
			t := l.temp()
			if option < 4 {
				l.op(ir.ZextReg(ir.W4, t, i))
			} else {
				l.op(ir.SextReg(ir.W4, t, i))
			}
			i = t
		}
		if scale > 3 { // more than an operand has
			t := ir.T0
			l.op(ir.Shl.Imm(t, i, int64(scale)))
			i, scale = t, 0
		}
		m = m.Indexed(i, scale)
	}
	index := name(l.rm(), option&3 == 3)
	switch {
	case option == 3 && scaled:
		index += fmt.Sprintf(", lsl #%d", size)
	case option == 3:
	case scaled:
		index += fmt.Sprintf(", %s #%d", extensionNames[option], size)
	default:
		index += ", " + extensionNames[option]
	}
	l.finish(size, opc, m, fmt.Sprintf("[%s, %s]", nameSP(l.rn(), true), index), "r")
}

// pair lifts ldp and stp: two accesses, the lower one first.
func (l *lifter) pair() {
	opc, mode := l.bits(31, 30), l.bits(24, 23)
	switch {
	case l.bit(26):
		l.refuse("a pair of vectors or of floating point")
		return
	case opc&1 != 0:
		l.refuse("ldpsw or unknown")
		return
	case mode == 0:
		l.refuse("a non-temporal pair")
		return
	}
	w, load := ir.Width(4<<(opc>>1)), l.bit(22)
	rt, rt2, rn := l.rd(), l.bits(14, 10), l.rn()
	disp := l.signed(21, 15) * int64(w)
	back := mode != 2
	switch {
	case load && rt == rt2:
		l.refuse("unpredictable: one register is loaded twice")
		return
	case back && rn != 31 && (rt == rn || rt2 == rn):
		l.refuse("unpredictable: the base is also a register that is accessed")
		return
	}
	base := orSP(rn)
	m := ir.Off(base, disp)
	if mode == 1 {
		m.Disp = 0
	}
	l.pairAccess(load, w, rt, rt2, rn, m)
	if back {
		l.op(ir.Add.Imm(base, base, disp))
	}
	mnemonic := "stp"
	if load {
		mnemonic = "ldp"
	}
	address := offset(nameSP(rn, true), disp)
	switch mode {
	case 1:
		address = fmt.Sprintf("[%s], #%d", nameSP(rn, true), disp)
	case 3:
		address = fmt.Sprintf("[%s, #%d]!", nameSP(rn, true), disp)
	}
	l.text("%s %s, %s, %s", mnemonic, name(rt, w == 8), name(rt2, w == 8), address)
}

func (l *lifter) pairAccess(load bool, w ir.Width, rt, rt2, rn uint32, m ir.Mem) {
	second := m.Plus(int64(w))
	if !load {
		for i, r := range []uint32{rt, rt2} {
			at := []ir.Mem{m, second}[i]
			if r == 31 {
				l.op(ir.StoreImm(w, at, 0))
			} else {
				l.op(ir.Store(w, at, orZero(r)))
			}
		}
		return
	}
	d, d2 := l.loaded(rt), l.loaded(rt2)
	if rt != rn || rt == 31 {
		l.op(ir.Load(w, d, m))
		l.op(ir.Load(w, d2, second))
		return
	}
	// The base is gone with the first load.
	t := l.temp()
	l.op(ir.Load(w, t, m))
	l.op(ir.Load(w, d2, second))
	l.op(ir.MovReg(d, t))
}
