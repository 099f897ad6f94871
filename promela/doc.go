// Package promela writes a machine and its program as a model for Spin, so that
// somebody else's search can be held against ours: it must come to the same
// number of states and of transitions, and to the same verdict.
//
//	promela.Write(w, program, emu.Config{Kernel: kernel})
//
//	rseqemu export promela percpu:list --kernel 6.18 >list.pml
//	spin -o2 -a list.pml
//	gcc -O2 -w -DSAFETY -DNOREDUCE -DVECTORSZ=1024 -o pan pan.c
//	./pan -n -m1000000
//
// What is the same is a search without reductions over the states that
// [emu.Machine.AppendState] tells apart, with the program's always and final
// checks as its properties. Spin prints one transition more, as it counts the way
// into the initial state. -o2 keeps Spin from leaving out variables that nobody
// reads, such as who ended the program. With spin -DNOCHECKS nothing is asserted
// and everything is counted. Models have scratch variables that are hidden from
// the state, which Spin's breadth-first search (-DBFS) doesn't take.
//
// # How a machine becomes a model
//
// Every thread is a process, and every choice of the machine one alternative of
// its loop, done at once (d_step): a CPU that picks it, a preemption, and each step
// of each instruction, guarded by its address. Memory is an array of bytes, laid
// out as the linker did; the registers that the program mentions are variables.
// What the kernel does on the way to user mode is written for the one kernel that
// the model is of: notify_old.go or notify_new.go of package emu, with its switches
// resolved, and with one alternative for each descriptor of the program.
//
// A state of the model is one of the machine's, no more and no less. So what the
// canonical bytes leave out is 0 here: the variables of a dead thread, and a
// bundle's temporaries between instructions.
//
// # Numbers
//
// Promela's largest numbers have 32 bits and the machine's have 64. A model holds
// the lower half, and asserts wherever it matters (need, which breaks
// assert(!refused)) that the upper half is its sign. Addresses of the machine are
// below 2^31, and so are the numbers of every program of props/percpu that can be
// exported; two variables a register would double the state for numbers that don't
// come up.
//
// # What is refused
//
// By Write, with its place: system calls, and so fork, futexes, membarrier and
// registration by the program; signal handlers; budgets of events other than preempt
// and migrate (signals, interrupts, faults, membarriers, unplugged CPUs);
// descriptors and numbers that don't fit; a trap behind other micro-ops; debug
// mode; big-endian memory; tracers. By the model, where it comes to it: a number
// that doesn't fit; an rseq_cs that is no descriptor of the program; reading code;
// a fault of an access behind another one of the same instruction. Faults and
// violations of the kernel's rules are translated: they end the program.
//
// # Non-goals
//
// Linearizability isn't expressed: spec lines are left out, and only states of
// the machine are compared. There is no weak memory and no fairness, and no care is
// taken to make a model small: it is the machine, byte for byte.
package promela
