package vcpu

import "github.com/rseqemu/rseqemu/ir"

// Step runs cpu's thread r to the next point where anything else can happen:
// the end of the instruction, or its middle where that is visible. It returns
// TrapNone, or why the instruction could not finish.
func (c *Code) Step(m *Memory, cpu int, r *Regs) Trap {
	_, t := c.run(m, cpu, r, 1, c.Splits)
	return t
}

// Run runs whole instructions until n of them are done or one traps, and
// returns how many finished. It is Step for those who have nothing to decide in
// between.
func (c *Code) Run(m *Memory, cpu int, r *Regs, n int) (done int, t Trap) {
	return c.run(m, cpu, r, n, false)
}

// run is the interpreter. It keeps the index of the current micro-op and writes
// the instruction pointer back on the way out. The common operations are here,
// the rest is in [Code.slow].
func (c *Code) run(m *Memory, cpu int, r *Regs, n int, split bool) (done int, t Trap) {
	at := c.at(r.IP)
	if at < 0 {
		return 0, Trap{Kind: TrapFetch, Addr: r.IP}
	}
	pc, ops := at+int(r.Micro), c.ops
	for {
		u := &ops[pc]
		switch u.kind {
		case kNop:
		case kMov:
			r.R[u.dst] = r.R[u.a] + u.imm
		case kAdd:
			r.R[u.dst] = r.R[u.a] + r.R[u.b] + u.imm
		case kSub:
			r.R[u.dst] = r.R[u.a] - r.R[u.b] - u.imm
		case kLd:
			a := u.addr(r)
			v, ok := m.Load(a, u.width)
			if !ok {
				r.SetIP(u.ip)
				return done, Trap{Kind: TrapLoad, Addr: a}
			}
			r.R[u.dst] = v
		case kSt:
			a := u.addr(r)
			if !m.Store(cpu, a, u.width, r.R[u.a]+u.imm) {
				r.SetIP(u.ip)
				return done, Trap{Kind: TrapStore, Addr: a}
			}
		case kJmp, kBr, kBeq, kBne:
			if u.taken(r) {
				pc = int(u.target)
				if done++; done >= n {
					r.SetIP(ops[pc].ip)
					return done, Trap{}
				}
				continue
			}
		default:
			to, trap := c.slow(m, cpu, r, u)
			if trap.Kind != TrapNone {
				if trap.Kind == TrapSyscall {
					r.SetIP(u.next)
					return done + 1, trap
				}
				r.SetIP(u.ip)
				return done, trap
			}
			if to != fallthrough_ {
				done++
				r.SetIP(to)
				if done >= n {
					return done, Trap{}
				}
				if pc = c.at(to); pc < 0 {
					return done, Trap{Kind: TrapFetch, Addr: to}
				}
				continue
			}
		}
		if !u.last {
			pc++
			if split && u.split {
				r.IP, r.Micro = u.ip, u.micro+1
				return done, Trap{}
			}
			continue
		}
		if done++; done >= n {
			r.SetIP(u.next)
			return done, Trap{}
		}
		if pc = int(u.follow); pc < 0 {
			r.SetIP(u.next)
			return done, Trap{Kind: TrapFetch, Addr: u.next}
		}
	}
}

// addr is the address of the memory operand.
func (u *uop) addr(r *Regs) ir.Addr {
	return ir.Addr(r.R[u.base] + r.R[u.index]<<(u.scale&3) + u.disp)
}

// taken decides a direct branch at full width.
func (u *uop) taken(r *Regs) bool {
	switch u.kind {
	case kBeq:
		return r.R[u.a] == r.R[u.b]+u.imm
	case kBne:
		return r.R[u.a] != r.R[u.b]+u.imm
	case kBr:
		return cond(u.cond, r.Flags)
	}
	return true
}
