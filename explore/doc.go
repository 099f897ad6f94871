// Package explore decides what happens next on a machine: everything in turn,
// at random, or as a schedule says, and finds the runs that break a property.
//
// # Machine, chooser, property
//
// An [emu.Machine] lists what can happen next and does what it is told. Whoever
// tells it is a [Chooser], for a single run ([Run]), or a search that takes every
// choice. What must hold is a [Property]: it sees the events of each transition,
// is asked after it and at the end of the run, and remembers as much of the run
// as it needs. That no run gets stuck (deadlock) is a property of every run. The
// package props has the others: [props.Of] reads them from a program.
//
//	Check       a program in a go test, on several kernels
//	Exhaustive  every run within a budget of kernel events
//	Executions  the same without storing states: runs one by one, of those that
//	            differ only in the order of independent transitions one
//	Sample      random runs, by a Sampler: Uniform, Weighted, PCT or Guided
//	Diff        where a program's behaviour differs between two kernels
//	Run         one run, by a Chooser
//	Schedule    a run as a text file, to be followed again
//
// # What a result claims
//
// Only one sentence is a proof: a [Result] that is Complete says that no run of
// this program on this kernel and this number of CPUs, with at most the events
// of the budget, breaks a property. Everything else is weaker, and says so. A
// Failure is a run that anybody can follow again. With neither, Why is what kept
// the search from seeing everything; Sample always has a Why.
//
// Nothing is said about runs with more events than the budget, about other
// programs, or about other kernels.
//
// # Cost
//
// Schedules are compared by their kernel events first ([emu.Choice.Cost]) and by
// their transitions second. The search takes states in that order, so that its
// Failure is as cheap as can be: what a bug needs, and nothing else. A transition
// that breaks a property is a failure only once every cheaper state has been
// looked at; a preemption that breaks one early must not hide a run without any
// preemption that breaks one later. Of equally cheap failures it is the first in
// the order of [emu.Machine.Choices], the same on every platform, and its
// transitions are then put in an order that changes CPUs as seldom as possible.
//
// # States
//
// Two runs that have led to the same state have the same futures, so each state
// is expanded once, on the cheapest way to it. A state is the bytes of
// [emu.Machine.AppendState] and those of every property: what a property
// remembers keeps states apart, and what it forgets lets them merge. A program
// that spins for a lock comes back to a state that it was in, so that endless
// runs are covered by finitely many states.
//
// The set of visited states holds 127-bit hashes of them. Two states with one
// hash would hide a part of the runs; with a billion states the odds are 2^-68.
// States that wait are kept as their bytes, and the machine is set to them, so
// that no state is computed twice.
//
// # Reductions
//
// A search doesn't look twice at what nobody can tell apart ([emu.Reduction]): it puts
// states into a normal form, makes local steps at once, follows one CPU while its
// steps are nobody else's, leaves out preemptions that tell nothing new, and takes
// states for one that are one but for the names of threads and CPUs. Each reduction is proved from the rules where it is made; what
// it assumes of the program is watched while it runs, and a search begins anew without
// one whose assumption broke. A property says which it allows ([Reducible],
// [Symmetric]); one that says nothing has the search make none.
//
// # Non-goals
//
// There is no fairness: a run in which a thread spins forever breaks nothing.
//
// [props.Of]: https://pkg.go.dev/github.com/rseqemu/rseqemu/props#Of
package explore
