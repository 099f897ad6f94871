package vcpu

import "github.com/rseqemu/rseqemu/ir"

// Access is one access to memory by a micro-op.
type Access struct {
	Addr  ir.Addr
	Width ir.Width // 1, 2, 4 or 8
	// Load and Store are both set for an indivisible operation. It may store:
	// a cmpxchg that finds another value doesn't, nor does an sc whose
	// reservation is gone.
	Load, Store bool
	// Order is that of a load, a store, an ll or an sc.
	Order ir.Order
	// Atomic marks the indivisible operations, ll and sc, and every access of a
	// locked instruction.
	Atomic bool
	// Linked marks ll and sc: beyond the access's bytes, a store by another CPU
	// to the aligned eight bytes around Addr makes a difference to them.
	Linked bool
}

// Plain reports whether the access is neither ordered nor indivisible.
func (a Access) Plain() bool { return a.Order == ir.Plain && !a.Atomic }

// Overlaps reports whether the two accesses have a byte in common.
func (a Access) Overlaps(b Access) bool {
	return uint64(b.Addr-a.Addr) < uint64(a.Width) || uint64(a.Addr-b.Addr) < uint64(b.Width)
}

// Conflicts reports whether the two accesses have a byte in common and either
// may store.
func (a Access) Conflicts(b Access) bool { return (a.Store || b.Store) && a.Overlaps(b) }

// Peek appends the accesses to memory that [Code.Step] would make, in order, and
// returns the trap that it would return. It changes nothing. An access that
// traps isn't made, so it is in the trap alone. At most one access is appended
// unless the instruction is locked.
//
// A locked instruction that loads what it has itself stored is not followed
// beyond that. No instruction set has such a one.
func (c *Code) Peek(m *Memory, cpu int, r *Regs, buf []Access) ([]Access, Trap) {
	pc := c.resume(r)
	if pc < 0 {
		return buf, Trap{Kind: TrapFetch, Addr: r.IP}
	}
	if u := &c.ops[pc]; u.end != endsNothing && u.kind > kGap && u.kind != kLd && u.kind != kSt {
		return buf, Trap{} // a single common operation without an access
	}
	return c.peek(m, cpu, *r, pc, buf)
}

// peek is Peek from micro-op pc on. It has registers of its own.
func (c *Code) peek(m *Memory, cpu int, r Regs, pc int, buf []Access) ([]Access, Trap) {
	if c.ops[pc].kind == kCheck {
		if t := c.try(m, cpu, r, pc+1); t.Kind != TrapNone {
			return buf, t
		}
		pc++
	}
	if c.ops[pc].kind == kGap {
		return buf, Trap{Kind: TrapFetch, Addr: c.ops[pc].ip}
	}
	for ; ; pc++ {
		u := &c.ops[pc]
		a, accesses := u.peek(&r)
		if _, _, t := c.exec(m, cpu, &r, u, false); t.Kind != TrapNone {
			return buf, t
		}
		if accesses {
			buf = append(buf, a)
		}
		if u.end != endsNothing {
			return buf, Trap{}
		}
	}
}

// peek is the micro-op's access, if it makes one.
func (u *uop) peek(r *Regs) (Access, bool) {
	a := Access{Width: u.width, Order: u.order, Atomic: u.locked}
	switch u.code {
	case ir.Ld:
		a.Load = true
	case ir.St:
		a.Store = true
	case ir.Ll:
		a.Load, a.Atomic, a.Linked = true, true, true
	case ir.Sc:
		a.Store, a.Atomic, a.Linked = true, true, true
	case ir.Xadd, ir.Xchg, ir.Cmpxchg:
		a.Load, a.Store, a.Atomic = true, true, true
	default:
		return a, false
	}
	a.Addr = u.addr(r)
	return a, true
}
