package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// The bounds of a machine.
const (
	MaxCPUs  = 64 // an affinity mask is one word
	MaxTasks = 64
	maxCalls = 1<<15 - 1 // of a thread's script
)

// taskState is where a task is in its life.
type taskState uint8

const (
	taskUnused taskState = iota
	taskRunning
	taskRunnable // waits for a CPU
	taskBlocked  // waits for something else
	taskDead
)

// waitKind is what a blocked task, or a task that waits on its CPU, waits for.
type waitKind uint8

const (
	waitNone   waitKind = iota
	waitSleep           // a time; Wake ends it, a signal too
	waitPage            // a page; Wake ends it
	waitPause           // a signal
	waitFutex           // a futex wake, a signal; addr says which word
	waitVfork           // the child's exec or exit
	waitFences          // other CPUs to take the membarrier's IPI; keeps its CPU
)

// none is the absent CPU, task, concurrency id.
const none = -1

// task is a thread. It is plain data: saved and restored by copying.
type task struct {
	regs vcpu.Regs
	rseq rseqState

	affinity         uint64 // bit n: may run on CPU n
	pending, blocked uint64 // bit n: signal n; pending<<32: its tracer gave it
	waitAddr         ir.Addr
	fences           uint64 // CPUs whose IPI it waits for

	script int16 // whose calls it makes: index into the program's threads, none for a clone
	call   int16 // the call under way or, between calls, the next one
	inCall bool

	state     taskState
	wait      waitKind
	inSyscall bool  // in the kernel by a system call; r0 holds its result already
	cpu       CPUID // where it runs or ran last; none before its first run
	proc      int8
	cid       int8 // its mm_cid while it runs, else none
	lastCID   int8
	parent    TaskID // who waits for it in vfork, else none
	reason    Reason // of the forced signal that is pending
	entering  uint8  // 1 + the system call that it gave up its slice for, or 0
	reasonAt  ir.Addr
}

// rseqState is what the kernel remembers of a thread's registration.
type rseqState struct {
	area   ir.Addr // 0: not registered
	length uint32
	sig    uint32

	// The old rule's.
	eventMask uint8
	notify    bool // TIF_NOTIFY_RESUME: there is work on the way to user mode

	// The new rule's.
	version     uint8
	schedSwitch bool
	idsChanged  bool
	userIRQ     bool
	slice       uint8 // of its time slice: sliceEnabled and so on
	ids         ids   // as last written
}

// ids are the identifiers that the kernel writes to the area.
type ids struct {
	cpu, node, cid uint32
}

// cpu is a virtual CPU.
type cpu struct {
	online bool
	cur    TaskID // the task on it, or none
	ipi    uint8  // interrupts on their way from other CPUs
}

// The reasons for an interrupt from another CPU.
const (
	ipiRSeq    uint8 = 1 << iota // membarrier: treat as a preemption
	ipiKick                      // a signal is pending
	ipiResched                   // the task must leave: its affinity changed
	ipiBarrier                   // membarrier: order memory and nothing else
)

// process is a thread group.
type process struct {
	handlers [32]uint32 // by signal: sigDefault, sigIgnore, or an address
	mm       int8
	live     int8 // threads that aren't dead
	done     bool
	exit     Exit
}

const (
	sigDefault = 0
	sigIgnore  = 1
)

// mm is an address space's kernel side.
type mm struct {
	users      int8 // live tasks
	membarrier bool // registered for the RSEQ command
}

// Exit is how a process ended.
type Exit struct {
	Code   uint8
	Signal abi.Signal // not 0: killed by it
	Reason Reason     // why the kernel sent that signal
	Task   TaskID     // who caused it, if it wasn't that the last thread ended
	IP     ir.Addr    // where
	Addr   ir.Addr    // the address of a fault
}

func (t *task) alive() bool { return t.state != taskUnused && t.state != taskDead }

// user reports whether a running task is in user mode between instructions,
// where an interrupt finds it.
func (t *task) user() bool { return t.wait == waitNone && t.regs.Boundary() }

// deliverable are the signals that the task would take now.
func (t *task) deliverable() uint64 { return t.pending &^ t.blocked & allSignals }

func sigBit(s abi.Signal) uint64 { return 1 << s }
