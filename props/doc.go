// Package props says what must hold: that no thread is killed, that the
// program's own checks are true, that its operations are linearizable, or at
// least sequentially consistent, that no two threads access a variable at once,
// and that nobody uses a block of memory that is free.
//
// [Of] reads it all from a program's declarations:
//
//	spec   stack(push, pop)                # linearizable, against a named specification
//	always lock[0] <= 1                    # after every transition
//	final  sum(count) == calls(add)        # when every thread has ended
//	spec   register(write, read) sequential
//	spec   counter(add) quiescent
//	norace head, node
//	blocks 16 alloc(take) free(put)
//
// # Specifications
//
// A [Spec] is a sequential object: states, and which results a call may have in
// each. An operation returns its result in r0 and, for a per-CPU object, the
// slot that it took effect on in r1 (its CPU or mm_cid), so that the history
// says which of the objects it was. [Specs] lists the named ones; a test can
// give [Linearizable] one of its own.
//
// # Linearizability inside the search
//
// The [Monitor] keeps every way in which the calls so far can have taken effect:
// configurations of an abstract state and the results of those pending calls
// that have taken effect already. A call takes effect as late as possible, when
// it returns or when another one that returns needs it. No configuration left
// is a violation. Since the monitor is part of the state that a search tells
// apart, equal futures merge and no history is stored.
//
// It is an automaton that is built as it runs, so that an event that was seen
// before costs a look-up. That also makes it the checker of finished histories
// ([Monitor.Explains]): calls that have not returned are nothing special, and
// the number of calls is not bounded.
//
// [Porcupine] answers the same question from the whole [History]. It is the
// oracle of the tests and the judge of every counterexample: if the two disagree,
// the search panics, as that is our bug.
//
// # What looks at one state
//
// [NoRace] and [Blocks] ask what the next steps of the CPUs will access
// ([emu.Machine.NextAccess]). An access that is about to happen can happen next,
// so nothing has to be remembered of those that were. The run ends before the
// access.
//
// # Non-goals
//
// Progress and fairness are no properties: a program that can be starved holds.
// [explore.Starve] says what it takes. There are no happens-before relations:
// what a weaker memory would reorder is for a search under such a memory.
package props
