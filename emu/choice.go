package emu

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// Choice is one thing that can happen next, in one word: kind, CPU, task and
// argument, a byte each. It prints as "c0 run t2" and parses back.
type Choice uint32

// ChoiceKind is what happens.
type ChoiceKind uint8

// The kinds of choice. Step, Run, Wake and IPI are the machine going on by
// itself, as are Delay, Stale and Flush, which only a [MemoryModel] other than SC
// has; the others are events that a budget bounds.
const (
	Step           ChoiceKind = iota // c0 step: the CPU runs its task to the next visible point
	Run                              // c0 run t2: an idle CPU picks a runnable task; another CPU's is a migration
	Wake                             // t1 wake: what a blocked task waits for has happened
	IPI                              // c1 ipi: the CPU takes the interrupt that another one sent
	Preempt                          // c0 preempt: the timer takes the task off the CPU
	IRQ                              // c0 irq: an interrupt that changes nothing
	Fault                            // c0 fault: the next instruction faults, and the page is there
	FaultSleep                       // c0 fault sleep: … and the task sleeps until it is
	Membarrier                       // c0 membarrier: another thread's membarrier(RSEQ) reaches the CPU
	Signal                           // t0 signal 10: somebody sends the thread a signal
	Offline                          // c1 offline
	Online                           // c1 online
	Delay                            // c0 delay: a step, but its store or load is performed later
	Stale                            // c0 stale 2: a step whose load reads what was overwritten two stores ago; c0 stale: one
	Flush                            // c0 flush 2: the second oldest delayed access is performed; c0 flush: the oldest
	SliceTimer                       // c0 slice-timer: the time that the CPU's task was granted is over
	PreemptNow                       // c0 preempt now: a preemption that PREEMPT_RT puts off for nobody
	NumChoiceKinds                   // how many kinds there are
)

var choiceNames = [NumChoiceKinds]string{"step", "run", "wake", "ipi", "preempt", "irq", "fault", "fault sleep",
	"membarrier", "signal", "offline", "online", "delay", "stale", "flush", "slice-timer", "preempt now"}

func (k ChoiceKind) String() string { return choiceNames[k] }

// CPUID is the number of a virtual CPU, TaskID that of a task (thread).
type (
	CPUID  int8
	TaskID int8
)

func onCPU(k ChoiceKind, c CPUID) Choice { return Choice(k)<<24 | Choice(uint8(c))<<16 }

func ofTask(k ChoiceKind, t TaskID, arg uint8) Choice {
	return Choice(k)<<24 | Choice(uint8(t))<<8 | Choice(arg)
}

// The constructors of choices, by kind.
func StepOn(c CPUID) Choice                    { return onCPU(Step, c) }
func RunOn(c CPUID, t TaskID) Choice           { return onCPU(Run, c) | Choice(uint8(t))<<8 }
func WakeTask(t TaskID) Choice                 { return ofTask(Wake, t, 0) }
func TakeIPI(c CPUID) Choice                   { return onCPU(IPI, c) }
func PreemptOn(c CPUID) Choice                 { return onCPU(Preempt, c) }
func IRQOn(c CPUID) Choice                     { return onCPU(IRQ, c) }
func FaultOn(c CPUID) Choice                   { return onCPU(Fault, c) }
func FaultSleepOn(c CPUID) Choice              { return onCPU(FaultSleep, c) }
func MembarrierOn(c CPUID) Choice              { return onCPU(Membarrier, c) }
func SignalTask(t TaskID, s abi.Signal) Choice { return ofTask(Signal, t, uint8(s)) }
func OfflineCPU(c CPUID) Choice                { return onCPU(Offline, c) }
func OnlineCPU(c CPUID) Choice                 { return onCPU(Online, c) }
func DelayOn(c CPUID) Choice                   { return onCPU(Delay, c) }
func StaleOn(c CPUID, n int) Choice            { return onCPU(Stale, c) | Choice(uint8(n)) }
func FlushOn(c CPUID, n int) Choice            { return onCPU(Flush, c) | Choice(uint8(n)) }
func SliceTimerOn(c CPUID) Choice              { return onCPU(SliceTimer, c) }
func PreemptNowOn(c CPUID) Choice              { return onCPU(PreemptNow, c) }

// Kind returns what happens.
func (c Choice) Kind() ChoiceKind { return ChoiceKind(c >> 24) }

// CPU returns where it happens; meaningless for Wake and Signal.
func (c Choice) CPU() CPUID { return CPUID(c >> 16) }

// Task returns to whom it happens; for Run, Wake and Signal.
func (c Choice) Task() TaskID { return TaskID(c >> 8) }

// Signal returns which signal is sent.
func (c Choice) Signal() abi.Signal { return abi.Signal(c) }

// Nth returns which overwritten value is read, or which access is performed, from
// 1; for Stale and Flush.
func (c Choice) Nth() int { return int(uint8(c)) }

// String returns the choice as a line of a schedule.
func (c Choice) String() string {
	switch k := c.Kind(); k {
	case Run:
		return fmt.Sprintf("c%d run t%d", c.CPU(), c.Task())
	case Wake:
		return fmt.Sprintf("t%d wake", c.Task())
	case Signal:
		return fmt.Sprintf("t%d signal %d", c.Task(), uint8(c))
	case Stale, Flush:
		if c.Nth() > 1 {
			return fmt.Sprintf("c%d %s %d", c.CPU(), k, c.Nth())
		}
		return fmt.Sprintf("c%d %s", c.CPU(), k)
	case Step, IPI, Preempt, IRQ, Fault, FaultSleep, Membarrier, Offline, Online, Delay, SliceTimer, PreemptNow:
		return fmt.Sprintf("c%d %s", c.CPU(), k)
	}
	return fmt.Sprintf("choice(%#x)", uint32(c))
}

// ParseChoice reads what String prints; a signal may be given by name.
func ParseChoice(s string) (Choice, error) {
	words := strings.Fields(s)
	if len(words) < 2 {
		return 0, fmt.Errorf("choice %q: want a CPU or thread and what happens to it, such as \"c0 step\" or \"t1 wake\"", s)
	}
	who, verb, rest := words[0], words[1], words[2:]
	if len(rest) == 1 && (verb == "fault" && rest[0] == "sleep" || verb == "preempt" && rest[0] == "now") {
		verb, rest = verb+" "+rest[0], nil
	}
	number := func(word string, letter byte) (uint8, error) {
		n, err := strconv.ParseUint(strings.TrimPrefix(word, string(letter)), 10, 7)
		if err != nil || word[0] != letter {
			return 0, fmt.Errorf("choice %q: %q is no %c0, %c1, …", s, word, letter, letter)
		}
		return uint8(n), nil
	}
	kind := ChoiceKind(0)
	for choiceNames[kind] != verb {
		if kind++; kind == NumChoiceKinds {
			return 0, fmt.Errorf("choice %q: unknown event %q (%s)", s, verb, strings.Join(choiceNames[:], ", "))
		}
	}
	switch kind {
	case Wake, Signal:
		t, err := number(who, 't')
		if err != nil {
			return 0, err
		}
		if kind == Wake && len(rest) == 0 {
			return WakeTask(TaskID(t)), nil
		}
		if kind == Signal && len(rest) == 1 {
			if sig, ok := abi.ParseSignal(rest[0]); ok {
				return SignalTask(TaskID(t), sig), nil
			}
			return 0, fmt.Errorf("choice %q: unknown signal %q", s, rest[0])
		}
	case Run:
		c, err := number(who, 'c')
		if err != nil {
			return 0, err
		}
		if len(rest) == 1 {
			t, err := number(rest[0], 't')
			if err != nil {
				return 0, err
			}
			return RunOn(CPUID(c), TaskID(t)), nil
		}
	case Stale, Flush:
		c, err := number(who, 'c')
		if err != nil {
			return 0, err
		}
		n := 1
		if len(rest) == 1 {
			if n, err = strconv.Atoi(rest[0]); err != nil || n < 1 || n > 255 {
				return 0, fmt.Errorf("choice %q: %q is no number from 1 to 255", s, rest[0])
			}
		}
		if len(rest) <= 1 {
			return onCPU(kind, CPUID(c)) | Choice(n), nil
		}
	default:
		c, err := number(who, 'c')
		if err != nil {
			return 0, err
		}
		if len(rest) == 0 {
			return onCPU(kind, CPUID(c)), nil
		}
	}
	return 0, fmt.Errorf("choice %q: wrong number of words for %s", s, kind)
}

// Cost is 1 for a kernel event and 0 for the machine going on by itself. A
// migration costs nothing here: the preemption before it did.
func (c Choice) Cost() uint16 {
	if k := c.Kind(); k >= Preempt && k < Online || k == SliceTimer || k == PreemptNow {
		return 1
	}
	return 0
}
