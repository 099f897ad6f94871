// Package native runs conformance cases on the kernel that this process runs
// on, interrupted at exactly the instruction that a case says.
//
// # How
//
// A case's program becomes machine code ([Lay]) at the very addresses that the
// emulator has it at, in a static executable that is made in memory, with a
// driver that registers the area as libc would and makes the script's calls. It
// is started under ptrace and is no Go process: nothing in it registers rseq,
// sends signals or has threads of its own.
//
// An int3 at the point is an exception from user mode, after which the thread
// leaves the CPU until its tracer lets it go on: that is a preemption at exactly
// that instruction. Meanwhile sched_setaffinity makes it a migration, going on
// with a signal a delivery, and writing to its memory whatever somebody else
// might do. A nanosleep in the program is a schedule without an exception.
//
// Between two points, and at the end, nothing stops the thread: the driver keeps
// what calls return in memory, where it is read when all is over. A process that
// is killed is looked at before its memory goes.
//
// # One instruction
//
// A bundle is one instruction of x86-64 where there is one. It isn't where an
// operation has a destination other than its first source (but add and sub are
// lea), in compare-and-branch, conditional selects, calls, narrow arithmetic,
// and bundles other than read-modify-write and an operation with a source in
// memory. What is made of several instructions is only stopped before the first;
// the kernel on its own can interrupt it in the middle.
//
// A system call is preceded by two moves, and the ip that the kernel sees is the
// boundary behind it. nanosleep takes no arguments from the program. x86-64's
// flags change where the machine's don't: a program that would read such flags is
// refused, and so are registers beyond r9, LL/SC, and the calls whose arguments
// the machine simplifies (rt_sigaction, rt_sigprocmask, execve).
//
// # Noise
//
// The kernel can preempt the thread at any time on its own. [Target.Ask] runs a
// case twice, and again if the runs differ, and tells how often and what the odd
// outcomes were.
//
// # Non-goals
//
// It is no compiler and no debugger: the code is as good as a test needs. It runs
// on linux/amd64; [New] says so elsewhere.
package native
