package vcpu

import "github.com/rseqemu/rseqemu/ir"

// Stray is a set of accesses that reached into what somebody else owns.
type Stray uint8

// The accesses that a guard notices.
const (
	StrayThread Stray = 1 << iota // to a thread's area, other than through the thread pointer
	StrayPerCPU                   // to a CPU's part of the per-CPU data from another CPU
)

// Guard has the memory notice stray accesses by instructions from now on. It
// costs the others nothing but [Memory.Enter] before each step: the second half
// of the views has no thread areas, and one CPU's per-CPU area only, so that
// stray accesses are uncommon ones.
func (m *Memory) Guard() {
	m.guarded = true
	m.read[slots+slot(ir.ThreadBase)], m.write[slots+slot(ir.ThreadBase)] = view{}, view{}
	m.narrow(m.cpu)
}

// Enter says which CPU the next instruction is of.
func (m *Memory) Enter(cpu int) {
	if m.guarded && cpu != m.cpu {
		m.narrow(cpu)
	}
}

func (m *Memory) narrow(cpu int) {
	m.cpu = cpu
	own := m.own(cpu)
	m.read[slots+slot(ir.PerCPUBase)], m.write[slots+slot(ir.PerCPUBase)] = own, own
}

// Part returns an address space of the same bytes in which little is mapped: what
// never changes; if area is set the threads' areas, through the thread pointer; and
// if percpu is set that CPU's part of the per-CPU data.
func (m *Memory) Part(area, percpu bool, cpu int) *Memory {
	c := *m
	c.part, c.guarded = true, false
	c.read, c.write = [2 * slots]view{}, [2 * slots]view{}
	for i := range c.segs {
		if s := &c.segs[i]; s.Perm&Write == 0 {
			v := view{s.Base, c.segment(s)}
			c.read[slot(s.Base)], c.read[slots+slot(s.Base)] = v, v
		}
	}
	if area {
		v := m.read[slot(ir.ThreadBase)]
		c.read[slot(ir.ThreadBase)], c.write[slot(ir.ThreadBase)] = v, v
	}
	if percpu {
		v := m.own(cpu)
		c.read[slots+slot(ir.PerCPUBase)], c.write[slots+slot(ir.PerCPUBase)] = v, v
	}
	return &c
}

// has reports whether a part has what a micro-op accesses.
func (m *Memory) has(u *uop, a ir.Addr) bool {
	v, n := slot(a)|ir.Addr(u.half), uint64(u.width)
	loads := u.code != ir.St && u.code != ir.Sc
	return (!loads || m.read[v].at(a, n) != nil) && (u.code == ir.Ld || u.code == ir.Ll || m.write[v].at(a, n) != nil)
}

// Fits reports whether the next instruction of thread r, which is to begin, would
// finish and access nothing that the part lacks. It changes nothing.
func (c *Code) Fits(m *Memory, cpu int, r *Regs) bool {
	pc := c.resume(r)
	if pc < 0 || r.Micro != 0 {
		return false
	}
	if c.ops[pc].kind == kCheck {
		pc++
	}
	return c.ops[pc].kind != kGap && c.try(m, cpu, *r, pc).Kind == TrapNone
}

// own is the view of a CPU's per-CPU data.
func (m *Memory) own(cpu int) view {
	all := m.read[slot(ir.PerCPUBase)]
	size := len(all.bytes) / len(m.reserved)
	if size == 0 {
		return view{}
	}
	return view{all.base + ir.Addr(cpu*size), all.bytes[cpu*size:][:size:size]}
}

// Strayed returns the stray accesses since the guard was set up.
func (m *Memory) Strayed() Stray { return m.strayed }

// note looks at an uncommon access.
func (m *Memory) note(u *uop, cpu int, a ir.Addr) {
	last := a + ir.Addr(u.width) - 1
	switch {
	case last >= ir.ThreadBase && a < ir.ThreadBase+ir.Addr(ir.AreaSpace):
		if u.base != ir.TP {
			m.strayed |= StrayThread
		}
	case last >= ir.PerCPUBase && a < ir.PerCPUBase+ir.Addr(ir.AreaSpace):
		own := &m.read[slots+slot(ir.PerCPUBase)]
		if cpu != m.cpu || own.at(a, uint64(u.width)) == nil {
			m.strayed |= StrayPerCPU
		}
	}
}
