package emu

import (
	"math/bits"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/symmetry"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Secluded objects. An object is a piece of data that only scripts name, one thread's
// each. Who wants to get at it needs its address, and of every register and word it
// is known, as of a typed language, whether it can hold one (ir/symmetry: if that
// can't be told of anything in the program, there are no objects). So an object that
// can't be reached from
//
//   - the registers of any other thread, on a CPU or off it,
//   - what the other threads' scripts are still going to name,
//   - the other CPUs' per-CPU data,
//   - global data outside of objects,
//   - nor from objects that can be reached from there
//
// is in the hands of one CPU and the thread on it. Whatever happens elsewhere, it stays
// so: the others can pass on only what they have, and to have more they would have to
// read the CPU's per-CPU data, which is watched. Only what happens on this CPU changes
// it: the thread stores the address somewhere, or loses the CPU.
//
// So a step that touches nothing else is one of the CPU's own (ample.go). It is a local
// one as well (local.go)
//
//   - inside of a section if it only loads: if the CPU goes to another thread the
//     section is aborted, and what was loaded is lost;
//   - outside of sections if the CPU's per-CPU data doesn't lead to the object either:
//     it is in the hands of the thread alone, on whatever CPU it goes on.

// maxObjects is how many objects there can be for sets of them.
const maxObjects = 64

// setSeclusion notes which objects scripts name, call by call.
func (r *Reducer) setSeclusion() {
	if len(r.objects) > maxObjects {
		r.set &^= OwnObjects | Garbage
	}
	if r.set&(OwnObjects|Garbage) == 0 {
		return
	}
	for _, calls := range r.m.calls {
		names := make([]uint64, len(calls)+1)
		for i := len(calls) - 1; i >= 0; i-- {
			names[i] = names[i+1]
			for _, v := range calls[i].args {
				names[i] |= r.objectSet(v)
			}
		}
		r.names = append(r.names, names)
	}
}

// objectSet is the object that an address is in, if it is in one.
func (r *Reducer) objectSet(v uint64) uint64 {
	if i := r.objectAt(ir.Addr(v)); i >= 0 {
		return 1 << i
	}
	return 0
}

// secluded reports whether the next step of the CPU's thread, with these registers, ends
// without a trap and touches nothing but constants and objects that are in the thread's
// hands, or, with the CPU, in the hands of both, and what else is theirs.
func (r *Reducer) secluded(c CPUID, t *task, regs *vcpu.Regs, withCPU bool) bool {
	if r.set&OwnObjects == 0 {
		return false
	}
	m := r.m
	mem := m.memOf(t)
	mem.Enter(int(c))
	accesses, trap := m.code.Peek(mem, int(c), regs, r.peeked[:0])
	r.peeked = accesses
	if trap.Kind != vcpu.TrapNone {
		return false
	}
	var touched uint64
	for _, a := range accesses {
		switch o := r.objectSet(uint64(a.Addr)); {
		case o != 0 && o == r.objectSet(uint64(a.Addr)+uint64(a.Width)-1):
			touched |= o
		case a.Addr < ir.DataBase && !a.Store:
		case withCPU && r.ofCPU(c, a.Addr):
		default:
			return false
		}
	}
	if !withCPU {
		c = none
	}
	return touched == 0 || touched&r.inOtherHands(c, t) == 0
}

// ofCPU reports whether an address is in the CPU's per-CPU data, or in a thread's area,
// which can only be the thread's own.
func (r *Reducer) ofCPU(c CPUID, a ir.Addr) bool {
	if a < ir.PerCPUBase || a >= ir.ThreadBase {
		return a >= ir.ThreadBase && a < ir.StackBase
	}
	return CPUID((a-ir.PerCPUBase)>>r.m.im.PerCPUShift) == c
}

// inOtherHands returns the objects that can be reached without the thread, and without
// the CPU; with neither (none, nil) those that can be reached at all.
func (r *Reducer) inOtherHands(c CPUID, own *task) (set uint64) {
	m := r.m
	for i := range m.tasks {
		t := &m.tasks[i]
		if t == own || !t.alive() {
			continue
		}
		if !t.regs.Boundary() {
			return ^uint64(0) // a temporary may hold an address
		}
		call := int(t.call)
		if t.inCall {
			call++
			if at := m.im.Index(t.regs.IP); at >= 0 {
				for _, x := range r.moving[at] {
					if x.kind.Is == symmetry.Object {
						set |= r.objectSet(t.regs.R[x.reg])
					}
				}
			}
		}
		set |= r.names[t.script][call]
	}
	word := func(a ir.Addr, k symmetry.Kind) {
		if k.Is == symmetry.Object {
			v, _ := m.mem[0].Load(a, 8)
			set |= r.objectSet(v)
		}
	}
	for o := range m.cpus {
		if CPUID(o) != c {
			for i, k := range r.perCPUKinds {
				word(ir.PerCPUBase+ir.Addr(o)<<m.im.PerCPUShift+ir.Addr(8*i), k)
			}
		}
	}
	for i, k := range r.dataKinds {
		if r.objectOf[i] < 0 {
			word(ir.DataBase+ir.Addr(8*i), k)
		}
	}
	for done := uint64(0); done != set; {
		i := bits.TrailingZeros64(set &^ done)
		done |= 1 << i
		for off := ir.Addr(0); off < ir.Addr(r.sym.ObjectSize); off += 8 {
			word(r.objects[i].at+off, r.dataKinds[(r.objects[i].at-ir.DataBase+off)/8])
		}
	}
	return set
}

// sweep clears the objects that nobody can get at any more: nobody will read what is in
// them.
func (r *Reducer) sweep() {
	for left := (uint64(1)<<len(r.objects) - 1) &^ r.inOtherHands(none, nil); left != 0; left &= left - 1 {
		o := &r.objects[bits.TrailingZeros64(left)]
		for off := ir.Addr(0); off < ir.Addr(r.sym.ObjectSize); off += 8 {
			r.m.mem[0].Store(none, o.at+off, 8, 0)
		}
	}
}
