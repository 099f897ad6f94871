package emu

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
	"github.com/rseqemu/rseqemu/ir/symmetry"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Renaming gives threads and CPUs other numbers, by which threads of a class, or
// CPUs, change places.
type Renaming struct {
	Tasks []TaskID // by old number
	CPUs  []CPUID
	r     *Reducer
}

// Identity reports whether everything keeps its number.
func (n *Renaming) Identity() bool {
	for i, t := range n.Tasks {
		if int(t) != i {
			return false
		}
	}
	for i, c := range n.CPUs {
		if int(c) != i {
			return false
		}
	}
	return true
}

// Choice returns a transition under the new numbers.
func (n *Renaming) Choice(c Choice) Choice {
	switch c.Kind() {
	case Wake, Signal:
		return c&^0xff00 | Choice(uint8(n.Tasks[c.Task()]))<<8
	case Run:
		return RunOn(n.CPUs[c.CPU()], n.Tasks[c.Task()])
	}
	return c&^0xff0000 | Choice(uint8(n.CPUs[c.CPU()]))<<16
}

// Value returns what a number becomes that is of a kind.
func (n *Renaming) Value(k symmetry.Kind, v uint64) uint64 {
	im := n.r.m.im
	switch k.Is {
	case symmetry.CPU:
		return uint64(n.cpu(uint32(v)))
	case symmetry.Offset:
		return uint64(n.cpu(uint32(v>>im.PerCPUShift))) << im.PerCPUShift
	case symmetry.PerCPU:
		off := v - uint64(ir.PerCPUBase)
		c := off >> im.PerCPUShift
		return v - c<<im.PerCPUShift + uint64(n.cpu(uint32(c)))<<im.PerCPUShift
	case symmetry.Object:
		return uint64(n.object(ir.Addr(v)))
	}
	return v
}

// cpu renames a CPU's number; others, such as that of an uninitialized area, stay.
func (n *Renaming) cpu(c uint32) uint32 {
	if c < uint32(len(n.CPUs)) {
		return uint32(n.CPUs[c])
	}
	return c
}

// object renames an address in an object.
func (n *Renaming) object(a ir.Addr) ir.Addr {
	i := n.r.objectAt(a)
	if i < 0 {
		return a
	}
	o := &n.r.objects[i]
	return a - o.at + n.r.objects[o.others[n.Tasks[o.task]]].at
}

// object is a thing that only one thread's script names.
type object struct {
	at     ir.Addr
	task   TaskID
	nth    int   // of the objects of its thread
	others []int // by task of the class: its object that corresponds
}

// objectAt returns the number of the object that an address is in, or -1.
func (r *Reducer) objectAt(a ir.Addr) int {
	if a < ir.DataBase || a-ir.DataBase >= ir.Addr(8*len(r.objectOf)) {
		return -1
	}
	return int(r.objectOf[(a-ir.DataBase)/8])
}

// setSymmetry prepares for renaming, and notes what numbers are.
func (r *Reducer) setSymmetry() {
	f := symmetry.Of(r.m.im, r.facts)
	r.why = f.Why
	if r.dead&live.MMCID == 0 || r.m.cfg.Nodes > 1 || len(f.Classes) == 0 && (!f.CPUs || len(r.m.cpus) == 1) {
		r.set &^= Symmetry
	}
	if len(f.Classes) == 0 {
		r.set &^= OwnObjects | Garbage
	}
	if r.set&(Symmetry|OwnObjects|Garbage) == 0 {
		return
	}
	r.sym = f
	r.objectOf = make([]int16, len(r.m.im.Data)/8)
	for i := range r.objectOf {
		r.objectOf[i] = none
	}
	for _, c := range f.Classes {
		for i := range c.Objects[0] {
			first := len(r.objects)
			others := make([]int, len(r.m.tasks))
			for k, t := range c.Threads {
				others[t] = first + k
				r.objects = append(r.objects, object{c.Objects[k][i], TaskID(t), i, others})
				for off := int64(0); off < f.ObjectSize; off += 8 {
					r.objectOf[(int64(c.Objects[k][i]-ir.DataBase)+off)/8] = int16(first + k)
				}
			}
		}
	}
	for off := range int64(len(r.m.im.Data) / 8) {
		k, _ := f.Data(8 * off)
		r.dataKinds = append(r.dataKinds, k)
	}
	for off := range int64(len(r.m.im.PerCPU) / 8) {
		r.perCPUKinds = append(r.perCPUKinds, f.PerCPU(8*off))
	}
	r.moving = make([][]moving, len(r.m.im.Instrs))
	for i, ip := range r.m.im.Addrs {
		for reg := range ir.LR {
			if k := f.Reg(ip, reg); k.Is > symmetry.Fixed && r.facts.At(ip)>>reg&1 != 0 {
				r.moving[i] = append(r.moving[i], moving{reg, k})
			}
		}
	}
	r.setSeclusion()
	r.twin = r.m.Fork()
	r.order = newInOrder(r)
}

// Symmetry returns what the reduction by symmetry rests on, or nil if it isn't in
// force.
func (r *Reducer) Symmetry() *symmetry.Facts {
	if r.set&Symmetry == 0 {
		return nil
	}
	return r.sym
}

// DropSymmetry ends it, and says why.
func (r *Reducer) DropSymmetry(why string) {
	r.set &^= Symmetry
	r.why = why
}

// Symmetric says which threads can change places, and whether CPUs can; if none, why
// not, as far as that was asked.
func (r *Reducer) Symmetric() string {
	if r.set&Symmetry == 0 {
		return r.why
	}
	var out []string
	for _, c := range r.sym.Classes {
		var names []string
		for _, t := range c.Threads {
			names = append(names, fmt.Sprintf("t%d", t))
		}
		out = append(out, strings.Join(names, " = "))
	}
	if r.sym.CPUs && len(r.m.cpus) > 1 {
		out = append(out, "all CPUs")
	}
	return strings.Join(out, ", ")
}

// InOrder appends the bytes of the state to b, as encode writes them, with threads
// and CPUs in order, and returns the renaming that puts them there; it is valid
// until the next call.
func (r *Reducer) InOrder(b []byte, encode func(b []byte, m *Machine, n *Renaming) []byte) ([]byte, *Renaming) {
	return r.order.find(b, encode)
}

// rename makes dst what the machine is under other numbers.
func (r *Reducer) rename(dst *Machine, n *Renaming) {
	m, s := r.m, &dst.state
	s.budget = m.budget
	copy(s.procs, m.procs)
	copy(s.mms, m.mms)
	copy(s.cids, m.cids)
	for i := range m.procs {
		if p := &s.procs[i]; p.done && p.exit.Signal != 0 { // else it is nobody's
			p.exit.Task = n.Tasks[p.exit.Task]
		}
	}
	for i := range m.cpus {
		c := &s.cpus[n.CPUs[i]]
		if *c = m.cpus[i]; c.cur >= 0 {
			c.cur = n.Tasks[c.cur]
		}
	}
	for i := range m.tasks {
		r.renameTask(&s.tasks[n.Tasks[i]], &m.tasks[i], int(n.Tasks[i]), n)
	}
	r.renameMemory(dst.mem[0], n)
}

func (r *Reducer) renameTask(dst, t *task, to int, n *Renaming) {
	*dst = *t
	if t.state == taskUnused || t.state == taskDead {
		return
	}
	dst.script = int16(to)
	if r.knowsCPU(t) {
		dst.cpu = n.CPUs[t.cpu]
	}
	if t.rseq.area != 0 {
		dst.rseq.area = r.m.im.TP(to)
		if t.state == taskRunning {
			dst.rseq.ids.cpu = n.cpu(t.rseq.ids.cpu)
		}
	}
	dst.regs.R[ir.TP] = uint64(r.m.im.TP(to))
	dst.regs.R[ir.SP] = uint64(r.m.im.StackTop(to))
	if i := r.m.im.Index(t.regs.IP); i >= 0 {
		for _, x := range r.moving[i] {
			dst.regs.R[x.reg] = n.Value(x.kind, t.regs.R[x.reg])
		}
	}
}

// knowsCPU reports whether the CPU that a task has, or had last, matters and so is
// not the normal form's.
func (r *Reducer) knowsCPU(t *task) bool {
	return t.cpu >= 0 && (t.state == taskRunning || r.m.budget[Migrations] != Unlimited)
}

// moving is a register that is renamed.
type moving struct {
	reg  ir.Reg
	kind symmetry.Kind
}

// renameMemory moves objects, CPUs' and threads' parts, and renames what is in
// them.
func (r *Reducer) renameMemory(to *vcpu.Memory, n *Renaming) {
	from, im := r.m.mem[0], r.m.im
	src, dst := from.Mutable(), to.Mutable()
	order := im.Arch.ByteOrder()
	word := func(at, as int, k symmetry.Kind) {
		if v := order.Uint64(src[at:]); v != 0 && k.Is > symmetry.Fixed || k.Is == symmetry.CPU {
			order.PutUint64(dst[as:], n.Value(k, v))
		} else {
			copy(dst[as:as+8], src[at:])
		}
	}
	for _, s := range from.Segments() {
		at := from.Offset(&s)
		switch s.Base {
		case ir.DataBase:
			copy(dst[at:at+int(s.Size)], src[at:])
			for i, k := range r.dataKinds {
				a := ir.DataBase + ir.Addr(8*i)
				word(at+8*i, at+int(n.object(a)-ir.DataBase), k)
			}
		case ir.PerCPUBase:
			stride := 1 << im.PerCPUShift
			for c := range r.m.cpus {
				as, at := at+int(n.CPUs[c])*stride, at+c*stride
				copy(dst[as:as+stride], src[at:])
				for i, k := range r.perCPUKinds {
					word(at+8*i, as+8*i, k)
				}
			}
		case ir.ThreadBase:
			for i := range r.m.tasks {
				as, at := at+int(n.Tasks[i])*int(im.ThreadStride), at+i*int(im.ThreadStride)
				copy(dst[as:as+int(im.ThreadStride)], src[at:])
				if t := &r.m.tasks[i]; t.rseq.area == 0 || t.state != taskRunning {
					continue // the ids of the others are in normal form, zero
				}
				for _, off := range [...]int{abi.OffCPUIDStart, abi.OffCPUID} {
					off += int(im.ThreadBefore)
					order.PutUint32(dst[as+off:], n.cpu(order.Uint32(src[at+off:])))
				}
			}
		case ir.StackBase:
			for i := range r.m.tasks {
				as, at := at+int(n.Tasks[i])*int(im.StackSize), at+i*int(im.StackSize)
				copy(dst[as:as+int(im.StackSize)], src[at:])
			}
		}
	}
}
