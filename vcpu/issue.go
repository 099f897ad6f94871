package vcpu

import "github.com/rseqemu/rseqemu/ir"

// Effect is what a step does to memory: nothing (Code is Nop), one access, or a
// fence. Of a locked instruction with several it is a store, if there is one.
type Effect struct {
	Code  ir.Opcode
	Order ir.Order
	Width ir.Width
	Dst   ir.Reg
	Addr  ir.Addr
	Value uint64 // what a store stores, in its low Width bytes
	// Op is the access's micro-op, To the one behind the step's last.
	Op, To int
}

// Foresee tells what the next step of the thread will do to memory, and how it will
// trap, without doing it. It is for who decides when accesses take effect, and
// then has [Code.Issue] make the step.
func (c *Code) Foresee(m *Memory, cpu int, r Regs) (a Effect, t Trap) {
	pc := c.resume(&r)
	if pc < 0 {
		return a, Trap{Kind: TrapFetch, Addr: r.IP}
	}
	if c.ops[pc].kind == kCheck {
		if t = c.try(m, cpu, r, pc+1); t.Kind != TrapNone {
			return a, t
		}
		pc++
	}
	for ; ; pc++ {
		u := &c.ops[pc]
		if u.kind == kGap {
			return a, Trap{Kind: TrapFetch, Addr: u.ip}
		}
		if a.Code == ir.Nop || u.code == ir.St {
			switch u.code {
			case ir.Fence, ir.Ld, ir.St, ir.Ll, ir.Sc, ir.Xadd, ir.Xchg, ir.Cmpxchg:
				a = Effect{Code: u.code, Order: u.order, Width: u.width, Dst: u.dst, Addr: u.addr(&r),
					Value: (r.R[u.a] + u.imm) & u.mask, Op: int(u.micro)}
				if a.Dst == sink {
					a.Dst = ir.None
				}
			}
		}
		_, branch, t := c.exec(m, cpu, &r, u, false)
		a.To = int(u.micro) + 1
		if t.Kind != TrapNone || branch || u.end != endsNothing {
			return a, t
		}
	}
}

// Issue is [Code.Step] for a step that Foresee found to have one plain, acquire or
// release access and no trap, but leaves memory alone: a load yields v, a store
// stores nothing, no reservation is made.
func (c *Code) Issue(m *Memory, cpu int, r *Regs, v uint64) {
	pc := c.resume(r)
	if c.ops[pc].kind == kCheck {
		pc++
	}
	for ; ; pc++ {
		u := &c.ops[pc]
		switch u.code {
		case ir.St:
		case ir.Ld, ir.Ll:
			r.R[u.dst] = v & u.mask
		default:
			if to, branch, _ := c.exec(m, cpu, r, u, false); branch {
				r.SetIP(to)
				return
			}
		}
		if u.end != endsNothing {
			u.leave(r)
			return
		}
	}
}
