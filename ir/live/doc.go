// Package live finds out what a program can still read: of each instruction, which
// registers, flags and words of struct rseq may be read behind it before they are
// written again. Two states of a thread that differ in nothing else have the same
// future, so that a search need not tell them apart.
//
// # Ways that are followed
//
// The analysis goes backwards along branches, along returns into the next
// operation of any script, and along the kernel's own way: an instruction inside
// a declared section may be followed by the abort handler, and rseq_cs is read
// there by the kernel. A jump to a register, a call and, where there are calls, a
// return need everything.
//
// # What it can't know
//
// A descriptor that the program makes itself may send a thread anywhere; a store
// to the thread's area through any other register than the thread pointer isn't
// seen. Whoever relies on the facts must watch for both while the program runs.
//
// # Non-goals
//
// Memory other than the words of struct rseq is always live. There is no
// analysis of values.
package live
