package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Local steps. A step s → s' of a thread is local if whatever else can happen in
// s can happen in s' too, and leads to a state that is the same but for the step,
// or from which the step leads there. Then nothing is lost by making it at once:
// of the runs that only differ in when it is made, one is left. (It is a step of
// a confluent reduction, and invisible: it changes no memory.)
//
// Other CPUs can't tell a step that touches only registers, the thread's own area,
// objects in its own hands (seclusion.go) and, as is watched, the CPU's own per-CPU
// data. What remains are the kernel's
// events on the same CPU, and there are two ways for a step to be local:
//
//   - Outside of any armed section, before and behind the step, an event leaves
//     the registers alone, and clears a stale rseq_cs either way. It may rewrite
//     the ids, so the step must not read them.
//   - Inside the armed section, before and behind the step, every switch, signal
//     and membarrier aborts it, and no bare interrupt does. The abort handler finds
//     the same, if the step changes nothing that it reads. As nothing between
//     an entry and the abort can be read, the step may read ids and per-CPU data.
//
// A step out of the section to abort_ip is local as well: it ends where the abort
// does, with a stale rseq_cs, which the normal form takes away. One that begins an
// operation comes from outside, even if the operation begins in a section that is armed
// by then. A store can't be taken back, so one that may lead into the section isn't tried.

// maxLocal bounds a chain of local steps, so that a loop of them ends: one of the
// states on it is expanded like any other.
const maxLocal = 64

// Settle makes the local steps that are due on every CPU and puts the machine into
// normal form. It appends these steps to way.
func (r *Reducer) Settle(way []Choice) []Choice {
	m := r.m
	if r.set&(LocalSteps|EagerReturns) != 0 {
		for c := range m.cpus {
			for range maxLocal {
				cur := m.cpus[c].cur
				if cur < 0 || !r.localStep(CPUID(c), &m.tasks[cur]) {
					break
				}
				way = append(way, StepOn(CPUID(c)))
			}
		}
	}
	r.normalise()
	return way
}

// localStep makes the CPU's next step if it is local.
func (r *Reducer) localStep(c CPUID, t *task) bool {
	m := r.m
	regs, ok := r.begins(t)
	ip := regs.IP
	kind := r.facts.StepAt(ip)
	if !ok || kind == live.Visible || !t.user() || m.cpus[c].ipi != 0 || t.rseq.area == 0 {
		return false
	}
	in, ok := r.armed(t)
	inside := in != nil && in.Contains(t.regs.IP)
	mem := r.outside
	switch {
	case !ok:
		return false
	case kind == live.Return:
		return t.inCall && !inside && r.returns(t)
	case r.set&LocalSteps == 0, kind >= live.Loads && r.faults:
		return false
	case inside && (m.k.NoUserIRQ || r.facts.Loses(ip, in)):
		return false
	case inside:
		mem = r.inside[c]
	case kind == live.Accesses && in != nil && r.facts.Enters(ip, in):
		return false
	}
	if kind != live.Private && (kind == live.Loads || !inside) && r.secluded(c, t, &regs, inside) {
		mem = m.memOf(t)
		mem.Enter(int(c))
	} else if kind == live.Accesses {
		return false
	}
	if trap := m.code.Step(mem, int(c), &regs); trap.Kind != vcpu.TrapNone || !regs.Boundary() {
		return false
	}
	if in != nil && in.Contains(regs.IP) != inside && !(inside && regs.IP == in.Abort) {
		return false
	}
	r.local[m.im.Index(ip)] = true
	if !t.inCall {
		m.invoke(t)
	}
	t.regs = regs
	return true
}

// armed returns the section whose descriptor the thread's rseq_cs has, or nil if
// it is 0. It is not ok if that is no declared one.
func (r *Reducer) armed(t *task) (s *live.Section, ok bool) {
	p, _ := r.m.memOf(t).Load(t.rseq.area+abi.OffRSeqCS, 8)
	if p == 0 {
		return nil, true
	}
	s = r.facts.SectionAt(ir.Addr(p))
	return s, s != nil
}

// returns makes the return from an operation. The earlier it is, the more
// operations begin behind it, so that a history with it at once is explained by
// fewer orders than one with it later. A thread that ends by it leaves its CPU to
// others, who are as free then as with the thread waiting for a CPU.
func (r *Reducer) returns(t *task) bool {
	m := r.m
	if r.set&EagerReturns == 0 || t.regs.R[ir.LR] != uint64(ir.ReturnIP) || t.script < 0 {
		return false
	}
	if int(t.call)+1 == len(m.calls[t.script]) && !r.exits {
		return false
	}
	r.local[m.im.Index(t.regs.IP)] = true
	t.regs.SetIP(ir.ReturnIP)
	m.returned(t)
	return true
}
