// Package mmcid is the allocator of concurrency ids (mm_cid) of Linux 6.19 as a model
// of its own: the kernel's steps, one for each time that a run queue is locked, and a
// search of all their orders.
//
// Package emu deals the ids out by an abstract rule, in one step with the switch: unique
// among the running threads of a memory, and below min(threads, CPUs). That is what a
// program can count on, and whether the kernel's algorithm gives it is the question
// here.
//
// # The algorithm
//
// As long as a memory has no more threads than CPUs that they may run on, each thread
// owns an id, and a switch has nothing to do. When a fork makes them more, CPUs own
// the ids: a thread that gets a CPU uses the CPU's. When exits, or CPUs that are
// allowed in addition, make it fewer again, threads own them. Who changes the mode
// sets it first, and then walks over all threads, or CPUs, with the lock of each one's
// run queue, and takes the ids from their former owners. Meanwhile threads come and go.
//
// In a transition ids of running threads belong to nobody: they are in transit, and
// go back to the pool when their thread leaves its CPU. Without that (Rules.Direct),
// which is what 6.19 had at first, a thread leaves its id with a CPU, is moved to
// another one that has none, and looks for a free one with that CPU's run queue
// locked, while the walk waits for the lock: nothing goes on any more.
//
// # Properties
//
//	unique    no two holders, and so no two running threads, have the same id
//	bound     an id is below the number of CPUs that there are
//	progress  wherever it is, the transition can come to its end and every CPU
//	          get an id
//	dense     … and with as many threads running as can, all ids can be below
//	          min(threads, allowed CPUs)
//
// # Non-goals
//
// The allocators of 6.3 to 6.18 aren't modelled; the race in them that was repaired in
// 2024 is a program, remote-clear of package props/debates. A thread that leaves its CPU is still
// runnable; there is one memory; nothing is said about the cost. How far below the
// number of CPUs the threads must fall before threads own ids again is the model's own
// choice: one.
package mmcid
