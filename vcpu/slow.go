package vcpu

import "github.com/rseqemu/rseqemu/ir"

// fallthrough_ is slow's answer for an operation that doesn't branch; no
// instruction can be there.
const fallthrough_ = ^ir.Addr(0)

// slow runs every operation that isn't common: it returns where to go, and
// what went wrong. A trap leaves memory and the destination as they were.
func (c *Code) slow(m *Memory, cpu int, r *Regs, u *uop) (to ir.Addr, t Trap) {
	a, b := r.R[u.a], r.R[u.b]+u.imm
	switch u.code {
	case ir.Mov:
		r.R[u.dst] = trunc(a+u.imm, u.width)
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar:
		v, f := alu(u.code, u.width, a, b)
		switch u.flags {
		case ir.SetFlags:
			r.Flags = f
		case ir.KeepC:
			r.Flags = f&^FlagC | r.Flags&FlagC
		}
		r.R[u.dst] = v
	case ir.Zext:
		r.R[u.dst] = trunc(a, u.width)
	case ir.Sext:
		r.R[u.dst] = signExtend(a, u.width)
	case ir.Ins:
		mask := mask(u.width)
		r.R[u.dst] = r.R[u.dst]&^mask | a&mask
	case ir.La:
		r.R[u.dst] = uint64(u.addr(r))
	case ir.Bit:
		r.Flags &^= FlagC
		if a>>(b&u.shiftMask())&1 != 0 {
			r.Flags |= FlagC
		}
	case ir.Flipc:
		r.Flags ^= FlagC
	case ir.Csel:
		if cond(u.cond, r.Flags) {
			r.R[u.dst] = a
		} else {
			r.R[u.dst] = b
		}
	case ir.Beq:
		if trunc(a, u.width) == trunc(b, u.width) {
			return u.targetIP, t
		}
	case ir.Bne:
		if trunc(a, u.width) != trunc(b, u.width) {
			return u.targetIP, t
		}
	case ir.Jmpr:
		return ir.Addr(a), t
	case ir.Call:
		r.R[ir.LR] = uint64(u.next)
		return u.targetIP, t
	case ir.Ret:
		return ir.Addr(r.R[ir.LR]), t
	case ir.Syscall:
		return fallthrough_, Trap{Kind: TrapSyscall, Addr: u.ip, Arg: int64(u.imm)}
	case ir.Trap:
		if u.imm == ir.TrapBrk {
			return fallthrough_, Trap{Kind: TrapBrk, Addr: u.ip}
		}
		return fallthrough_, Trap{Kind: TrapUD, Addr: u.ip}
	default:
		return fallthrough_, c.ordered(m, cpu, r, u)
	}
	return fallthrough_, t
}

// ordered runs the accesses that need alignment: acquire, release, and the
// indivisible read-modify-writes.
func (c *Code) ordered(m *Memory, cpu int, r *Regs, u *uop) Trap {
	addr := u.addr(r)
	if uint64(addr)&(uint64(u.width)-1) != 0 {
		return Trap{Kind: TrapAlign, Addr: addr}
	}
	a := r.R[u.a]
	switch u.code {
	case ir.St:
		if !m.Store(cpu, addr, u.width, a+u.imm) {
			return Trap{Kind: TrapStore, Addr: addr}
		}
		return Trap{}
	case ir.Sc:
		if m.reserved[cpu] != addr {
			r.R[u.dst] = 1
			return Trap{}
		}
		m.reserved[cpu] = 0
		if !m.Store(cpu, addr, u.width, a) {
			return Trap{Kind: TrapStore, Addr: addr}
		}
		r.R[u.dst] = 0
		return Trap{}
	}
	old, ok := m.Load(addr, u.width)
	if !ok {
		return Trap{Kind: TrapLoad, Addr: addr}
	}
	write, v := true, a
	switch u.code {
	case ir.Ld:
		write = false
	case ir.Ll:
		write = false
		m.reserved[cpu] = addr
	case ir.Xadd:
		v = old + a
	case ir.Cmpxchg:
		write = old == trunc(r.R[u.dst], u.width)
	}
	if write && !m.Store(cpu, addr, u.width, v) {
		return Trap{Kind: TrapStore, Addr: addr}
	}
	if u.code == ir.Cmpxchg {
		r.Flags &^= FlagZ
		if write {
			r.Flags |= FlagZ
		}
	}
	r.R[u.dst] = old
	return Trap{}
}

// alu computes an operation at a width, with the flags it would set.
func alu(code ir.Opcode, w ir.Width, a, b uint64) (v uint64, f uint8) {
	m := mask(w)
	top := m ^ m>>1
	shift := b & (uint64(w)*8 - 1)
	switch code {
	case ir.Add:
		v = (a + b) & m
		if v < a&m {
			f |= FlagC
		}
		if (a^v)&(b^v)&top != 0 {
			f |= FlagV
		}
	case ir.Sub:
		v = (a - b) & m
		if a&m < b&m {
			f |= FlagC
		}
		if (a^b)&(a^v)&top != 0 {
			f |= FlagV
		}
	case ir.And:
		v = a & b & m
	case ir.Or:
		v = (a | b) & m
	case ir.Xor:
		v = (a ^ b) & m
	case ir.Andn:
		v = a &^ b & m
	case ir.Shl:
		v = a << shift & m
	case ir.Shr:
		v = (a & m) >> shift
	case ir.Sar:
		v = uint64(int64(signExtend(a, w))>>shift) & m
	}
	if v == 0 {
		f |= FlagZ
	}
	if v&top != 0 {
		f |= FlagN
	}
	return v, f
}

func mask(w ir.Width) uint64 { return ^uint64(0) >> (64 - 8*uint64(w)) }

func trunc(v uint64, w ir.Width) uint64 { return v & mask(w) }

func signExtend(v uint64, w ir.Width) uint64 {
	n := 64 - 8*uint64(w)
	return uint64(int64(v<<n) >> n)
}

// shiftMask bounds a bit number to the operand's width.
func (u *uop) shiftMask() uint64 { return uint64(u.width)*8 - 1 }
