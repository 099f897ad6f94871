package emu

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Config is everything about a machine but its program. Only Kernel must be
// given.
type Config struct {
	Kernel Kernel
	// CPUs is the number of CPUs, 1..MaxCPUs; 0: the program's, else 2.
	CPUs int
	// Nodes is the number of NUMA nodes; 0: the program's, else 1.
	Nodes int
	// Budget bounds the kernel events; nil: DefaultBudget with the program's
	// own bounds.
	Budget *Budget
	// Idle leaves every CPU idle at the start, so that the first placement is
	// a choice as well; otherwise thread n starts on CPU n.
	Idle bool
	// Spare is the number of tasks beyond the program's threads that fork and
	// clone may make; 0: two if the program has such a call, and none if not.
	Spare int
	// Memory is the order in which CPUs see each other's accesses.
	Memory MemoryModel
	// Traced puts the threads under a tracer: a signal stops its thread on the
	// way to its delivery, which is a switch like any other, unless it is one of
	// [SignalTask], which the tracer gives to a thread that is stopped already.
	Traced bool
}

// Machine is a virtual multi-CPU computer that runs one program under one
// kernel's rules: a labelled transition system. [Machine.Choices] lists what
// can happen next and [Machine.Do] does it. It has no clock and no randomness
// of its own, and is not for concurrent use.
type Machine struct {
	im       *ir.Image
	code     *vcpu.Code
	k        Kernel
	cfg      Config
	taskSize uint64
	calls    [][]call   // by thread
	sendable uint64     // signals that have a handler at the start, bit n: signal n
	late     []bool     // by instruction: a load of it may be delayed to some effect (ARM)
	atomics  bool       // there are indivisible operations
	initial  []byte     // the mutable memory of a fresh address space
	first    []task     // the tasks before any ran, and
	handlers [32]uint32 // the first process's handlers: what is usual
	observer func(Event)
	listens  EventSet  // the kinds that the observer is told of
	accesses *Accesses // where the kernel's accesses are counted, or nil
	absent   Absent    // the first process's pages that aren't in memory, or nil
	fast     bool      // the fast path is at work, which can't wait for a page
	// strayAbort says that a thread was sent to an abort handler that no declared
	// section has: a reduction's assumption.
	strayAbort bool
	state
}

// state is what changes: everything that a snapshot holds.
type state struct {
	tasks    []task
	cpus     []cpu
	procs    []process
	mms      []mm
	cids     []int8 // the id that a CPU used last, by mm*len(cpus)+cpu
	mem      []*vcpu.Memory
	budget   Budget
	counters Counters
	// Under another memory model than SC:
	order  []ordering // by CPU
	writes writes
}

// call is an operation of a script, linked.
type call struct {
	entry ir.Addr
	args  []uint64
}

// New builds a machine: links the program, lays out its memory, registers the
// threads' areas as libc does, and puts them on CPUs.
func New(p *ir.Program, cfg Config) (*Machine, error) {
	im, err := ir.Link(p, cfg.Kernel.Arch)
	if err != nil {
		return nil, err
	}
	return NewLinked(im, vcpu.Compile(im), cfg)
}

// NewLinked is [New] for a program that is linked and compiled already, for the
// architecture of the kernel; machines share both.
func NewLinked(im *ir.Image, code *vcpu.Code, cfg Config) (*Machine, error) {
	if cfg.Kernel.Release == "" {
		return nil, fmt.Errorf("the configuration names no kernel")
	}
	setup := &im.Prog.Setup
	cfg.CPUs = cmp.Or(cfg.CPUs, setup.CPUs, 2)
	cfg.Nodes = cmp.Or(cfg.Nodes, setup.Nodes, 1)
	threads := len(im.Prog.Threads)
	if cfg.Spare == 0 && spawns(im) {
		cfg.Spare = 2
	}
	switch {
	case cfg.CPUs < 1 || cfg.CPUs > MaxCPUs:
		return nil, fmt.Errorf("%d CPUs are out of range (1..%d)", cfg.CPUs, MaxCPUs)
	case cfg.Nodes < 1 || cfg.Nodes > cfg.CPUs:
		return nil, fmt.Errorf("%d NUMA nodes are out of range (1..%d, the number of CPUs)", cfg.Nodes, cfg.CPUs)
	case threads == 0:
		return nil, fmt.Errorf("the program has no thread: add a line such as \"thread: %s\"", firstFunc(im))
	case cfg.Spare < 0 || cfg.Spare >= MaxTasks:
		return nil, fmt.Errorf("%d spare tasks are out of range (0..%d)", cfg.Spare, MaxTasks-1)
	case threads+cfg.Spare > MaxTasks:
		return nil, fmt.Errorf("%d threads are too many (%d)", threads+cfg.Spare, MaxTasks)
	case im.Arch != cfg.Kernel.Arch:
		return nil, fmt.Errorf("the program is linked for %s, the kernel is for %s", im.Arch, cfg.Kernel.Arch)
	}
	if cfg.Memory >= numMemoryModels {
		return nil, fmt.Errorf("memory model %d is out of range (sc, tso, arm)", cfg.Memory)
	}
	if err := im.Fit(cfg.CPUs, threads+cfg.Spare); err != nil {
		return nil, err
	}
	budget, err := DefaultBudget.With(setup.Budget)
	if err != nil {
		return nil, &ir.LinkError{File: im.Prog.File, Pos: setup.Places[ir.BudgetDirective], Msg: err.Error()}
	}
	if cfg.Budget != nil {
		budget = *cfg.Budget
	}
	m := &Machine{im: im, code: code, k: cfg.Kernel, cfg: cfg, taskSize: cfg.Kernel.Arch.TaskSize()}
	if cfg.Memory == ARM {
		m.late, m.atomics = lateLoads(im), atomics(im)
	}
	m.state = m.newState(threads+cfg.Spare, budget)
	m.initial = append([]byte(nil), m.mem[0].Mutable()...)
	for _, h := range im.Prog.Handlers {
		f, _ := im.Func(h.Func)
		m.procs[0].handlers[h.Signal] = uint32(f.Entry)
		m.sendable |= sigBit(h.Signal)
	}
	for i := range im.Prog.Threads {
		if err := m.addThread(i); err != nil {
			return nil, err
		}
	}
	m.first, m.handlers = slices.Clone(m.tasks), m.procs[0].handlers
	if !cfg.Idle {
		m.place()
	}
	return m, nil
}

// newState lays out tasks, CPUs and address spaces. A program that forks gets
// an address space for each task it can make.
func (m *Machine) newState(tasks int, budget Budget) state {
	s := state{
		tasks:  make([]task, tasks),
		cpus:   make([]cpu, m.cfg.CPUs),
		procs:  make([]process, 1+m.cfg.Spare),
		mms:    make([]mm, 1+m.cfg.Spare),
		budget: budget,
	}
	for i := range s.tasks {
		s.tasks[i] = task{cpu: none, script: none, cid: none, lastCID: none, parent: none}
	}
	for i := range s.cpus {
		s.cpus[i] = cpu{online: true, cur: none}
	}
	if m.cfg.Memory != SC {
		s.order = make([]ordering, m.cfg.CPUs)
	}
	s.cids = make([]int8, len(s.mms)*len(s.cpus))
	for i := range s.cids {
		s.cids[i] = none
	}
	first := vcpu.NewMemory(m.im, len(s.cpus), tasks)
	for i := range tasks {
		// libc's way to tell that a thread isn't registered, or not yet.
		first.Store(none, m.im.TP(i)+abi.OffCPUID, 4, uint64(abi.CPUIDUninitialized))
	}
	for range s.mms {
		s.mem = append(s.mem, first.Clone())
	}
	return s
}

// addThread makes task i from the program's thread i.
func (m *Machine) addThread(i int) error {
	th := &m.im.Prog.Threads[i]
	all := ^uint64(0) >> (64 - len(m.cpus))
	t := &m.tasks[i]
	t.affinity = all
	if th.CPUs != 0 {
		t.affinity = th.CPUs & all
	}
	if t.affinity == 0 {
		return fmt.Errorf("thread %d may run on none of the %d CPUs", i, len(m.cpus))
	}
	if len(th.Calls) > maxCalls {
		return fmt.Errorf("thread %d makes %d calls, more than %d", i, len(th.Calls), maxCalls)
	}
	calls := make([]call, len(th.Calls))
	for j, c := range th.Calls {
		f, ok := m.im.Func(c.Func)
		if !ok {
			return fmt.Errorf("thread %d calls %q, which is no function", i, c.Func)
		}
		calls[j].entry = f.Entry
		for _, a := range c.Args {
			calls[j].args = append(calls[j].args, uint64(m.im.Symbols[a.Sym])+uint64(a.Off))
		}
	}
	m.calls = append(m.calls, calls)
	t.state, t.script = taskRunnable, int16(i)
	m.mms[0].users++
	m.procs[0].live++
	m.resetRegs(t, i)
	if m.cfg.Traced {
		m.tracerStop(t) // before its first instruction
	}
	if len(calls) == 0 {
		m.exitTask(t, 0)
		return nil
	}
	if m.im.Prog.Setup.Register == ir.RegisterNone {
		return nil
	}
	length := m.k.AreaLen()
	if m.im.Prog.Setup.Register == ir.RegisterLegacy {
		length = abi.RSeqOrigSize
	}
	if errno := m.register(t, m.im.TP(i), length, m.k.libcFlags(length), m.im.Arch.Signature()); errno != 0 {
		return fmt.Errorf("registering thread %d's area: %v", i, errno)
	}
	return nil
}

// resetRegs clears the registers for the next call or program of thread area i.
func (m *Machine) resetRegs(t *task, i int) {
	t.regs = vcpu.Regs{IP: ir.ReturnIP}
	t.regs.R[ir.TP] = uint64(m.im.TP(i))
	t.regs.R[ir.SP] = uint64(m.im.StackTop(i))
	t.regs.R[ir.LR] = uint64(ir.ReturnIP)
}

// place puts thread n on CPU n, as far as affinity and the number of CPUs go.
func (m *Machine) place() {
	for i := range m.tasks {
		t := &m.tasks[i]
		if i < len(m.cpus) && t.state == taskRunnable && t.affinity&(1<<i) != 0 {
			m.run(CPUID(i), t)
		}
	}
}

// Image returns the linked program.
func (m *Machine) Image() *ir.Image { return m.im }

// Kernel returns the kernel's profile.
func (m *Machine) Kernel() Kernel { return m.k }

// CPUs returns the number of CPUs.
func (m *Machine) CPUs() int { return len(m.cpus) }

// Done reports whether every task has ended.
func (m *Machine) Done() bool {
	for i := range m.tasks {
		if m.tasks[i].alive() {
			return false
		}
	}
	return true
}

// memOf is the address space that a task runs in.
func (m *Machine) memOf(t *task) *vcpu.Memory { return m.mem[m.procs[t.proc].mm] }

// id is the number of a task in the table.
func (m *Machine) id(t *task) TaskID {
	for i := range m.tasks {
		if &m.tasks[i] == t {
			return TaskID(i)
		}
	}
	panic("emu: BUG: not a task of this machine")
}

// spawns reports whether the program has a call that makes a task.
func spawns(im *ir.Image) bool {
	for i := range im.Instrs {
		for _, o := range im.Instrs[i].Micro() {
			if o.Code != ir.Syscall {
				continue
			}
			switch abi.Syscall(o.Imm) {
			case abi.SysFork, abi.SysVfork, abi.SysClone:
				return true
			}
			if o.Imm == ir.SyscallInR8 {
				return true
			}
		}
	}
	return false
}

func firstFunc(im *ir.Image) string {
	if len(im.Funcs) > 0 {
		return im.Funcs[0].Name
	}
	return "f"
}

// Budget returns what is left of the budget.
func (m *Machine) Budget() Budget { return m.budget }
