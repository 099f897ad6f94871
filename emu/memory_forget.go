package emu

import "github.com/rseqemu/rseqemu/ir"

// What nobody can tell is brought into one form, so that states meet.

// forget brings the views into the one form that stands for all that allow the
// same loads, after a transition:
//
//  1. a CPU that is idle, or whose task is in the kernel, has no views
//  2. a floor is as high as it makes no difference
//  3. a write that no CPU can read behind, and whose view no pending load may get,
//     is dropped
//  4. other views are as low as it makes no difference, and what a CPU has seen
//     beyond its floor is kept only if that says something
func (m *Machine) forget() {
	for c := range m.order {
		o := &m.order[c]
		t := m.reader(CPUID(c))
		switch {
		case t == nil:
			*o = ordering{}
		case t.regs.IP == ir.ReturnIP:
			o.regs, o.flags = [ir.NumRegs]view{}, 0
		case t.regs.Micro == 0:
			o.regs[ir.T0], o.regs[ir.T1] = 0, 0
		}
	}
	if m.cfg.Memory != ARM {
		return
	}
	for c := range m.order {
		if t := m.reader(CPUID(c)); t != nil {
			o := &m.order[c]
			for o.floor < m.writes.n && !m.readable(o, t, o.floor, -1) {
				o.floor++
			}
		}
	}
	for i := view(0); i < m.writes.n; {
		if m.read1(i) {
			i++
		} else {
			m.drop(i)
		}
	}
	for c := range m.order {
		if t := m.reader(CPUID(c)); t != nil {
			m.lower(&m.order[c], t)
		}
	}
	m.sort()
}

// reader returns the task that may read on a CPU, or nil.
func (m *Machine) reader(c CPUID) *task {
	if cur := m.cpus[c].cur; cur >= 0 && m.tasks[cur].wait == waitNone {
		return &m.tasks[cur]
	}
	return nil
}

// read1 reports whether the i-th write is readable by any CPU.
func (m *Machine) read1(i view) bool {
	for c := range m.order {
		if t := m.reader(CPUID(c)); t != nil && m.readable(&m.order[c], t, i, -1) {
			return true
		}
	}
	return false
}

// readable reports whether a CPU can read what the i-th write has overwritten, or
// has a load pending that may get the write's view, as far as all it has seen but
// one entry says. What is behind its own pending store there does neither.
func (m *Machine) readable(o *ordering, t *task, i view, but int) bool {
	w := &m.writes.log[i]
	if i < o.floor || w.space != m.procs[t.proc].mm {
		return false
	}
	for j := range o.seen[:o.nSeen] {
		if s := &o.seen[j]; j != but && s.at > i && within(w.addr, w.width, s.addr, s.width) {
			return false
		}
	}
	for j := range o.pending[:o.n] {
		switch p := &o.pending[j]; {
		case p.load && overlap(w.addr, w.width, p.addr, p.width):
			return true // it is performed before the stores behind it, and may read the write
		case !p.load && within(w.addr, w.width, p.addr, p.width):
			return false
		}
	}
	return true
}

func (m *Machine) lower(o *ordering, t *task) {
	least := func(v view, but int) view {
		for v > o.floor && !m.readable(o, t, v-1, but) {
			v--
		}
		if v <= o.floor {
			return 0
		}
		return v
	}
	for i := 0; i < int(o.nSeen); {
		s := &o.seen[i]
		s.from = least(s.from, -1)
		if !s.own {
			s.at = least(s.at, i)
		}
		if s.at <= o.floor || s.own && s.from == 0 && !m.written(t, s, o.floor) {
			o.unsee(i)
		} else {
			i++
		}
	}
	o.release, o.last, o.flags = least(o.release, -1), least(o.last, -1), least(o.flags, -1)
	for i := range o.regs {
		o.regs[i] = least(o.regs[i], -1)
	}
	for i := range o.pending[:o.n] {
		o.pending[i].from = least(o.pending[i].from, -1)
	}
}

// written reports whether the log has a write to a place from a view on.
func (m *Machine) written(t *task, s *seen, from view) bool {
	space := m.procs[t.proc].mm
	for i := from; i < m.writes.n; i++ {
		if w := &m.writes.log[i]; w.space == space && overlap(w.addr, w.width, s.addr, s.width) {
			return true
		}
	}
	return false
}

// sort swaps neighbours in the log whose order nobody can tell, so that it is the
// same whichever was first.
func (m *Machine) sort() {
	for n := m.writes.n; n > 1; n-- {
		for i := view(0); i+1 < n; i++ {
			a, b := &m.writes.log[i], &m.writes.log[i+1]
			if b.before(a) && m.unordered(i) {
				*a, *b = *b, *a
				m.exchange(i)
			}
		}
	}
}

func (w *write) before(e *write) bool {
	return w.space < e.space || w.space == e.space && (w.addr < e.addr || w.addr == e.addr && w.width < e.width)
}

// unordered reports whether no CPU can tell the i-th write from being behind the
// next. One could that has seen one of them only, or that gets a view by reading
// what one of them stored (which its own store doesn't give) and may read behind
// the other.
func (m *Machine) unordered(i view) bool {
	a, b := &m.writes.log[i], &m.writes.log[i+1]
	if a.space == b.space && overlap(a.addr, a.width, b.addr, b.width) {
		return false
	}
	for c := range m.order {
		t := m.reader(CPUID(c))
		if t == nil {
			continue
		}
		o := &m.order[c]
		if !o.wroteLast(a, i+1) && m.readable(o, t, i+1, -1) || !o.wroteLast(b, i+2) && m.readable(o, t, i, -1) || o.splits(i+1, a, b) {
			return false
		}
	}
	return true
}

// wroteLast reports whether a write is the CPU's own, as it has seen it.
func (o *ordering) wroteLast(w *write, at view) bool {
	for i := range o.seen[:o.nSeen] {
		if s := &o.seen[i]; s.own && s.at == at && s.addr == w.addr && s.width == w.width {
			return true
		}
	}
	return false
}

// splits reports whether a view of the CPU lies at v, between the writes a and b,
// or ends with b, other than that of its own writes of them.
func (o *ordering) splits(v view, a, b *write) bool {
	if o.floor == v || o.release == v || o.release == v+1 || o.last == v || o.last == v+1 || o.flags == v {
		return true
	}
	for _, r := range o.regs {
		if r == v {
			return true
		}
	}
	for i := range o.pending[:o.n] {
		if o.pending[i].from == v {
			return true
		}
	}
	for i := range o.seen[:o.nSeen] {
		s := &o.seen[i]
		switch {
		case s.from == v:
			return true
		case s.own && (s.at == v && s.addr == a.addr && s.width == a.width || s.at == v+1 && s.addr == b.addr && s.width == b.width):
		case s.at == v, s.own && s.at == v+1:
			return true
		}
	}
	return false
}

// exchange follows the swap of the i-th write and the next in what the writers
// have seen.
func (m *Machine) exchange(i view) {
	for c := range m.order {
		o := &m.order[c]
		for j := range o.seen[:o.nSeen] {
			s := &o.seen[j]
			switch {
			case s.own && s.at == i+1:
				s.at = i + 2
			case s.own && s.at == i+2:
				s.at = i + 1
			}
		}
	}
}
