package vet

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// value is what is known about a register: what it holds, as far as that can
// be told without running the program, and which ids of the kernel's it was
// made from.
type value struct {
	kind kind
	n    int64
	from origins
}

// kind is what a value is. The zero kind says nothing.
type kind uint8

const (
	anything kind = iota
	number        // n
	thread        // tp + n
	nearTP        // tp + something
	field         // the id at offset n of struct rseq, as the single load in from gave it
)

// origins is a set of loads of the kernel's ids, by their number in flow.loads.
type origins uint64

// otherLoads stands for the loads that have no bit of their own.
const otherLoads origins = 1 << 63

var threadPointer = value{kind: thread}

func num(n int64) value { return value{kind: number, n: n} }

// join returns what is known if it is known of both.
func join(a, b value) value {
	if a == b {
		return a
	}
	v := value{from: a.from | b.from}
	if a.inThread() && b.inThread() {
		v.kind = nearTP
	}
	return v
}

// inThread reports whether v is an address in the thread's own area.
func (v value) inThread() bool { return v.kind == thread || v.kind == nearTP }

// overlaps reports whether w bytes at v touch the bytes lo..hi-1 of struct
// rseq for sure.
func (v value) overlaps(w ir.Width, lo, hi int64) bool {
	return v.kind == thread && v.n < hi && v.n > lo-int64(w.Bytes())
}

// atID reports whether w bytes at v touch one of the ids that the kernel
// writes.
func (v value) atID(w ir.Width) bool {
	return v.overlaps(w, abi.OffCPUIDStart, abi.OffRSeqCS) || v.overlaps(w, abi.OffNodeID, abi.OffSliceCtrl)
}

// narrow returns v cut to a width and zero-extended.
func (v value) narrow(w ir.Width) value {
	switch {
	case w.Bytes() == 8, v.kind == field && w == ir.W4:
		return v
	case v.kind == number:
		return num(v.n & mask(w))
	}
	return value{from: v.from}
}

// signed returns v cut to a width and sign-extended. An id keeps being one, as
// 32-bit registers of some machines hold it so.
func (v value) signed(w ir.Width) value {
	v = v.narrow(w)
	if v.kind == number {
		shift := 64 - 8*w.Bytes()
		v.n = v.n << shift >> shift
	}
	return v
}

func mask(w ir.Width) int64 { return int64(^uint64(0) >> (64 - 8*w.Bytes())) }

// arithmetic returns a op b at the micro-op's width.
func arithmetic(o *ir.Op, a, b value) value {
	v := value{from: a.from | b.from}
	switch {
	case a.kind == number && b.kind == number:
		return num(compute(o, a.n, b.n))
	case o.Width.Bytes() != 8:
	case o.Code == ir.Add && (a.inThread() || b.inThread()):
		v.kind = nearTP
		if a.kind == number || b.kind == number {
			v.kind, v.n = thread, a.n+b.n
			if a.kind == nearTP || b.kind == nearTP {
				v.kind, v.n = nearTP, 0
			}
		}
	case o.Code == ir.Sub && a.inThread() && !b.inThread():
		v.kind = nearTP
		if a.kind == thread && b.kind == number {
			v.kind, v.n = thread, a.n-b.n
		}
	}
	return v
}

// compute returns a op b of two numbers.
func compute(o *ir.Op, a, b int64) int64 {
	bits := uint(8 * o.Width.Bytes())
	m := mask(o.Width)
	shift := uint(b) % bits
	switch o.Code {
	case ir.Add:
		a += b
	case ir.Sub:
		a -= b
	case ir.And:
		a &= b
	case ir.Or:
		a |= b
	case ir.Xor:
		a ^= b
	case ir.Andn:
		a &^= b
	case ir.Shl:
		a <<= shift
	case ir.Shr:
		a = int64(uint64(a&m) >> shift)
	case ir.Sar:
		a = a << (64 - bits) >> (64 - bits) >> shift
	}
	return a & m
}

// plus returns the sum of two parts of an address.
func (v value) plus(w value) value {
	add := ir.NewOp(ir.Add)
	return arithmetic(&add, v, w)
}
