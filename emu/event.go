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
	EvGrant                      // the thread asked for a slice and has it
	EvExpire                     // the slice's timer comes
	EvRevoke                     // the slice is taken away
	EvGiveUp                     // the slice is given up by a system call; A is 1 if it is rseq_slice_yield
	numEvents
)

var eventNames = [numEvents]string{"invoke", "return", "sched_out", "sched_in", "ids", "clear", "abort", "signal",
	"sigreturn", "syscall", "sysret", "fatal", "exit", "kill", "held", "deferred", "performed", "bound", "stale",
	"grant", "expire", "revoke", "give_up"}

func (k EventKind) String() string { return eventNames[k] }

// EventSet is a set of kinds of event, bit n for kind n.
type EventSet uint32

// AllEvents has every kind.
const AllEvents EventSet = 1<<numEvents - 1

// SetOf returns the set of these kinds.
func SetOf(kinds ...EventKind) EventSet {
	var s EventSet
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether the kind is in the set.
func (s EventSet) Has(k EventKind) bool { return s>>k&1 != 0 }

// Observe has f called for every event from now on; nil ends that. The
// observer must not change the machine.
func (m *Machine) Observe(f func(Event)) { m.ObserveOnly(AllEvents, f) }

// ObserveOnly is [Machine.Observe] for some kinds of event: the others cost
// nothing.
func (m *Machine) ObserveOnly(kinds EventSet, f func(Event)) {
	if f == nil {
		kinds = 0
	}
	m.observer, m.listens = f, kinds
}

func (m *Machine) emit(k EventKind, c CPUID, t *task, a, b uint64) {
	if m.listens.Has(k) {
		m.tell(k, c, t, a, b)
	}
}

func (m *Machine) tell(k EventKind, c CPUID, t *task, a, b uint64) {
	m.observer(Event{Kind: k, CPU: c, Task: m.id(t), IP: t.regs.IP, A: a, B: b})
}
