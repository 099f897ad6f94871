package emu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
	"github.com/rseqemu/rseqemu/ir/symmetry"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Reduction is a set of ways to have fewer states without losing a verdict.
type Reduction uint16

// The reductions. Each rests on a proof from the rules, which is where it is
// done, and on assumptions that are watched: see [Reducer.Broken].
const (
	// DeadValues: states are put into a normal form in which nothing is left
	// that can't be read any more: registers, flags, the words of struct rseq,
	// the kernel's notes; and a section that is sure to be aborted once its
	// thread gets a CPU is aborted at once (normal.go).
	DeadValues Reduction = 1 << iota
	// LocalSteps: a step that nobody else can tell from its not having been made
	// yet is made at once, with nothing in between (local.go).
	LocalSteps
	// EagerReturns: so is the return from an operation.
	EagerReturns
	// OwnPerCPU: reading the own CPU's per-CPU data in a section is local too.
	OwnPerCPU
	// Symmetry: of the states that are one but for the names of threads and CPUs
	// one is kept (rename.go, order.go).
	Symmetry

	// OneCPU: while a CPU's next step touches nothing but what is the CPU's and its
	// thread's own, nothing else is looked at (ample.go).
	OneCPU
	// OwnObjects: an object that nobody else can get at is a thread's own, like its
	// registers (seclusion.go).
	OwnObjects
	// EagerCalls: the first step of an operation is like any other: nobody asks which
	// operation began before which other was over.
	EagerCalls
	// ClaimedCPU: a thread that has just read which CPU it is on, and is about to ask in
	// a section whether it still is, isn't taken off the CPU in between (claim.go).
	ClaimedCPU
	// Garbage: what an object holds that nobody can get at any more is forgotten
	// (seclusion.go).
	Garbage

	AllReductions = DeadValues | LocalSteps | EagerReturns | OwnPerCPU | Symmetry | OneCPU | OwnObjects | EagerCalls | ClaimedCPU | Garbage
)

var reductionNames = [...]string{"dead", "local", "return", "percpu", "symmetry", "cpu", "object", "call", "claim", "garbage"}

// Reducer reduces the states of a machine.
type Reducer struct {
	m     *Machine
	set   Reduction
	facts *live.Facts
	area  bool // the words of struct rseq can be normalised
	exits bool // nobody can tell when a thread ends
	// dead are the words of the area that no instruction reads.
	dead live.Set
	// outside is the memory that a local step outside of sections may read, and
	// inside, by CPU, what one inside may.
	outside *vcpu.Memory
	inside  []*vcpu.Memory
	faults  bool
	local   []bool // by instruction: it was a local step, or a preemption before it told nothing
	peeked  []vcpu.Access

	// Of the symmetry, and of what is known about objects, which it finds.
	why         string // there is none
	sym         *symmetry.Facts
	objects     []object
	objectOf    []int16 // by word of global data: its object, or none
	dataKinds   []symmetry.Kind
	perCPUKinds []symmetry.Kind
	moving      [][]moving // by instruction: the live registers that are renamed
	twin        *Machine
	order       *inOrder
	names       [][]uint64 // by thread and call: the objects that the script names from there on
}

// Reduce returns the reductions of the set that are sound for the machine's
// program on its kernel and within its budget. It must be asked before the first
// transition, and puts the machine under guard.
func (m *Machine) Reduce(set Reduction) *Reducer {
	r := &Reducer{m: m}
	if set == 0 {
		return r
	}
	r.facts = live.Of(m.im)
	if len(m.im.Prog.Handlers) > 0 || m.cfg.Traced || m.cfg.Memory != SC {
		return r // frames hold registers, and are memory
	}
	if m.k.Slices == SlicesOn {
		return r // the kernel uses slice_ctrl, and calls are made when their arguments seem dead
	}
	for _, c := range r.facts.Calls {
		if c == abi.SysRtSigreturn || c == abi.SysRtSigaction {
			return r
		}
	}
	if r.facts.Indirect {
		return r
	}
	for i := range m.mem {
		m.mem[i].Guard()
	}
	r.set = set
	r.area = r.leavesAreaAlone(m)
	if !r.area {
		r.set &= DeadValues
		return r
	}
	r.dead = live.Words &^ r.facts.Read
	r.exits = len(r.facts.Calls) == 0 && r.dead&live.MMCID != 0
	if slices.Contains(r.facts.Calls, abi.SysExitGroup) {
		r.set &^= EagerReturns | EagerCalls // it tells how far the others have come
	}
	r.local = make([]bool, len(m.im.Instrs))
	r.faults = m.budget.has(Faults)
	r.outside = m.mem[0].Part(false, false, 0)
	for c := range m.cpus {
		r.inside = append(r.inside, m.mem[0].Part(true, r.set&OwnPerCPU != 0, c))
	}
	if r.set&(DeadValues|OwnPerCPU) != DeadValues|OwnPerCPU || !r.exits || m.budget.has(Unplugs) {
		r.set &^= OneCPU
	}
	if r.set&DeadValues == 0 {
		r.set &^= Symmetry | OwnObjects | Garbage
	}
	if r.set&OwnPerCPU == 0 {
		r.set &^= OwnObjects // who reads whose data isn't watched
	}
	if r.set&(Symmetry|OwnObjects|Garbage) != 0 {
		r.setSymmetry()
	}
	return r
}

// leavesAreaAlone reports whether all that the kernel and the program do with
// struct rseq is known: the program arms sections in it and reads the ids; the
// kernel, which isn't debugging, writes the ids and clears rseq_cs. Rules of proposals
// that the proofs don't know make it unknown.
func (r *Reducer) leavesAreaAlone(m *Machine) bool {
	if m.k.Debug || m.k.SyscallInside != SyscallAllowed || m.k.MembarrierSelf || m.im.Prog.Setup.Register == ir.RegisterNone || r.facts.Written&^live.CS != 0 {
		return false
	}
	for i := range r.facts.Sections {
		if !r.facts.Sections[i].Sound {
			return false
		}
	}
	for _, c := range r.facts.Calls {
		switch c {
		case abi.SysSchedYield, abi.SysFutex, abi.SysMembarrier, abi.SysNanosleep, abi.SysGettid, abi.SysExit, abi.SysExitGroup:
		default:
			return false
		}
	}
	return true
}

// Set returns the reductions that are in force.
func (r *Reducer) Set() Reduction { return r.set }

// WasLocal reports whether an instruction, by index, was executed as a local step, or a
// preemption before it was left out: what it would have led to was searched elsewhere.
func (r *Reducer) WasLocal(i int) bool { return i < len(r.local) && r.local[i] }

// Broken returns the reductions that are in force although what they assume of
// the program has turned out to be wrong on this machine: what was found with
// them must be found again without.
func (r *Reducer) Broken() Reduction {
	m, wrong := r.m, Reduction(0)
	for i := range m.mem {
		if s := m.mem[i].Strayed(); s != 0 {
			if s&vcpu.StrayPerCPU != 0 {
				wrong |= OwnPerCPU | OneCPU | OwnObjects
			}
			if s&vcpu.StrayThread != 0 {
				wrong |= AllReductions
			}
		}
	}
	if m.strayAbort {
		wrong |= AllReductions
	}
	return wrong & r.set
}

// ParseReduction reads a list of reductions, with commas between them: dead, local,
// return, percpu, symmetry, cpu, object, call, claim, garbage; or all, or none.
func ParseReduction(text string) (Reduction, error) {
	var set Reduction
	for _, name := range strings.Split(text, ",") {
		switch i := slices.Index(reductionNames[:], name); {
		case name == "all":
			set = AllReductions
		case i >= 0:
			set |= 1 << i
		case name != "none":
			return 0, fmt.Errorf("unknown reduction %q (all, none, %s)", name, strings.Join(reductionNames[:], ", "))
		}
	}
	return set, nil
}

// Reductions are the names that [ParseReduction] knows.
func Reductions() []string { return append([]string{"all", "none"}, reductionNames[:]...) }

// String lists the reductions.
func (s Reduction) String() string {
	var out []string
	for i, name := range reductionNames {
		if s&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ",")
}
