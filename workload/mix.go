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

// wrong finds a value that can't be, or that contradicts others: the key that a file
// has for it, and what is wrong; both are empty if nothing is.
func (m *Mix) wrong() (key, msg string) {
	for _, s := range []Share{m.Preempt, m.Migrate, m.Strike, m.Interrupt, m.Sections, m.Inside} {
		if s > All {
			return "", fmt.Sprintf("a share of %d millionths", s)
		}
	}
	for _, n := range []uint64{m.Exit, m.Switch, m.Signal, m.Notify, m.Start} {
		if n > maxCount {
			return "exit", fmt.Sprintf("%d is more than can be counted (%d)", n, uint64(maxCount))
		}
	}
	switch parts := m.Switch + m.Signal + m.Notify + m.Start; {
	case m.CPUs < 1 || m.CPUs > MaxCPUs || m.Threads > MaxThreads:
		return "cpus", fmt.Sprintf("%d CPUs and %d threads are out of range (1..%d, 1..%d)", m.CPUs, m.Threads, MaxCPUs, MaxThreads)
	case m.Exit < 1 || m.Generate < 1 || m.Generate > MaxGenerate:
		return "generate", fmt.Sprintf("%d of %d exits can't be generated (1..%d)", m.Generate, m.Exit, MaxGenerate)
	case parts > m.Exit:
		return "exit", fmt.Sprintf("there are %d exits, and more that had a reason: %d", m.Exit, parts)
	case m.Threads < m.CPUs:
		return "threads", fmt.Sprintf("%d threads don't keep %d CPUs busy", m.Threads, m.CPUs)
	case m.Migrate > 0 && m.CPUs == 1:
		return "switch.migrate", "there is no other CPU to migrate to"
	case m.Migrate > 0 && m.Threads == m.CPUs:
		return "switch.migrate", "no thread ever waits: there are as many CPUs"
	case m.Inside > 0 && m.Sections == 0:
		return "code.inside", "a thread that never runs a section is never inside of one"
	}
	return "", ""
}
