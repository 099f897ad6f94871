package vcpu

import "github.com/rseqemu/rseqemu/ir"

// slow runs any micro-op: the uncommon ones, and common ones that met something
// uncommon. It returns where a branch goes, and what went wrong; a trap leaves
// registers and memory as they were.
func (c *Code) slow(m *Memory, cpu int, r *Regs, pc int) (to ir.Addr, branch bool, t Trap) {
	switch u := &c.ops[pc]; u.kind {
	case kCheck:
		return 0, false, c.try(m, cpu, *r, pc+1)
	case kGap:
		return 0, false, Trap{Kind: TrapFetch, Addr: u.ip}
	default:
		return c.exec(m, cpu, r, u, true)
	}
}

// try runs the rest of an instruction on a copy of the registers and without
// writing to memory, and returns the trap that it will end in.
func (c *Code) try(m *Memory, cpu int, r Regs, pc int) Trap {
	for ; ; pc++ {
		u := &c.ops[pc]
		if _, _, t := c.exec(m, cpu, &r, u, false); u.end == endsInstruction || t.Kind != TrapNone {
			if t.Kind == TrapSyscall {
				return Trap{}
			}
			return t
		}
	}
}

// exec runs one micro-op of the program. Without write it leaves memory and
// reservations alone, and traps all the same.
func (c *Code) exec(m *Memory, cpu int, r *Regs, u *uop, write bool) (to ir.Addr, branch bool, t Trap) {
	a, b := r.R[u.a], r.R[u.b]+u.imm
	switch u.code {
	case ir.Nop, ir.Fence:
	case ir.Mov:
		r.R[u.dst] = (a + u.imm) & u.mask
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar:
		v, f := alu(u.code, u.width, a, b)
		r.R[u.dst], r.Flags = v, f&^u.keep|r.Flags&u.keep
	case ir.Zext:
		r.R[u.dst] = a & u.mask
	case ir.Sext:
		r.R[u.dst] = signExtend(a, u.width)
	case ir.Ins:
		r.R[u.dst] = r.R[u.dst]&^u.mask | a&u.mask
	case ir.La:
		r.R[u.dst] = uint64(u.addr(r))
	case ir.Bit:
		r.Flags &^= FlagC
		if a>>(b&u.lastBit())&1 != 0 {
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
	case ir.Br:
		if cond(u.cond, r.Flags) {
			return c.ops[u.target].ip, true, t
		}
	case ir.Beq:
		if (a^b)&u.mask == 0 {
			return c.ops[u.target].ip, true, t
		}
	case ir.Bne:
		if (a^b)&u.mask != 0 {
			return c.ops[u.target].ip, true, t
		}
	case ir.Jmp:
		return c.ops[u.target].ip, true, t
	case ir.Jmpr:
		return ir.Addr(a), true, t
	case ir.Call:
		r.R[ir.LR] = uint64(u.next)
		return c.ops[u.target].ip, true, t
	case ir.Ret:
		return ir.Addr(r.R[ir.LR]), true, t
	case ir.Syscall:
		return 0, false, Trap{Kind: TrapSyscall, Addr: u.ip, Arg: int64(u.imm)}
	case ir.Trap:
		if u.imm == ir.TrapBrk {
			return 0, false, Trap{Kind: TrapBrk, Addr: u.ip}
		}
		return 0, false, Trap{Kind: TrapUD, Addr: u.ip}
	default:
		return 0, false, u.access(m, cpu, r, write)
	}
	return 0, false, t
}
