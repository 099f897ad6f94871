package workload

import (
	"fmt"
	"strings"
)

// Mix is a generated workload: how often what happens, as a file states it. The
// counts are those of the whole run that was measured or is imagined; as many
// exits as Generate says are made, with everything else in proportion.
type Mix struct {
	Title    string
	Seed     uint64
	CPUs     int    // 1..MaxCPUs
	Threads  int    // CPUs..MaxThreads
	Generate uint64 // exits, 1..MaxGenerate

	// Counts of returns to user mode, by what is behind them. What is left of Exit
	// are returns behind which there was nothing.
	Exit   uint64
	Switch uint64 // the thread was off its CPU
	Signal uint64 // a signal is delivered
	Notify uint64 // something else, such as task_work, was to be done on the way
	Start  uint64 // the thread is new

	Preempt   Share // of switches: those behind an interrupt or exception
	Migrate   Share // of switches: those that end on another CPU
	Strike    Share // of signals: those that interrupt user code
	Interrupt Share // of returns behind which there was nothing: those of interrupts and exceptions
	Sections  Share // of all: since its last return the thread has run a section
	Inside    Share // of interrupts and exceptions: they find the thread inside of one
}

// Share is a part of something, in millionths.
type Share uint32

// All is the whole of something.
const All Share = 1_000_000

// MaxGenerate bounds the exits of a generated workload.
const MaxGenerate = 1_000_000_000

// String says in two lines how often what happens.
func (m *Mix) String() string {
	of := func(n uint64) string { return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(m.Exit)) }
	return fmt.Sprintf("of the exits: switch %s (preempt %s, migrate %s), signal %s (interrupt %s), notify %s, start %s;\n",
		of(m.Switch), m.Preempt, m.Migrate, of(m.Signal), m.Strike, of(m.Notify), of(m.Start)) +
		fmt.Sprintf("of the others %s are of interrupts; threads run sections before %s and are inside of one in %s of interrupts",
			m.Interrupt, m.Sections, m.Inside)
}

// String writes a share as a file has it.
func (s Share) String() string {
	text := fmt.Sprintf("%d.%04d", s/10_000, s%10_000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}
