package arm64

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// ordered lifts load-acquire and store-release, and load-exclusive and
// store-exclusive.
func (l *lifter) ordered() {
	size, load, orders := l.bits(31, 30), l.bit(22), l.bit(15)
	w, wide := ir.Width(1<<size), size == 3
	suffix := [4]string{"b", "h", "", ""}[size]
	rt, rn := l.rd(), l.rn()
	m, address := ir.Off(orSP(rn), 0), "["+nameSP(rn, true)+"]"
	single := l.bits(14, 10) == 31
	switch {
	case l.bit(23) && l.bit(21) && single:
		l.compareAndSwap(w, suffix)
	case l.bit(21):
		l.refuse("an exclusive pair")
	case !single, l.bit(23) && l.rm() != 31, load && l.rm() != 31:
		l.refuse("unpredictable: reserved bits")
	case l.bit(23) && !orders:
		l.refuse("a limited ordering region")
	case l.bit(23) && load:
		l.op(ir.Load(w, l.loaded(rt), m).Acq())
		l.text("ldar%s %s, %s", suffix, name(rt, wide), address)
	case l.bit(23):
		if rt == 31 {
			l.op(ir.StoreImm(w, m, 0).Rel())
		} else {
			l.op(ir.Store(w, m, orZero(rt)).Rel())
		}
		l.text("stlr%s %s, %s", suffix, name(rt, wide), address)
	case load:
		o, mnemonic := ir.LoadLinked(w, l.loaded(rt), m), "ldxr"
		if orders {
			o, mnemonic = o.Acq(), "ldaxr"
		}
		l.op(o)
		l.text("%s%s %s, %s", mnemonic, suffix, name(rt, wide), address)
	default:
		l.storeExclusive(w, suffix, orders)
	}
}

// compareAndSwap lifts casal. Package ir's cmpxchg sets Z besides.
func (l *lifter) compareAndSwap(w ir.Width, suffix string) {
	if !l.bit(22) || !l.bit(15) {
		l.refuse("cas: an indivisible operation that doesn't both acquire and release")
		return
	}
	rt, rn, rs := l.rd(), l.rn(), l.rm()
	l.text("casal%s %s, %s, [%s]", suffix, name(rs, w == 8), name(rt, w == 8), nameSP(rn, true))
	old := l.source(rs)
	l.op(ir.CompareExchange(w, old, ir.Off(orSP(rn), 0), l.source(rt)))
	l.out.Lost = isa.Z
}

func (l *lifter) storeExclusive(w ir.Width, suffix string, release bool) {
	rt, rn, rs := l.rd(), l.rn(), l.rm()
	if rs == rt || rs == rn && rn != 31 {
		l.refuse("unpredictable: the status is also another operand")
		return
	}
	o := ir.StoreConditional(w, l.loaded(rs), ir.Off(orSP(rn), 0), l.source(rt))
	mnemonic := "stxr"
	if release {
		o, mnemonic = o.Rel(), "stlxr"
	}
	l.op(o)
	l.text("%s%s %s, %s, [%s]", mnemonic, suffix, name(rs, false), name(rt, w == 8), nameSP(rn, true))
}

// atomics are the operations of ARMv8.1 that package ir has or can make.
var atomics = map[uint32]struct {
	mnemonic string
	code     ir.Opcode
}{
	0: {"ldadd", ir.Xadd}, 1: {"ldclr", ir.Andn}, 2: {"ldeor", ir.Xor}, 3: {"ldset", ir.Or}, 8: {"swp", ir.Xchg},
}

// atomic lifts the read-modify-writes that acquire and release. Without a
// destination they only release.
func (l *lifter) atomic() {
	kind, known := atomics[l.bits(15, 12)]
	switch {
	case l.bits(15, 12) == 0b1100:
		l.refuse("ldapr: acquires less than the machine's loads do")
		return
	case !known:
		l.refuse(unknown)
		return
	case l.bits(23, 22) != 3:
		l.refuse("%s: an indivisible operation that doesn't both acquire and release", kind.mnemonic)
		return
	case l.rd() == 31:
		l.refuse("%sal without a destination only releases", kind.mnemonic)
		return
	}
	size := l.bits(31, 30)
	w, rs, d := ir.Width(1<<size), l.rm(), orZero(l.rd())
	m := ir.Off(orSP(l.rn()), 0)
	l.text("%sal%s %s, %s, [%s]", kind.mnemonic, [4]string{"b", "h", "", ""}[size], name(rs, size == 3), name(l.rd(), size == 3), nameSP(l.rn(), true))
	s := l.source(rs)
	switch {
	case kind.code == ir.Xadd:
		l.op(ir.FetchAdd(w, d, m, s))
	case kind.code == ir.Xchg:
		l.op(ir.Exchange(w, d, m, s))
	case d == s || d == m.Base:
		l.refuse("%s: takes more than %d micro-ops", mnemonic(l.out.Text), ir.MaxOps)
	default: // acq and rel are there for the alignment that they ask for
		t := l.temp()
		l.locked = true
		l.op(ir.Load(w, d, m).Acq())
		l.op(kind.code.Reg(t, d, s).W(w))
		l.op(ir.Store(w, m, t).Rel())
	}
}
