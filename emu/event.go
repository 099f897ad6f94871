package emu

import "github.com/rseqemu/rseqemu/ir"

// Event is something that happened inside a transition, for whoever wants to
// know: the linearizability monitor reads the calls, a story reads them all.
type Event struct {
	Kind EventKind
	CPU  CPUID // none if no CPU is involved
	Task TaskID
	IP   ir.Addr // of the thread, before the event
	A, B uint64  // see the kind
}

// EventKind is what happened.
type EventKind uint8

// The events.
const (
	EvInvoke    EventKind = iota // the thread begins call A of its script
	EvReturn                     // … and ends it, with results A (r0) and B (r1)
	EvSchedOut                   // the thread leaves the CPU
	EvSchedIn                    // the thread gets the CPU; A is the one it had before, or ^0
	EvIDs                        // the kernel writes the ids: A is cpu_id, B is node_id<<32 | mm_cid
	EvClear                      // the kernel clears rseq_cs, which was A
	EvAbort                      // the kernel sends the thread to abort_ip A; its descriptor was B
	EvSignal                     // signal A is delivered: its handler is at B
	EvSigreturn                  // … and has returned
	EvSyscall                    // system call A
	EvSysret                     // system call returns A
	EvFatal                      // signal A is forced on the thread, for Reason B
	EvExit                       // the thread ends
	EvKill                       // signal A ends the process
	EvHeld                       // a store to address A of value B is not visible yet
	EvDeferred                   // a load from address A leaves register B without a value
	EvPerformed                  // a store to address A of value B, delayed, is performed
	EvBound                      // register A gets its value B, which a delayed load had left open
	EvStale                      // a load from address A reads an old value; the newest is B
	numEvents
)

var eventNames = [numEvents]string{"invoke", "return", "sched_out", "sched_in", "ids", "clear", "abort", "signal",
	"sigreturn", "syscall", "sysret", "fatal", "exit", "kill", "held", "deferred", "performed", "bound", "stale"}

func (k EventKind) String() string { return eventNames[k] }

// Observe has f called for every event from now on; nil ends that. The
// observer must not change the machine.
func (m *Machine) Observe(f func(Event)) { m.observer = f }

func (m *Machine) emit(k EventKind, c CPUID, id TaskID, a, b uint64) {
	if m.observer != nil {
		m.observer(Event{Kind: k, CPU: c, Task: id, IP: m.tasks[id].regs.IP, A: a, B: b})
	}
}
