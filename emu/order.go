package emu

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/symmetry"
)

// Of the states that are one but for the names of threads and CPUs, a search keeps
// the one in which they are in order: by what can be said of each without a name,
// and where that doesn't decide, so that the bytes of the state are the least.

// maxOrders bounds how many ways to put threads and CPUs in order are tried, when
// what can be said of them is the same. Beyond it the first will do: states that
// are one are then kept apart, and nothing is lost.
const maxOrders = 1000

// inOrder puts threads and CPUs in order.
type inOrder struct {
	r          *Reducer
	task, cpu  []uint64 // what can be said of each
	class      []int8   // of each task; tasks without one stay
	first      []uint64 // of task, in the first round
	taskAt     []TaskID // in order
	cpuAt      []CPUID
	now, least Renaming
	state      []byte
	tried      int
}

func newInOrder(r *Reducer) *inOrder {
	tasks, cpus := len(r.m.tasks), len(r.m.cpus)
	o := &inOrder{r: r, task: make([]uint64, tasks), first: make([]uint64, tasks), cpu: make([]uint64, cpus), class: make([]int8, tasks),
		taskAt: make([]TaskID, tasks), cpuAt: make([]CPUID, cpus)}
	for i := range o.class {
		o.class[i] = none
	}
	for k, c := range r.sym.Classes {
		for _, t := range c.Threads {
			o.class[t] = int8(k)
		}
	}
	for _, n := range [...]*Renaming{&o.now, &o.least} {
		*n = Renaming{Tasks: make([]TaskID, tasks), CPUs: make([]CPUID, cpus), r: r}
	}
	return o
}

// mix adds a number to a hash, which needn't be good: it decides about an order
// only.
func mix(h, v uint64) uint64 {
	h = (h ^ v) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// describe says of each thread and CPU what can be said without a name: at first
// of the threads what is in them, then of the CPUs, with the threads on them and
// the objects that they know, and of the threads again, with their CPUs and
// objects.
func (o *inOrder) describe() {
	m, r := o.r.m, o.r
	for i := range m.tasks {
		t := &m.tasks[i]
		h := uint64(t.state)
		if t.alive() {
			cs, _ := m.mem[0].Load(m.im.TP(i)+abi.OffRSeqCS, 8)
			h = mix(h, uint64(t.regs.IP)<<8^uint64(t.call)<<1^uint64(bit(t.inCall))^uint64(t.wait)<<40^uint64(t.regs.Flags)<<48)
			h = mix(h, cs^uint64(bit(t.rseq.notify)|bit(t.rseq.userIRQ)<<1|bit(t.rseq.schedSwitch)<<2|bit(t.rseq.idsChanged)<<3|t.rseq.eventMask<<4)<<32)
			h = mix(h, t.pending^t.blocked<<8^t.affinity<<16)
			moving := o.moving(t)
			for v := uint64(o.r.facts.At(t.regs.IP)) & (1<<ir.SP - 1); v != 0; v &= v - 1 {
				x := ir.Reg(bits.TrailingZeros64(v))
				if len(moving) > 0 && moving[0].reg == x {
					moving = moving[1:]
					continue
				}
				h = mix(h, t.regs.R[x]+uint64(x)<<56)
			}
		}
		o.first[i] = h
	}
	for c := range m.cpus {
		h := uint64(m.cpus[c].ipi)<<1 | uint64(bit(m.cpus[c].online))
		if t := m.cpus[c].cur; t >= 0 {
			h = mix(h, o.first[t])
		}
		base := ir.PerCPUBase + ir.Addr(c)<<m.im.PerCPUShift
		for i, k := range r.perCPUKinds {
			v, _ := m.mem[0].Load(base+ir.Addr(8*i), 8)
			h = mix(h, o.value(k, v, o.first))
		}
		o.cpu[c] = h
	}
	for i := range m.tasks {
		t := &m.tasks[i]
		h := o.first[i]
		if t.alive() {
			if r.knowsCPU(t) {
				h = mix(h, o.cpu[t.cpu]+uint64(bit(t.state == taskRunning)))
			}
			for _, x := range o.moving(t) {
				h = mix(h, o.value(x.kind, t.regs.R[x.reg], o.first)+uint64(x.reg)<<56)
			}
		}
		o.task[i] = h
	}
	for k := range r.objects {
		ob := &r.objects[k]
		for off := ir.Addr(0); off < ir.Addr(r.sym.ObjectSize); off += 8 {
			v, _ := m.mem[0].Load(ob.at+off, 8)
			o.task[ob.task] = mix(o.task[ob.task], o.value(r.dataKinds[(ob.at-ir.DataBase+off)/8], v, o.first))
		}
	}
}

func (o *inOrder) moving(t *task) []moving {
	if i := o.r.m.im.Index(t.regs.IP); i >= 0 {
		return o.r.moving[i]
	}
	return nil
}

// value is what can be said of a number.
func (o *inOrder) value(k symmetry.Kind, v uint64, tasks []uint64) uint64 {
	switch k.Is {
	case symmetry.CPU:
	case symmetry.Offset:
		v >>= o.r.m.im.PerCPUShift
	case symmetry.PerCPU:
		v = (v - uint64(ir.PerCPUBase)) >> o.r.m.im.PerCPUShift
	case symmetry.Object:
		i := o.r.objectAt(ir.Addr(v))
		if i < 0 {
			return v
		}
		ob := &o.r.objects[i]
		return mix(tasks[ob.task], v-uint64(ob.at)+uint64(ob.nth)<<32)
	default:
		return v
	}
	if v < uint64(len(o.cpu)) {
		return o.cpu[v]
	}
	return v
}

// find puts threads and CPUs in order. It returns the renaming, and the bytes of
// the state after it as encode writes them.
func (o *inOrder) find(b []byte, encode func(b []byte, m *Machine, n *Renaming) []byte) ([]byte, *Renaming) {
	m := o.r.m
	for i := range m.tasks {
		o.taskAt[i] = TaskID(i)
		if !m.tasks[i].regs.Boundary() {
			// What a bundle's temporaries hold isn't known.
			o.identity(&o.least)
			return encode(b, m, &o.least), &o.least
		}
	}
	for c := range o.cpuAt {
		o.cpuAt[c] = CPUID(c)
	}
	o.describe()
	for k := range o.r.sym.Classes {
		threads := o.r.sym.Classes[k].Threads
		in := make([]TaskID, 0, 8)
		for _, t := range threads {
			in = append(in, TaskID(t))
		}
		slices.SortStableFunc(in, func(a, b TaskID) int { return cmp.Compare(o.task[a], o.task[b]) })
		for i, t := range threads {
			o.taskAt[t] = in[i]
		}
	}
	if o.r.sym.CPUs {
		slices.SortStableFunc(o.cpuAt, func(a, b CPUID) int { return cmp.Compare(o.cpu[a], o.cpu[b]) })
	}
	o.tried = 0
	at := len(b)
	b = o.orders(b, at, 0, encode)
	return b, &o.least
}

func (o *inOrder) identity(n *Renaming) {
	for i := range n.Tasks {
		n.Tasks[i] = TaskID(i)
	}
	for i := range n.CPUs {
		n.CPUs[i] = CPUID(i)
	}
}

// orders tries every order in which those that are said the same of come after one
// another, from place i on: the tasks' places, then the CPUs'. b has the least state
// so far behind at.
func (o *inOrder) orders(b []byte, at, i int, encode func(b []byte, m *Machine, n *Renaming) []byte) []byte {
	tasks := len(o.taskAt)
	if i == tasks+len(o.cpuAt) {
		return o.try(b, at, encode)
	}
	if i >= tasks {
		c := i - tasks
		for j := c; j < len(o.cpuAt) && (j == c || o.r.sym.CPUs && o.cpu[o.cpuAt[j]] == o.cpu[o.cpuAt[c]]); j++ {
			o.cpuAt[c], o.cpuAt[j] = o.cpuAt[j], o.cpuAt[c]
			b = o.orders(b, at, i+1, encode)
			o.cpuAt[c], o.cpuAt[j] = o.cpuAt[j], o.cpuAt[c]
		}
		return b
	}
	b = o.orders(b, at, i+1, encode)
	if o.class[i] < 0 {
		return b
	}
	for j := i + 1; j < tasks; j++ {
		if o.class[j] != o.class[i] || o.task[o.taskAt[j]] != o.task[o.taskAt[i]] {
			continue
		}
		o.taskAt[i], o.taskAt[j] = o.taskAt[j], o.taskAt[i]
		b = o.orders(b, at, i+1, encode)
		o.taskAt[i], o.taskAt[j] = o.taskAt[j], o.taskAt[i]
	}
	return b
}

// try encodes the state in the order that there is, and keeps it if it is the least.
func (o *inOrder) try(b []byte, at int, encode func(b []byte, m *Machine, n *Renaming) []byte) []byte {
	if o.tried >= maxOrders {
		return b
	}
	for i, t := range o.taskAt {
		o.now.Tasks[t] = TaskID(i)
	}
	for i, c := range o.cpuAt {
		o.now.CPUs[c] = CPUID(i)
	}
	m := o.r.m
	if !o.now.Identity() {
		m = o.r.twin
		o.r.rename(m, &o.now)
	}
	if o.tried++; o.tried == 1 {
		o.keep()
		return encode(b, m, &o.now)
	}
	o.state = encode(o.state[:0], m, &o.now)
	if bytes.Compare(o.state, b[at:]) < 0 {
		o.keep()
		b = append(b[:at], o.state...)
	}
	return b
}

func (o *inOrder) keep() {
	copy(o.least.Tasks, o.now.Tasks)
	copy(o.least.CPUs, o.now.CPUs)
}
