package workload

import "github.com/rseqemu/rseqemu/emu"

// Event is something that happens to one thread, as package emu's [emu.Flow] takes
// it.
type Event struct {
	Kind   Kind
	Did    emu.Code // of Syscall and Interrupt: what the user code had done
	Thread int32    // below MaxThreads, used again when a thread has ended
	CPU    int32    // of Start, Adopt and In: below MaxCPUs
}

// Kind is what happens.
type Kind uint8

// The kinds of event.
const (
	Start     Kind = iota // the thread begins, and registers its area
	Adopt                 // the thread was there already; nothing is counted
	Syscall               // it enters the kernel by a system call
	Interrupt             // … by an interrupt or exception
	Out                   // it leaves its CPU
	In                    // it gets a CPU
	Signal                // a signal will be delivered on its way to user mode
	Notify                // the way to user mode is told to do something else
	Exit                  // it goes to user mode
	End                   // it is gone
	numKinds
)

var kindNames = [numKinds]string{"start", "adopt", "syscall", "interrupt", "out", "in", "signal", "notify", "exit", "end"}

func (k Kind) String() string { return kindNames[k] }

// The bounds of a workload.
const (
	MaxCPUs    = 4096
	MaxThreads = 32768 // that are alive at a time
)

// batch collects events, so that a kernel gets many at once.
type batch struct {
	events []Event
	give   func([]Event) error
	err    error // of give: no more is wanted
}

func newBatch(give func([]Event) error) *batch {
	return &batch{events: make([]Event, 0, 4096), give: give}
}

func (b *batch) add(k Kind, thread int32) { b.put(Event{Kind: k, Thread: thread}) }

func (b *batch) enter(k Kind, thread int32, did emu.Code) {
	b.put(Event{Kind: k, Thread: thread, Did: did})
}

func (b *batch) on(k Kind, thread, cpu int32) { b.put(Event{Kind: k, Thread: thread, CPU: cpu}) }

func (b *batch) put(e Event) {
	b.events = append(b.events, e)
	if len(b.events) == cap(b.events) {
		b.flush()
	}
}

func (b *batch) flush() {
	if b.err == nil {
		b.err = b.give(b.events)
	}
	b.events = b.events[:0]
}
