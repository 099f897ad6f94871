package emu

import "github.com/rseqemu/rseqemu/ir"

// The views of ARM's model: how old a value a load may read. The log holds what
// stores have overwritten, as long as some CPU may still read it, in the one
// order in which all CPUs see stores. A view is an index into it.

// of is the view of what is computed from two registers.
func (o *ordering) of(a, b ir.Reg) view { return max(o.regs[a], o.regs[b]) }

// flow passes views on through the operations of a step, whose load has the view
// at: what an address, a value, or a condition is computed from.
func (o *ordering) flow(ops []ir.Op, at view) {
	for i := range ops {
		op := &ops[i]
		v := o.of(op.A, op.B)
		switch op.Code {
		case ir.Ld, ir.Ll:
			v = at
		case ir.St, ir.Sc:
			v = 0 // nothing depends on whether a store succeeds
		case ir.La:
			v = o.of(op.Mem.Base, op.Mem.Index)
		case ir.Csel:
			v = max(v, o.flags)
		case ir.Ins:
			v = max(v, o.regs[op.Dst])
		case ir.Bit:
			o.flags = max(o.flags, v)
		case ir.Call:
			o.regs[ir.LR] = 0
		}
		switch op.Flags {
		case ir.SetFlags:
			o.flags = v
		case ir.KeepC:
			o.flags = max(o.flags, v)
		}
		if op.Dst != ir.None {
			o.regs[op.Dst] = v
		}
	}
}

// before returns the views of a step's access: pre bounds what a load may read,
// from is what a store depends on.
func (o *ordering) before(u *upcoming) (pre, from view) {
	c := *o
	c.flow(u.ops[:u.Op], 0)
	op := &u.ops[u.Op]
	from = c.of(op.Mem.Base, op.Mem.Index)
	pre = max(o.floor, from)
	if u.Order == ir.Acquire {
		pre = max(pre, o.release)
	}
	return pre, max(from, c.regs[op.A])
}

// older undoes the k youngest writes to what u loads, in b if that isn't nil, and
// returns the index of the last one. It is not ok if the CPU has seen that one:
// if it is below pre, or the CPU has read or stored something younger there.
func (m *Machine) older(o *ordering, t *task, u *upcoming, pre view, k int, b []byte) (last view, ok bool) {
	last = m.writes.n
	space := m.procs[t.proc].mm
	for k > 0 {
		if last == 0 || last == pre {
			return 0, false
		}
		last--
		w := &m.writes.log[last]
		if w.space != space || !overlap(w.addr, w.width, u.Addr, u.Width) {
			continue
		}
		for i := range o.seen[:o.nSeen] {
			s := &o.seen[i]
			if s.at > last && overlap(s.addr, s.width, u.Addr, u.Width) && overlap(s.addr, s.width, w.addr, w.width) {
				return 0, false
			}
		}
		patch(b, u.Addr, w.old[:w.width], w.addr)
		k--
	}
	return last, true
}

// read fills b with what a load yields, stale writes ago or, if that is 0, the
// newest value with the CPU's own pending stores in place. It notes what the CPU
// has seen by that, and returns the view that what depends on the load has.
func (m *Machine) read(o *ordering, t *task, u *upcoming, pre view, stale int, b []byte) view {
	mem := m.memOf(t)
	mem.ReadBytes(u.Addr, b)
	if m.overlay(o, mem, u.Addr, b, int(o.n)) {
		for i := int(o.n) - 1; i >= 0; i-- {
			p := &o.pending[i]
			if p.load || !overlap(p.addr, p.width, u.Addr, u.Width) {
				continue
			}
			if within(u.Addr, u.Width, p.addr, p.width) {
				return max(pre, p.from)
			}
			pre = max(pre, p.from)
		}
	}
	last, ok := m.older(o, t, u, pre, stale, b)
	if !ok {
		panic("emu: BUG: a stale load that isn't possible")
	}
	at := m.stamp(o, t, u.Addr, u.Width, last)
	for i := range o.seen[:o.nSeen] {
		if s := &o.seen[i]; s.own && s.at == at && within(u.Addr, u.Width, s.addr, s.width) {
			if s.rmw && u.Order == ir.Acquire {
				return max(pre, at)
			}
			return max(pre, s.from)
		}
	}
	if m.atomics {
		o.last = max(o.last, at)
	}
	if at > o.floor {
		m.see(o, seen{addr: u.Addr, width: u.Width, at: at})
	}
	return max(pre, at)
}

// stamp returns the view of the youngest write to some bytes among those before
// last: as the log has it, or as the CPU has seen when the log still had it.
func (m *Machine) stamp(o *ordering, t *task, a ir.Addr, n ir.Width, last view) (at view) {
	space := m.procs[t.proc].mm
	for i := range m.writes.log[:last] {
		if w := &m.writes.log[i]; w.space == space && overlap(w.addr, w.width, a, n) {
			at = view(i) + 1
		}
	}
	for i := range o.seen[:o.nSeen] {
		if s := &o.seen[i]; overlap(s.addr, s.width, a, n) {
			at = max(at, s.at)
		}
	}
	return at
}

// see notes what a CPU has seen of a place, in the order of addresses, instead of
// what it had seen of all of it before.
func (m *Machine) see(o *ordering, s seen) {
	for i := 0; i < int(o.nSeen); {
		if e := &o.seen[i]; e.at <= s.at && within(e.addr, e.width, s.addr, s.width) {
			o.unsee(i)
		} else {
			i++
		}
	}
	for o.nSeen == maxSeen {
		o.floor = s.at
		for i := range o.seen {
			o.floor = min(o.floor, o.seen[i].at)
		}
		for i := maxSeen - 1; i >= 0; i-- {
			if o.seen[i].at <= o.floor {
				o.unsee(i)
			}
		}
	}
	at := int(o.nSeen)
	for ; at > 0 && !o.seen[at-1].before(&s); at-- {
		o.seen[at] = o.seen[at-1]
	}
	o.seen[at] = s
	o.nSeen++
}

func (s *seen) before(e *seen) bool {
	return s.addr < e.addr || s.addr == e.addr && s.width < e.width
}

func (o *ordering) unsee(i int) {
	copy(o.seen[i:], o.seen[i+1:o.nSeen])
	o.nSeen--
	o.seen[o.nSeen] = seen{}
}

// wrote notes a store that is about to be performed.
func (m *Machine) wrote(o *ordering, t *task, a *access, rmw bool) {
	var old [8]byte
	m.memOf(t).ReadBytes(a.addr, old[:a.width])
	m.log(o, t, a, old, rmw)
}

// log is wrote for a store that overwrote the old bytes.
func (m *Machine) log(o *ordering, t *task, a *access, old [8]byte, rmw bool) {
	from := a.from
	if m.writes.n == maxWrites {
		m.drop(0)
		from = max(from, 1) - 1
	}
	m.writes.log[m.writes.n] = write{addr: a.addr, width: a.width, space: m.procs[t.proc].mm, old: old}
	m.writes.n++
	m.see(o, seen{addr: a.addr, width: a.width, own: true, rmw: rmw, at: m.writes.n, from: from})
	if m.atomics {
		o.last = m.writes.n
	}
	if a.release {
		o.release = m.writes.n
	}
}

// fence makes the CPU see all writes up to a view.
func (o *ordering) fence(at view) {
	n, pending := o.n, o.pending
	*o = ordering{n: n, pending: pending, floor: at}
	for i := range o.pending[:n] {
		o.pending[i].from = 0
	}
}

// kernelBarrier is a CPU's return to user mode. Nothing is pending: what enters
// the kernel can happen only then.
func (m *Machine) kernelBarrier(c CPUID) {
	if m.order[c].n > 0 {
		panic("emu: BUG: in the kernel with accesses pending")
	}
	m.order[c] = ordering{floor: m.writes.n}
}

// drop takes a write out of the log.
func (m *Machine) drop(i view) {
	w := &m.writes
	copy(w.log[i:], w.log[i+1:w.n])
	w.n--
	w.log[w.n] = write{}
	for c := range m.order {
		m.order[c].each(func(v view) view {
			if v > i {
				return v - 1
			}
			return v
		})
	}
}

// each changes every view.
func (o *ordering) each(f func(view) view) {
	o.floor, o.release, o.last, o.flags = f(o.floor), f(o.release), f(o.last), f(o.flags)
	for i := range o.regs {
		o.regs[i] = f(o.regs[i])
	}
	for i := range o.pending[:o.n] {
		o.pending[i].from = f(o.pending[i].from)
	}
	for i := range o.seen[:o.nSeen] {
		s := &o.seen[i]
		s.at, s.from = f(s.at), f(s.from)
	}
}
