package vet

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// flow is what holds before every instruction, on all ways to it: a forward
// analysis to the fixed point. The kernel's way is one of them: from any
// instruction of a section to its abort_ip.
type flow struct {
	*graph
	before []state

	// loads are the places that read an id of struct rseq, by their bit in
	// origins. Those in unsure may read something else of the thread's.
	loads  []load
	bits   map[load]origins
	unsure origins

	descriptors map[int64]*section // by address
	// armed are the descriptors that some instruction stores, mentioned those
	// whose address is somewhere in the program. hidden says that an
	// instruction stores what can't be told to rseq_cs, or to what may be it.
	armed, mentioned map[*section]bool
	hidden           bool
}

// load is a micro-op that reads an id.
type load struct{ instr, op int }

// state is what holds at one place.
type state struct {
	reached bool
	regs    [ir.NumRegs]value
	armed   armedSet
}

// newFlow analyses the code, in at most budget looks at an instruction.
func newFlow(g *graph, all []*section, budget int) *flow {
	f := &flow{
		graph: g, before: make([]state, len(g.im.Instrs)),
		bits: map[load]origins{}, descriptors: map[int64]*section{}, armed: map[*section]bool{}, mentioned: map[*section]bool{},
	}
	for _, s := range all {
		f.descriptors[int64(s.Addr)] = s
	}
	if !f.solve(budget) {
		clear(f.before)
	}
	for i := range f.before {
		for _, e := range f.exec(i) {
			f.noteArming(e)
		}
	}
	f.noteData()
	return f
}

// solve reports whether it came to the fixed point. It goes through the code
// in the order of addresses, until a whole pass changes nothing.
func (f *flow) solve(budget int) bool {
	dirty := make([]bool, len(f.before))
	merge := func(to int, st *state) {
		if to >= 0 && f.merge(to, st) {
			dirty[to] = true
		}
	}
	for i := range f.before {
		if e := f.entered[i]; e != 0 {
			st := state{armed: armedEntry}
			if e == entryCode {
				st.armed = armedUnknown
			}
			st.regs[ir.TP] = threadPointer
			st.regs[ir.None] = num(0)
			merge(i, &st)
		}
	}
	var events []event // nobody reads them, but the room for them is used again
	for changed := true; changed; {
		changed = false
		for i := range dirty {
			if !dirty[i] {
				continue
			}
			if budget--; budget < 0 {
				return false
			}
			dirty[i], changed = false, true
			st := f.before[i]
			if s := f.of[i]; s != nil {
				aborted := st
				aborted.armed = armedAborted
				merge(s.abort, &aborted)
			}
			events = f.step(events[:0], i, &st)
			for _, to := range f.next[i] {
				merge(int(to), &st)
			}
		}
	}
	return true
}

// merge joins st into what holds before instruction i, and reports whether
// that is less than it was. An interruption outside of the armed section
// disarms it: the kernel clears rseq_cs when it finds the ip outside.
func (f *flow) merge(i int, st *state) bool {
	armed := st.armed
	if armed.outside(f, i) {
		armed |= armedLapsed
	}
	at := &f.before[i]
	if !at.reached {
		*at = *st
		at.reached, at.armed = true, armed
		return true
	}
	changed := at.armed|armed != at.armed
	at.armed |= armed
	for r := range at.regs {
		if v := join(at.regs[r], st.regs[r]); v != at.regs[r] {
			at.regs[r], changed = v, true
		}
	}
	return changed
}

// event is what a micro-op meets: the values of its operands, a and b being
// immediates where there is no register, and the address of its memory.
type event struct {
	op      *ir.Op
	instr   int
	index   int // in the instruction
	a, b    value
	addr    value
	base    value // of addr
	reached bool
}

// exec returns what the micro-ops of instruction i meet.
func (f *flow) exec(i int) []event {
	st := f.before[i]
	st.regs[ir.TP], st.regs[ir.None] = threadPointer, num(0) // if it isn't reached
	return f.step(nil, i, &st)
}

// step runs instruction i on st, and appends what its micro-ops meet.
func (f *flow) step(events []event, i int, st *state) []event {
	ops := f.im.Instrs[i].Micro()
	for k := range ops {
		events = append(events, f.micro(load{i, k}, &ops[k], st))
	}
	st.regs[ir.T0], st.regs[ir.T1], st.regs[ir.None] = value{}, value{}, num(0)
	return events
}

func (f *flow) micro(at load, o *ir.Op, st *state) event {
	r := &st.regs
	e := event{op: o, instr: at.instr, index: at.op, a: r[o.A], b: r[o.B], addr: address(o.Mem, r), base: r[o.Mem.Base], reached: st.reached}
	switch {
	case o.Code == ir.Mov && o.A == ir.None, o.Code == ir.St && o.A == ir.None:
		e.a = num(o.Imm)
	case o.B == ir.None:
		e.b = num(o.Imm)
	}
	if o.Stores() {
		st.armed = f.arm(st.armed, e)
	}
	switch o.Code {
	case ir.Mov:
		r[o.Dst] = e.a.narrow(o.Width)
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar:
		r[o.Dst] = arithmetic(o, e.a, e.b)
	case ir.Zext:
		r[o.Dst] = e.a.narrow(o.Width)
	case ir.Sext:
		r[o.Dst] = e.a.signed(o.Width)
	case ir.Ins:
		r[o.Dst] = value{from: r[o.Dst].from | e.a.from}
	case ir.La:
		r[o.Dst] = e.addr
	case ir.Csel:
		r[o.Dst] = join(e.a, e.b)
	case ir.Ld, ir.Ll, ir.Xadd, ir.Xchg, ir.Cmpxchg:
		r[o.Dst] = f.read(at, o, e.addr)
	case ir.Sc:
		r[o.Dst] = value{}
	case ir.Call:
		// The convention says nothing of what a function leaves alone.
		for n := ir.R0; n <= ir.R31; n++ {
			r[n] = value{}
		}
		st.armed = armedUnknown
	case ir.Syscall:
		r[ir.R0] = value{}
	}
	return e
}

// address returns the address that an operand means.
func address(m ir.Mem, r *[ir.NumRegs]value) value {
	index := r[m.Index]
	if m.Scale > 0 {
		shl := ir.NewOp(ir.Shl)
		index = arithmetic(&shl, index, num(int64(m.Scale)))
	}
	return r[m.Base].plus(index).plus(num(m.Disp))
}

// read returns what a load gives.
func (f *flow) read(at load, o *ir.Op, addr value) value {
	v := value{from: addr.from}
	switch {
	case addr.atID(o.Width):
		v.from |= f.bit(at)
		whole := o.Width.Bytes() == 4 && addr.n%4 == 0
		if whole && v.from != otherLoads && v.from&(v.from-1) == 0 {
			v.kind, v.n = field, addr.n
		}
	case addr.kind == nearTP:
		v.from |= f.bit(at)
		f.unsure |= f.bit(at) &^ otherLoads
	case addr.kind == number && o.Code == ir.Ld:
		if n, ok := f.rodata(addr.n, o.Width); ok {
			return num(n)
		}
	}
	return v
}

// bit returns the bit of a load of an id.
func (f *flow) bit(at load) origins {
	b, ok := f.bits[at]
	if !ok {
		b = otherLoads
		if len(f.loads) < 63 {
			b = 1 << len(f.loads)
			f.loads = append(f.loads, at)
		}
		f.bits[at] = b
	}
	return b
}

// loadsIn returns those of the loads that are in the section.
func (f *flow) loadsIn(s *section) (in origins) {
	for b, l := range f.loads {
		if s.contains(l.instr) {
			in |= 1 << b
		}
	}
	return in
}

// rodata reads what never changes: a table of descriptors, say.
func (f *flow) rodata(addr int64, w ir.Width) (int64, bool) {
	off, size := uint64(addr)-uint64(ir.RodataBase), uint64(w.Bytes())
	if off >= uint64(len(f.im.Rodata)) || uint64(len(f.im.Rodata))-off < size {
		return 0, false
	}
	b, order := f.im.Rodata[off:], f.im.Arch.ByteOrder()
	switch w {
	case ir.W1:
		return int64(b[0]), true
	case ir.W2:
		return int64(order.Uint16(b)), true
	case ir.W4:
		return int64(order.Uint32(b)), true
	}
	return int64(order.Uint64(b)), true
}

// hidesArming reports whether a descriptor may be stored unseen: some address
// is in the program and isn't seen to be stored, and something is stored that
// isn't seen.
func (f *flow) hidesArming() bool {
	if f.hidden {
		for s := range f.mentioned {
			if !f.armed[s] {
				return true
			}
		}
	}
	return false
}

// noteArming keeps what a micro-op says about the arming of sections.
func (f *flow) noteArming(e event) {
	for _, n := range []int64{e.op.Imm, e.op.Mem.Disp} {
		if s := f.descriptors[n]; s != nil {
			f.mentioned[s] = true
		}
	}
	switch {
	case !e.op.Stores():
	case e.a.kind == number:
		if s := f.descriptors[e.a.n]; s != nil && e.op.Width.Bytes() == 8 {
			f.armed[s] = true
		}
	case e.addr.kind == nearTP, e.addr.overlaps(e.op.Width, abi.OffRSeqCS, abi.OffFlags),
		e.a.kind == anything && e.addr.kind == anything && e.op.Width.Bytes() == 8:
		f.hidden = true
	}
}

// noteData keeps the descriptors whose address is in the program's data, or an
// argument of a call.
func (f *flow) noteData() {
	mention := func(n int64) {
		if s := f.descriptors[n]; s != nil {
			f.mentioned[s] = true
		}
	}
	order := f.im.Arch.ByteOrder()
	for _, b := range [][]byte{f.im.Rodata, f.im.Data, f.im.PerCPU, f.im.Thread} {
		for ; len(b) >= 8; b = b[8:] {
			mention(int64(order.Uint64(b)))
		}
	}
	for _, t := range f.im.Prog.Threads {
		for _, c := range t.Calls {
			for _, v := range c.Args {
				mention(int64(f.im.Symbols[v.Sym]) + v.Off)
			}
		}
	}
}
