package conform

import (
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Case is one question to an implementation: a program, what happens to its
// first thread, and what to look at. What the answer should be isn't part of
// it: that differs from kernel to kernel and stands in a [Recording].
type Case struct {
	Name    string // "CS.abort-signal": a group, and what is special
	Doc     string // what the case shows, for people
	File    string
	Line    int
	Program *ir.Program
	Needs   Need // what a kernel must have, so that the case asks it anything
	// Untouched are data and descriptors whose pages nobody has touched when the
	// case begins.
	Untouched []string
	Stops     []Stop
	See       []Observation
}

// Group is the part of the name before the point: REG, CS, ….
func (c *Case) Group() string {
	g, _, _ := strings.Cut(c.Name, ".")
	return g
}

// Stop is a point at which the thread is held, and what is done to it there. The
// stops of a case come in their order: the second is waited for when the first
// is over.
type Stop struct {
	At      Point
	Actions []Action
}

// Action is what is done to a stopped thread.
type Action struct {
	Kind   ActionKind
	Signal abi.Signal    // Signal
	Where  Observation   // Write
	Value  ir.Value      // Write
	Look   []Observation // Look
}

// ActionKind is a verb of a case file.
type ActionKind uint8

// The actions. A stop is itself a preemption: an exception in user mode,
// followed by the thread leaving the CPU and coming back. All that a tracer can
// do to a thread it does while it has stopped it, so that signal means preempted
// and then signalled. Two kinds aren't that sort of stop: IRQ, an exception that
// changes nothing, and Schedule, a system call that leaves the CPU. What brings
// them on is an instruction that the case's program gets. Two more are no stops at
// all: the program waits at the point, in a loop, for what they do.
const (
	Preempt  ActionKind = iota // nothing but the stop
	Migrate                    // the thread goes on on the other CPU
	Signal                     // it goes on with a signal
	Write                      // memory is written
	Look                       // memory is read
	IRQ                        // instead of a stop: a first touch of a page is put in before the instruction
	Schedule                   // instead of a stop: so is a nanosleep
	Resched                    // instead of a stop: a real-time thread wants the CPU
	Expire                     // instead of a stop: the time of a slice is over
	numActionKinds
)

var actionNames = [numActionKinds]string{"preempt", "migrate", "signal", "write", "look", "irq", "schedule", "resched", "expire"}

func (k ActionKind) String() string { return actionNames[k] }

// Has reports whether one of the stop's actions is of the kind.
func (s *Stop) Has(k ActionKind) bool {
	for i := range s.Actions {
		if s.Actions[i].Kind == k {
			return true
		}
	}
	return false
}

// Waits returns the stops that a target has to wait for: all but those that are a
// part of the program, the interrupts, the sleeps at which nothing is done, and what
// the program waits for itself.
func (c *Case) Waits() []Stop {
	var all []Stop
	for _, s := range c.Stops {
		if !s.Has(IRQ) && !s.Has(Resched) && !s.Has(Expire) && (!s.Has(Schedule) || len(s.Actions) > 1) {
			all = append(all, s)
		}
	}
	return all
}

// Counts reports whether the case looks at what the kernel counts.
func (c *Case) Counts() bool {
	isStat := func(o Observation) bool { return strings.HasPrefix(o.Name, statPrefix) }
	return slices.ContainsFunc(c.See, isStat) || slices.ContainsFunc(c.Stops, func(s Stop) bool {
		return slices.ContainsFunc(s.Actions, func(a Action) bool { return slices.ContainsFunc(a.Look, isStat) })
	})
}

// Need is something that a kernel can be built without.
type Need uint8

// The needs. A case that has one isn't in the recordings of kernels that were built
// without.
const (
	NeedsNothing Need = iota
	NeedsSlices       // time slice extensions, built in and on
	NeedsStats        // the counters of debugfs' rseq/stats
	numNeeds
)

var needNames = [numNeeds]string{"nothing", "slices", "stats"}

func (n Need) String() string { return needNames[n] }

// Tier is how much a target must be able to do.
type Tier uint8

// The tiers.
const (
	// TierSyscalls is a program that makes system calls and looks at memory.
	TierSyscalls Tier = 1 + iota
	// TierSignals is one that sleeps, or sends itself signals.
	TierSignals
	// TierInject has something done to the thread at an exact instruction.
	TierInject
)

// Tier returns the tier of the case.
func (c *Case) Tier() Tier {
	if len(c.Stops) > 0 {
		return TierInject
	}
	if len(c.Program.Handlers) > 0 || calls(c.Program, abi.SysNanosleep) {
		return TierSignals
	}
	return TierSyscalls
}

// calls reports whether the program makes that system call.
func calls(p *ir.Program, sys abi.Syscall) bool {
	for i := range p.Funcs {
		for j := range p.Funcs[i].Body {
			it := &p.Funcs[i].Body[j]
			if it.Kind != ir.Code {
				continue
			}
			for _, o := range it.Instr.Micro() {
				if o.Code == ir.Syscall && o.Imm == int64(sys) {
					return true
				}
			}
		}
	}
	return false
}
