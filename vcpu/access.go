package vcpu

import "github.com/rseqemu/rseqemu/ir"

// access runs a micro-op that reads or writes memory. Acquire, release and the
// indivisible operations need alignment, and whatever may write needs the
// permission, even if it then doesn't.
func (u *uop) access(m *Memory, cpu int, r *Regs, write bool) Trap {
	addr, w := u.addr(r), u.width
	ordered := u.order != ir.Plain || u.code != ir.Ld && u.code != ir.St
	if ordered && uint64(addr)&(uint64(w)-1) != 0 {
		return Trap{Kind: TrapAlign, Addr: addr}
	}
	switch {
	case m.part && !m.has(u, addr):
		return Trap{Kind: TrapLoad, Addr: addr}
	case m.guarded:
		m.note(u, cpu, addr)
	}
	a := r.R[u.a]
	switch u.code {
	case ir.St:
		if !m.writable(addr, w) {
			return Trap{Kind: TrapStore, Addr: addr}
		}
		if write {
			m.Store(cpu, addr, w, a+u.imm)
		}
		return Trap{}
	case ir.Sc:
		if m.reserved[cpu] != addr {
			r.R[u.dst] = 1
			return Trap{}
		}
		if !m.writable(addr, w) {
			return Trap{Kind: TrapStore, Addr: addr}
		}
		if write {
			m.reserved[cpu] = 0
			m.Store(cpu, addr, w, a)
		}
		r.R[u.dst] = 0
		return Trap{}
	}
	old, ok := m.Load(addr, w)
	if !ok {
		return Trap{Kind: TrapLoad, Addr: addr}
	}
	switch u.code {
	case ir.Ld:
		r.R[u.dst] = old
		return Trap{}
	case ir.Ll:
		if write {
			m.reserved[cpu] = addr
		}
		r.R[u.dst] = old
		return Trap{}
	}
	if !m.writable(addr, w) {
		return Trap{Kind: TrapStore, Addr: addr}
	}
	v := a
	switch u.code {
	case ir.Xadd:
		v = old + a
	case ir.Cmpxchg:
		equal := old == r.R[u.dst]&u.mask
		r.Flags &^= FlagZ
		if equal {
			r.Flags |= FlagZ
		}
		write = write && equal
	}
	if write {
		m.Store(cpu, addr, w, v)
	}
	r.R[u.dst] = old
	return Trap{}
}
