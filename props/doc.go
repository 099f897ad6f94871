// Package props says what must hold: that no thread is killed, that the
// program's own checks are true, and that its operations are linearizable.
//
// [Of] reads it all from a program's declarations:
//
//	spec   stack(push, pop)                # linearizable, against a named specification
//	always lock[0] <= 1                    # after every transition
//	final  sum(count) == calls(add)        # when every thread has ended
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
// apart, equal futures merge and no history is stored. [Porcupine] answers the
// same question from the whole [History], and is the oracle of its tests.
//
// # Non-goals
//
// Progress and fairness are not checked: a program that can be starved holds.
package props
