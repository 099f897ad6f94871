// Package symmetry finds out which threads of a program can change places, and
// whether CPUs can: if nothing that the program does depends on which of them is
// which, two states that differ in nothing but their names have the same future.
//
// # What changes with a name
//
// When two threads change places, so do their areas, stacks and registers, and the
// objects that only their scripts name: the node that the one pushes and the node
// that the other pushes. When two CPUs change places, so do their parts of the
// per-CPU data, and every CPU number. A number in a register or in memory must
// follow if it is the address of such an object or the number of a CPU, and must
// stay if it isn't. So each register at each instruction, and each word of memory,
// needs a [Kind].
//
// # How kinds are found
//
// They are inferred, as types are: a load of cpu_id gives a CPU, which shifted by
// percpu_shift gives a distance, to which the address of per-CPU data is added;
// a script's argument gives an object; what is stored to a word is what a load of
// it gives. Where two kinds meet in one place, or an instruction does with a value
// what renaming doesn't survive, such as comparing a CPU's number with 1 or adding
// two addresses, there is no symmetry, and [Facts.Why] says where.
//
// # Non-goals
//
// Only programs are covered whose functions call no others, jump to no address in
// a register, reserve no memory (ll) and make no system call but sched_yield.
// Objects are only found among the arguments of scripts.
package symmetry
