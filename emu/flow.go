package emu

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Flow is a kernel without a machine around it: somebody else decides what
// happens to which thread, millions of times, and the notify rules do what a
// [Machine] has them do, the same functions on the same bytes of struct rseq. It is
// for counting the work that a workload makes, and knows neither instructions nor
// what threads compute: of user code there is only whether it has stored rseq_cs
// and whether it is inside of the section.
//
// A thread's mm_cid is taken to change only when its CPU does: since 6.19 a thread
// keeps its own, or has its CPU's if a process has more threads than there are CPUs,
// and before that nobody looked. That a process goes over from one to the other isn't
// counted. Nobody asks for a longer time slice.
//
// Threads have numbers that the caller deals out, small ones first. Each is in user
// mode, in the kernel, or off its CPU; what can't happen to it there is the caller's
// bug, and panics. A Flow isn't for concurrent use.
type Flow struct {
	k      Kernel
	im     *ir.Image
	op     ir.PlacedSection
	blocks []*Machine // threads 0..63, 64..127, …
	homes  []home

	accesses Accesses
	killed   uint64
}

// home is what a flow knows of a thread beyond what the kernel does.
type home struct {
	cpu     int32 // where it runs or ran last
	written int32 // where it was when its ids were written last
	name    CPUID // … which is the number that the rules have for it
	signals int32 // to be delivered on its way to user mode
	state   flowState
}

type flowState uint8

const (
	flowNone flowState = iota
	flowUser
	flowKernel
	flowOff
)

func (s flowState) String() string {
	return [...]string{"no thread", "in user mode", "in the kernel", "off its CPU"}[s]
}

// flowProgram is all that there is of user code: outside, or inside.
const flowProgram = `
func op()
    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort
start:
    nop
commit:
    ret
    sig
abort:
    ret

thread: op
`

// NewFlow returns a flow without threads.
func NewFlow(k Kernel) (*Flow, error) {
	if k.Release == "" {
		return nil, fmt.Errorf("a flow of no kernel")
	}
	p, err := ir.Parse("flow.rseq", []byte(flowProgram))
	if err != nil {
		panic("emu: BUG: " + err.Error())
	}
	im, err := ir.Link(p, k.Arch)
	if err != nil {
		return nil, err
	}
	return &Flow{k: k, im: im, op: im.Sections[0]}, nil
}

// Kernel returns the kernel's profile.
func (f *Flow) Kernel() Kernel { return f.k }

// Counters returns the counts over all threads.
func (f *Flow) Counters() Counters {
	var sum Counters
	for _, m := range f.blocks {
		sum.add(&m.counters)
	}
	return sum
}

// Killed is how often a thread got SIGSEGV. Threads of a flow break no rule, but some
// kernels do: debug on arm64's 6.19 takes every preempted section for a system call's.
// The thread goes on all the same.
func (f *Flow) Killed() uint64 { return f.killed }

// Accesses returns the kernel's accesses to user memory over all threads.
func (f *Flow) Accesses() Accesses { return f.accesses }

// newBlock makes room for MaxTasks threads: a machine with memory for their areas
// and two CPUs, whose numbers are names.
func (f *Flow) newBlock() *Machine {
	m := &Machine{im: f.im, k: f.k, cfg: Config{Kernel: f.k, CPUs: 2}, taskSize: f.k.Arch.TaskSize(), accesses: &f.accesses}
	m.state = state{tasks: make([]task, MaxTasks), cpus: make([]cpu, m.cfg.CPUs), procs: make([]process, 1), mms: make([]mm, 1)}
	m.mem = []*vcpu.Memory{vcpu.NewMemory(f.im, m.cfg.CPUs, MaxTasks)}
	return m
}

// at returns a thread, which must be in that state.
func (f *Flow) at(thread int, want flowState) (*Machine, *task, *home) {
	if thread < 0 || thread >= len(f.homes) || f.homes[thread].state != want {
		state := flowNone
		if thread >= 0 && thread < len(f.homes) {
			state = f.homes[thread].state
		}
		panic(fmt.Sprintf("emu: BUG: thread %d of a flow is %s, not %s", thread, state, want))
	}
	m := f.blocks[thread/MaxTasks]
	return m, &m.tasks[thread%MaxTasks], &f.homes[thread]
}

// Start makes a thread on a CPU: libc registers its area, and it goes to user mode,
// which counts as an exit with that work.
func (f *Flow) Start(thread, cpu int) {
	for thread >= len(f.homes) {
		f.homes = append(f.homes, home{})
	}
	for thread/MaxTasks >= len(f.blocks) {
		f.blocks = append(f.blocks, f.newBlock())
	}
	m, t, h := f.at(thread, flowNone)
	i := thread % MaxTasks
	*t = task{cpu: 0, cid: 0, lastCID: none, parent: none, script: none, state: taskRunning}
	t.regs.SetIP(f.outside())
	*h = home{cpu: int32(cpu), written: int32(cpu), state: flowKernel}
	area := f.im.TP(i)
	m.mem[0].Store(none, area+abi.OffRSeqCS, 8, 0) // of who had the number before
	if errno := m.register(t, area, f.k.AreaLen(), 0, f.im.Arch.Signature()); errno != 0 {
		panic("emu: BUG: a flow's registration: " + errno.Error())
	}
	f.Exit(thread)
}

// Adopt is [Flow.Start] for a thread that was there before anybody looked: nothing
// is counted.
func (f *Flow) Adopt(thread, cpu int) {
	accesses := f.accesses
	var counters Counters
	if b := thread / MaxTasks; b < len(f.blocks) {
		counters = f.blocks[b].counters
	}
	f.Start(thread, cpu)
	f.blocks[thread/MaxTasks].counters, f.accesses = counters, accesses
}

// End ends a thread that is off its CPU, or in the kernel. Its number is free.
func (f *Flow) End(thread int) {
	want := flowKernel
	if thread >= 0 && thread < len(f.homes) && f.homes[thread].state == flowOff {
		want = flowOff
	}
	_, t, h := f.at(thread, want)
	*t, *h = task{}, home{}
}

// Code is what a thread's user code did since it was last seen.
type Code uint8

// What it did.
const (
	Nothing Code = iota // nothing to do with sections
	RanOne              // it ran a section, or many, and is outside
	RunsOne             // it is inside of one
)

// Syscall takes a thread into the kernel by a system call.
func (f *Flow) Syscall(thread int, did Code) {
	m, t, h := f.at(thread, flowUser)
	f.ran(m, t, thread, did)
	t.inSyscall = true
	h.state = flowKernel
}

// Interrupt takes a thread into the kernel by an interrupt or exception.
func (f *Flow) Interrupt(thread int, did Code) {
	m, t, h := f.at(thread, flowUser)
	f.ran(m, t, thread, did)
	if m.k.Notify == NotifyNew {
		m.newUserEntry(t)
	}
	h.state = flowKernel
}

// ran is what the user code did.
func (f *Flow) ran(m *Machine, t *task, thread int, did Code) {
	ip := f.outside()
	if did != Nothing {
		m.mem[0].Store(none, f.im.TP(thread%MaxTasks)+abi.OffRSeqCS, 8, uint64(f.op.Addr))
	}
	if did == RunsOne {
		ip = ir.Addr(f.op.CS.StartIP)
	}
	t.regs.SetIP(ip)
}

// outside is an ip that is in no section.
func (f *Flow) outside() ir.Addr { return ir.Addr(f.op.CS.StartIP + f.op.CS.PostCommitOffset) }

// Out takes a thread that is in the kernel off its CPU.
func (f *Flow) Out(thread int) {
	m, t, h := f.at(thread, flowKernel)
	if m.k.Notify == NotifyOld {
		m.oldEvent(t, eventPreempt)
	}
	h.state = flowOff
}

// In puts a thread on a CPU, in the kernel. All that the rules ask of CPUs is whether
// this is another than before; so they have two names here, for each thread: that of
// the CPU where its ids were written last, and the other one.
func (f *Flow) In(thread, cpu int) {
	m, t, h := f.at(thread, flowOff)
	prev := t.cpu
	h.cpu, t.cpu = int32(cpu), h.name
	if h.cpu != h.written {
		t.cpu = 1 - h.name
	}
	h.state = flowKernel
	m.switchedIn(t, prev)
}

// Signal has a signal that has a handler delivered when the thread leaves the
// kernel.
func (f *Flow) Signal(thread int) {
	_, _, h := f.at(thread, flowKernel)
	h.signals++
}

// Notify is a TIF_NOTIFY_RESUME for something else than restartable sequences:
// task_work, mostly. Before 6.19 that was their work, too.
func (f *Flow) Notify(thread int) {
	m, t, _ := f.at(thread, flowKernel)
	if m.k.Notify == NotifyOld {
		t.rseq.notify = true
	}
}

// Exit takes a thread from the kernel to user mode.
func (f *Flow) Exit(thread int) {
	m, t, h := f.at(thread, flowKernel)
	if t.inSyscall && m.k.Debug {
		m.debugSyscallExit(t)
	}
	m.counters.Exit++
	before, ids := m.counters.Work(), m.counters.IDs
	for ; h.signals > 0; h.signals-- {
		m.signalWork(t)
	}
	for m.notifyWork(t) {
	}
	if m.counters.Work() == before {
		m.counters.NoWork++
	}
	m.newForget(t)
	if t.reason != ReasonNone {
		f.killed++
		t.reason, t.pending = ReasonNone, 0
	}
	t.inSyscall = false
	h.state = flowUser
	if m.counters.IDs != ids {
		h.name, h.written = t.cpu, h.cpu
	}
}
