package vcpu

import "github.com/rseqemu/rseqemu/ir"

// Step runs cpu's thread r to the next point where anything else can happen:
// the end of the instruction, or its middle where that is visible. It returns
// TrapNone, or why the instruction could not finish.
func (c *Code) Step(m *Memory, cpu int, r *Regs) Trap {
	pc := c.at(r.IP)
	if r.Micro != 0 {
		pc = c.resume(r)
	}
	if pc >= 0 { // as run does: most steps are done before it is entered
		var done int
		if pc, done = c.common(m, r, pc, 0, 1, endsStep); done > 0 {
			return Trap{}
		}
	}
	_, t := c.run(m, cpu, r, pc, 1, endsStep)
	return t
}

// Run runs whole instructions until n of them are done or one traps, and
// returns how many finished. It is Step for those who have nothing to decide in
// between; from the middle of an instruction, its rest is the first one.
func (c *Code) Run(m *Memory, cpu int, r *Regs, n int) (done int, t Trap) {
	if n <= 0 {
		return 0, Trap{}
	}
	return c.run(m, cpu, r, c.resume(r), n, endsInstruction)
}

// run is the interpreter, from micro-op pc on, or -1 if there is none: the
// common operations as long as they last, then one that isn't, and so on. It
// writes the instruction pointer back on the way out.
func (c *Code) run(m *Memory, cpu int, r *Regs, pc, n int, stop uint8) (done int, t Trap) {
	for pc >= 0 {
		if pc, done = c.common(m, r, pc, done, n, stop); done >= n {
			return done, Trap{}
		}
		u := &c.ops[pc]
		to, branch, trap := c.slow(m, cpu, r, pc)
		switch {
		case trap.Kind == TrapSyscall:
			r.SetIP(u.next)
			return done + 1, trap
		case trap.Kind != TrapNone:
			r.SetIP(u.ip)
			return done, trap
		case branch:
			r.SetIP(to)
			if done++; done >= n {
				return done, Trap{}
			}
			pc = c.at(to)
		default:
			pc++
			if u.end >= stop {
				if done++; done >= n {
					u.leave(r)
					return done, Trap{}
				}
			}
		}
	}
	r.Micro = 0
	return done, Trap{Kind: TrapFetch, Addr: r.IP}
}

// leave stops a thread behind a micro-op that ends something.
func (u *uop) leave(r *Regs) {
	if u.end == endsInstruction {
		r.IP, r.Micro = u.next, 0
	} else {
		r.IP, r.Micro = u.ip, u.micro+1
	}
}

// addr is the address of the memory operand.
func (u *uop) addr(r *Regs) ir.Addr {
	return ir.Addr(r.R[u.base] + r.R[u.index]<<(u.scale&3) + u.disp)
}

// view is the number of the view for an access there.
func (u *uop) view(a ir.Addr) ir.Addr { return (slot(a) | ir.Addr(u.half)) % (2 * slots) }

// lastBit is the number of the width's highest bit, which bounds a shift.
func (u *uop) lastBit() uint64 { return uint64(u.width)*8 - 1 }
