// Package trial makes programs of the critical sections of a compiled file, each
// alone, so that they can be checked without anybody writing a harness.
//
//	trials, err := trial.Of(o, "list_push")
//	for _, t := range trials {
//		fmt.Print(t.Program) // one thread that runs the section, and what must hold
//	}
//
// # What is found out
//
// Nothing in a file says what a section expects in which register. So the
// registers that it reads before it writes them, its live-ins, are given values:
// zero, small numbers, and addresses of three objects in memory, until the
// section commits; a few thousand tries take milliseconds. That gives one way
// through it, and what it stores at its end: the commit.
//
// # What must hold
//
// The program runs that way again, interrupted once at any instruction by any
// event of the kernel. Whatever happens, either the section was left at its end
// and its commit is in memory, once, or it was left elsewhere and the commit isn't.
// So a section is found that commits and is aborted then, that commits twice, that
// reports success without a commit, or that dies.
//
// # Non-goals
//
// Only one thread runs: what two do to each other takes a program with both, and a
// specification. Inputs that are checked for more than being a number or an
// address may not be found; the section is reported as not tried then.
package trial
