package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Independence of transitions. Two transitions that are enabled in a state are
// independent there if either leaves the other enabled, and both orders lead to the
// same state. Transitions whose footprints don't conflict are, as far as the budget
// pays for both, because a transition is a function of what it reads:
//
//   - A Step without a trap reads and writes its CPU, the thread on it (registers,
//     the call under way) and the memory of [Machine.NextAccess]. An ll reserves the
//     eight bytes around it, which a store takes back: it reads them all.
//   - What takes a thread off its CPU (Preempt, FaultSleep) changes the two, and
//     gives back the concurrency id. It touches no memory: the work is done on the
//     way back.
//   - The way back to user mode (Run, IRQ, Fault, Membarrier) reads and writes the
//     thread's area too, and reads the descriptor that rseq_cs points to and the
//     signature before its abort_ip.
//   - Run takes a concurrency id, which depends on those that are taken and on the
//     number of threads there are. Two that give one back don't see each other.
//   - Wake changes its thread.
//   - Whatever else happens (system calls, exceptions, signals, interrupts between
//     CPUs, CPUs that come and go) may read and write everything.
//
// Whether a choice is enabled depends on its CPU and the thread that it names, and
// nothing else writes those; and on the budget, which is no part of a footprint:
// two events commute whenever it pays for both. Who asks for the traces of the runs
// within a budget can do so, as all orders of a run cost the same.
//
// A history is more than a state: who wants to know which calls were over before
// which others began needs [Footprint.OrdersHistory] as well.

// Footprint is what a transition reads and changes. It is reused without
// allocating.
type Footprint struct {
	everything  bool
	cpus, tasks uint64
	mem         []span
	hasCIDs     bool
	takesCID    bool
	givesCID    bool
	invokes     bool
	returns     bool
}

// span is bytes of an address space.
type span struct {
	space    int8
	write    bool
	from, to ir.Addr
}

// Footprint sets f to what a choice that is enabled is going to read and change.
// The events of the transition, which [Footprint.Observe] takes in, complete it.
func (m *Machine) Footprint(c Choice, f *Footprint) {
	*f = Footprint{mem: f.mem[:0], hasCIDs: m.k.CID != CIDNone}
	if m.k.Slices == SlicesOn && c.Kind() != Step && c.Kind() != Wake {
		f.everything = true // what a slice makes of them hasn't been proven
		return
	}
	switch c.Kind() {
	case Step:
		f.on(c.CPU(), m.cpus[c.CPU()].cur)
		f.step(m, c.CPU())
	case Run:
		f.on(c.CPU(), c.Task())
		f.exitToUser(m, c.Task())
	case IRQ, Fault, Membarrier:
		f.on(c.CPU(), m.cpus[c.CPU()].cur)
		f.exitToUser(m, m.cpus[c.CPU()].cur)
	case Preempt, FaultSleep:
		f.on(c.CPU(), m.cpus[c.CPU()].cur)
	case Wake:
		f.tasks = 1 << c.Task()
	default:
		f.everything = true
	}
}

func (f *Footprint) on(c CPUID, t TaskID) { f.cpus, f.tasks = 1<<c, 1<<t }

// step adds what a Step reads and writes.
func (f *Footprint) step(m *Machine, c CPUID) {
	t := &m.tasks[m.cpus[c].cur]
	var buf [4]vcpu.Access
	accesses, trap := m.NextAccess(c, buf[:0])
	if trap.Kind != vcpu.TrapNone || t.parent >= 0 { // a vfork's parent goes on when it ends
		f.everything = true
		return
	}
	for _, a := range accesses {
		from, to := a.Addr, a.Addr+ir.Addr(a.Width)
		if a.Linked {
			from, to = from&^7, (to+7)&^7
		}
		f.mem = append(f.mem, span{m.procs[t.proc].mm, a.Store, from, to})
	}
}

// exitToUser adds what the kernel reads and writes on a thread's way to user mode.
func (f *Footprint) exitToUser(m *Machine, id TaskID) {
	t := &m.tasks[id]
	if t.rseq.area == 0 {
		return
	}
	mem, space := m.memOf(t), m.procs[t.proc].mm
	f.mem = append(f.mem, span{space, true, t.rseq.area, t.rseq.area + abi.RSeqOrigSize})
	p, _ := mem.Load(t.rseq.area+abi.OffRSeqCS, 8)
	if p == 0 {
		return
	}
	f.mem = append(f.mem, span{space, false, ir.Addr(p), ir.Addr(p) + abi.RSeqCSSize})
	if cs, ok := mem.LoadRSeqCS(ir.Addr(p)); ok {
		f.mem = append(f.mem, span{space, false, ir.Addr(cs.AbortIP) - abi.RSeqSigSize, ir.Addr(cs.AbortIP)})
	}
}

// Observe takes in an event of the transition.
func (f *Footprint) Observe(e Event) {
	switch e.Kind {
	case EvInvoke:
		f.invokes = true
	case EvReturn:
		f.returns = true
	case EvSchedIn:
		f.takesCID = true
	case EvSchedOut, EvExit:
		f.givesCID = true
	case EvSyscall, EvSignal, EvSigreturn, EvFatal, EvKill:
		f.everything = true
	}
}

// Everything reports whether the transition may have read and changed anything.
func (f *Footprint) Everything() bool { return f.everything }

// Conflicts reports whether the order of two transitions may matter to the state.
func (f *Footprint) Conflicts(o *Footprint) bool {
	if f.everything || o.everything || f.cpus&o.cpus != 0 || f.tasks&o.tasks != 0 {
		return true
	}
	if f.hasCIDs && (f.takesCID && (o.takesCID || o.givesCID) || f.givesCID && o.takesCID) {
		return true
	}
	for _, a := range f.mem {
		for _, b := range o.mem {
			if (a.write || b.write) && a.space == b.space && a.from < b.to && b.from < a.to {
				return true
			}
		}
	}
	return false
}

// SameCPU reports whether both happen on one CPU.
func (f *Footprint) SameCPU(o *Footprint) bool { return f.cpus&o.cpus != 0 }

// OrdersHistory reports whether one of two transitions ends a call and the other
// begins one, so that their order says which was over before which began.
func (f *Footprint) OrdersHistory(o *Footprint) bool {
	return f.invokes && o.returns || f.returns && o.invokes
}

// Set makes f a copy of o.
func (f *Footprint) Set(o *Footprint) {
	mem := append(f.mem[:0], o.mem...)
	*f = *o
	f.mem = mem
}
