package emu

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// The accesses that a CPU has pending, and its choices.

// loads reports whether a pending access is a load.
func (o *ordering) loads() bool {
	for i := range o.pending[:o.n] {
		if o.pending[i].load {
			return true
		}
	}
	return false
}

// meets reports whether a pending load, or store, overlaps the access.
func (o *ordering) meets(load bool, a ir.Addr, w ir.Width) bool {
	for i := range o.pending[:o.n] {
		if p := &o.pending[i]; p.load == load && overlap(p.addr, p.width, a, w) {
			return true
		}
	}
	return false
}

// unbound reports whether the operations need a register whose load is pending.
func (o *ordering) unbound(ops []ir.Op) bool {
	for i := range o.pending[:o.n] {
		p := &o.pending[i]
		if !p.load {
			continue
		}
		for j := range ops {
			op := &ops[j]
			switch {
			case op.Dst == p.reg, op.A == p.reg, op.B == p.reg, op.Mem.Base == p.reg, op.Mem.Index == p.reg,
				op.Code == ir.Ret, op.Code == ir.Jmpr: // they may end the call, with its results
				return true
			}
		}
	}
	return false
}

// free reports whether nothing older orders the i-th pending access before it:
// TSO performs in order; ARM what overlaps (a load may take an older store's
// value), and everything before a release.
func (m *Machine) free(o *ordering, i int) bool {
	if m.cfg.Memory == TSO {
		return i == 0
	}
	p := &o.pending[i]
	for j := range o.pending[:i] {
		older := &o.pending[j]
		if p.release || overlap(older.addr, older.width, p.addr, p.width) && !(p.load && !older.load) {
			return false
		}
	}
	return true
}

// orderedSteps appends what a CPU can do by itself where accesses are out of
// order: make its next step with the access performed at once, or delayed, or a
// load reading an older value; or perform an access that was delayed.
func (m *Machine) orderedSteps(buf []Choice, c CPUID, t *task) []Choice {
	o := &m.order[c]
	u := m.next(c, t)
	switch {
	case o.unbound(u.ops):
	case u.barrier, u.Code == ir.Fence && u.Order == ir.FenceW && m.cfg.Memory == ARM:
		if o.n == 0 {
			buf = append(buf, StepOn(c))
		}
	case u.Code == ir.Fence && m.cfg.Memory == ARM:
		if !o.loads() {
			buf = append(buf, StepOn(c))
		}
	case u.Code == ir.Nop, u.Code == ir.Fence, u.private:
		buf = append(buf, StepOn(c))
	case u.Code == ir.Ld, u.Code == ir.Ll:
		buf = m.loadChoices(buf, c, t, o, &u)
	default:
		buf = m.storeChoices(buf, c, o, &u)
	}
	for i := range int(o.n) {
		if m.free(o, i) {
			buf = append(buf, FlushOn(c, i+1))
		}
	}
	return buf
}

func (m *Machine) storeChoices(buf []Choice, c CPUID, o *ordering, u *upcoming) []Choice {
	switch {
	case o.n == 0:
		buf = append(buf, StepOn(c))
	case m.cfg.Memory == ARM && u.Order != ir.Release && !o.meets(true, u.Addr, u.Width) && !o.meets(false, u.Addr, u.Width):
		buf = append(buf, StepOn(c))
	}
	if u.Code == ir.St && o.n < MaxPending {
		buf = append(buf, DelayOn(c))
	}
	return buf
}

// loadChoices: a load takes the value of its CPU's own pending stores. ARM's may
// read something older unless it does, and may be delayed where that makes a
// difference; an acquire is not delayed, as nothing behind it is performed
// before it.
func (m *Machine) loadChoices(buf []Choice, c CPUID, t *task, o *ordering, u *upcoming) []Choice {
	if m.cfg.Memory == TSO {
		return append(buf, StepOn(c))
	}
	own := o.meets(false, u.Addr, u.Width)
	switch {
	case o.meets(true, u.Addr, u.Width), own && u.Code == ir.Ll, u.Order == ir.Acquire && o.releases():
		return buf // later
	}
	buf = append(buf, StepOn(c))
	if u.Code == ir.Ld && u.Order == ir.Plain && o.n < MaxPending && m.late[m.im.Index(u.regs.IP)] {
		buf = append(buf, DelayOn(c))
	}
	if !own {
		pre, _ := o.before(u)
		for k := 1; ; k++ {
			if _, ok := m.older(o, t, u, pre, k, nil); !ok {
				break
			}
			buf = append(buf, StaleOn(c, k))
		}
	}
	return buf
}

func (o *ordering) releases() bool {
	for i := range o.pending[:o.n] {
		if o.pending[i].release {
			return true
		}
	}
	return false
}

// orderedStep makes a step whose access is performed (Step), delayed (Delay) or
// reads the value that was overwritten stale stores ago (Stale).
func (m *Machine) orderedStep(c CPUID, kind ChoiceKind, stale int) {
	t := &m.tasks[m.cpus[c].cur]
	if t.betweenCalls() && m.parked(t) {
		m.exitTask(t, 0)
		return
	}
	u, o := m.next(c, t), &m.order[c]
	plain := u.Code == ir.Ld || u.Code == ir.Ll || u.Code == ir.St || u.Code == ir.Sc
	switch {
	case u.barrier && u.ops != nil && m.cfg.Memory == ARM:
		m.barrierStep(c, t, o, &u)
	case !plain || u.private || u.barrier:
		o.flow(u.ops, 0)
		if u.Code == ir.Fence && u.Order == ir.FenceR && m.cfg.Memory == ARM {
			o.fence(m.writes.n)
		}
		m.step(c)
	case u.Code == ir.Ld || u.Code == ir.Ll:
		m.orderedLoad(c, t, o, &u, kind, stale)
	default:
		m.orderedStore(c, t, o, &u, kind)
	}
}

func (m *Machine) orderedLoad(c CPUID, t *task, o *ordering, u *upcoming, kind ChoiceKind, stale int) {
	if m.cfg.Memory == TSO {
		if v, ok := m.forwarded(o, t, u.Addr, u.Width, int(o.n)); ok {
			m.issue(c, t, v)
		} else {
			m.step(c)
		}
		return
	}
	pre, _ := o.before(u)
	if kind == Delay {
		o.pending[o.n] = access{addr: u.Addr, width: u.Width, load: true, reg: u.Dst, from: pre}
		o.n++
		o.flow(u.ops, pre)
		m.issue(c, t, 0)
		m.emit(EvDeferred, c, t, uint64(u.Addr), uint64(u.Dst))
		return
	}
	var b [8]byte
	at := m.read(o, t, u, pre, stale, b[:u.Width])
	if u.Order == ir.Acquire {
		o.floor = max(o.floor, at)
	}
	o.flow(u.ops, at)
	if stale == 0 && !o.meets(false, u.Addr, u.Width) {
		m.step(c) // a load-linked reserves, too
		return
	}
	v := m.memOf(t).Number(b[:u.Width])
	if stale > 0 {
		newest, _ := m.memOf(t).Load(u.Addr, u.Width)
		m.issue(c, t, v)
		m.emit(EvStale, c, t, uint64(u.Addr), newest)
		return
	}
	m.issue(c, t, v)
}

func (m *Machine) orderedStore(c CPUID, t *task, o *ordering, u *upcoming, kind ChoiceKind) {
	_, from := o.before(u)
	o.flow(u.ops, 0)
	a := access{addr: u.Addr, width: u.Width, value: u.Value, release: u.Order == ir.Release, from: from}
	switch {
	case kind == Delay:
		o.pending[o.n] = a
		o.n++
		m.issue(c, t, 0)
		m.emit(EvHeld, c, t, uint64(u.Addr), u.Value)
		return
	case m.cfg.Memory == TSO:
	case u.Code == ir.St || m.memOf(t).Reservations()[c] == u.Addr:
		m.wrote(o, t, &a, u.Code == ir.Sc)
	}
	m.step(c)
}

// barrierStep makes an indivisible step or a full fence. Nothing is pending.
//
// An indivisible operation is what arm64's ldaddal is: acquire, release, and all
// that was before it is before all that comes behind it. But its store isn't: later
// loads may be older than that.
func (m *Machine) barrierStep(c CPUID, t *task, o *ordering, u *upcoming) {
	a := access{addr: u.Addr, width: u.Width, release: true}
	if u.Code == ir.Fence {
		m.step(c)
		o.fence(m.writes.n)
		return
	}
	at := max(o.floor, o.last, m.stamp(o, t, a.addr, a.width, m.writes.n))
	for i := range o.seen[:o.nSeen] {
		at = max(at, o.seen[i].at)
	}
	o.fence(at)
	var old [8]byte
	m.memOf(t).ReadBytes(a.addr, old[:a.width])
	m.step(c)
	if u.Code == ir.Ld || u.Code == ir.Ll || u.Code == ir.Cmpxchg && t.regs.Flags&vcpu.FlagZ == 0 {
		return // stores nothing
	}
	m.log(o, t, &a, old, true)
}

// issue makes a step with an access that is performed elsewhere.
func (m *Machine) issue(c CPUID, t *task, v uint64) {
	if t.betweenCalls() {
		m.invoke(t)
	}
	m.code.Issue(m.memOf(t), int(c), &t.regs, v)
	if t.regs.IP == ir.ReturnIP {
		m.returned(t)
	}
}

// flush performs the i-th pending access of a CPU, counting from zero.
func (m *Machine) flush(c CPUID, i int) {
	o := &m.order[c]
	t := &m.tasks[m.cpus[c].cur]
	p := o.pending[i]
	if p.load {
		u := upcoming{Effect: vcpu.Effect{Code: ir.Ld, Addr: p.addr, Width: p.width}}
		var b [8]byte
		older := *o
		older.n = uint8(i) // it takes the values of older stores only
		at := m.read(&older, t, &u, p.from, 0, b[:p.width])
		o.seen, o.nSeen, o.floor = older.seen, older.nSeen, older.floor
		t.regs.R[p.reg] = m.memOf(t).Number(b[:p.width])
		o.regs[p.reg] = at
		m.emit(EvBound, c, t, uint64(p.reg), t.regs.R[p.reg])
	} else {
		m.perform(c, &p)
		m.emit(EvPerformed, c, t, uint64(p.addr), p.value)
	}
	o.remove(i)
}

// forwarded reads memory with the first n pending stores in place; ok is false
// if none of them overlaps.
func (m *Machine) forwarded(o *ordering, t *task, a ir.Addr, w ir.Width, n int) (v uint64, ok bool) {
	var b [8]byte
	mem := m.memOf(t)
	mem.ReadBytes(a, b[:w])
	ok = m.overlay(o, mem, a, b[:w], n)
	return mem.Number(b[:w]), ok
}

// overlay puts the first n pending stores over the bytes of address a.
func (m *Machine) overlay(o *ordering, mem *vcpu.Memory, a ir.Addr, b []byte, n int) (any bool) {
	for i := range o.pending[:n] {
		p := &o.pending[i]
		if p.load || !overlap(p.addr, p.width, a, ir.Width(len(b))) {
			continue
		}
		any = true
		var v [8]byte
		mem.PutNumber(v[:p.width], p.value)
		patch(b, a, v[:p.width], p.addr)
	}
	return any
}

// patch copies the bytes of v, at address at, that lie in b, at address a.
func patch(b []byte, a ir.Addr, v []byte, at ir.Addr) {
	for i, x := range v {
		if off := uint64(at + ir.Addr(i) - a); off < uint64(len(b)) {
			b[off] = x
		}
	}
}

// settle performs what a CPU has pending in its order, for a thread that is
// killed: nobody is left to see in which order it might have been.
func (m *Machine) settle(c CPUID) {
	for m.order[c].n > 0 {
		if p := &m.order[c].pending[0]; !p.load {
			m.perform(c, p)
		}
		m.order[c].remove(0)
	}
}

// perform makes a delayed store visible to all.
func (m *Machine) perform(c CPUID, p *access) {
	o, t := &m.order[c], &m.tasks[m.cpus[c].cur]
	if m.cfg.Memory == ARM {
		m.wrote(o, t, p, false)
	}
	m.memOf(t).Store(int(c), p.addr, p.width, p.value)
}

func (o *ordering) remove(i int) {
	copy(o.pending[i:], o.pending[i+1:o.n])
	o.n--
	o.pending[o.n] = access{}
}

// settled reports whether the kernel may interrupt what runs on a CPU.
func (m *Machine) settled(c CPUID) bool { return m.order == nil || m.order[c].n == 0 }

// interruptible reports whether an interrupt finds the running task in user mode
// with nothing pending. That what is pending must be performed first loses few
// behaviours: which of it is performed before what other CPUs do is a choice
// before the interrupt as it would be in it. What is lost is a store that its own
// thread's return from the kernel overtakes; a context switch and membarrier have
// a full barrier on the way, so that needs an interrupt without either.
func (m *Machine) interruptible(t *task) bool { return t.user() && m.settled(t.cpu) }
