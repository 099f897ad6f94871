// Package native runs conformance cases on the kernel that this process runs
// on, interrupted at exactly the instruction that a case says.
//
// # How
//
// A case's program becomes machine code ([Lay]) at the very addresses that the
// emulator has it at, in a static executable that is made in memory, with a
// driver that registers the area as libc would and makes the script's calls. It
// is started under ptrace and is no Go process: nothing in it registers rseq,
// sends signals or has threads of its own. A case's second thread is one that the
// driver makes, on the other CPU, and that nobody traces: tracing would stop it.
//
// A breakpoint at the point is an exception from user mode, after which the thread
// leaves the CPU until its tracer lets it go on: that is a preemption at exactly
// that instruction. Meanwhile sched_setaffinity makes it a migration, going on
// with a signal a delivery, and writing to its memory whatever somebody else
// might do. A nanosleep in the program is a schedule without an exception, and the
// first touch of a page an exception without a switch: the executable's file holds
// no pages of zeros at a segment's end, so that the kernel makes them when they
// are touched. The tracer touches all others before the program begins, but for those
// that the case wants to be untouched.
//
// Between two points, and at the end, nothing stops the thread: the driver keeps
// what calls return in memory, where it is read when all is over. A process that
// is killed is looked at before its memory goes.
//
// # One instruction
//
// A bundle is one machine instruction where there is one. What is made of several
// is only stopped before the first; the kernel on its own can interrupt it in the
// middle. [Lay] refuses what it can't encode, or what would take more than
// [ir.MaxSize] bytes, with the place and the reason. In both instruction sets
//
//   - a system call is entered behind the moves of its number and, on x86-64, of
//     its first argument: the ip that the kernel sees is the boundary behind it
//   - nanosleep takes no arguments from the program, and rt_sigaction, whose
//     arguments the machine simplifies, is refused
//   - rt_sigprocmask and execve lose their second to fourth argument, and so on
//     arm64 fork and vfork, which are clones there, lose r1
//
// x86-64 has r0 to r9. There a bundle isn't one instruction where an operation
// has a destination other than its first source (but add and sub are lea), in
// compare-and-branch, conditional selects, calls, narrow arithmetic, and bundles
// other than read-modify-write and an operation with a source in memory. Its flags
// change where the machine's don't: a program that would read such flags is
// refused. So are LL/SC, cmpxchg with another register than r0, and atomic
// operations, shifts and bits of less than four bytes.
//
// arm64 has r0 to r22, and one of ARMv8.1 is needed. An instruction isn't one
// there where it has
//
//   - an immediate that doesn't fit: 12 bits, shifted by 12 or not, in sums; a
//     repeated run of ones in logic; 16 bits of a register set, or left at ones;
//     other than 0 in a store, a compare-and-branch or a read-modify-write
//   - an address that is neither [base + disp] within 255 bytes or 4095 times the
//     width, nor [base + index] with the index shifted by nothing or the width,
//     nor data in the first 4095 times the width; for acquire, release and atomic
//     operations other than [base]
//   - less than four bytes, but in loads and stores, extensions, ins and shifts by
//     a number; or flags, but those of add, sub, and, andn
//   - compare-and-branch with a register or immediate other than 0
//   - cmpxchg, which sets no flags there
//
// Read-modify-write is one instruction once the operands are in registers, and so
// are an operation with a shifted source and a branch on a bit. C behind a
// subtraction is the opposite of the machine's, and the encoder must see what has
// set it: a condition is refused where it can't, and where there is none for what
// it asks, as ls and hi behind an addition. So are flipc, the k forms, sp in
// anything but sums, moves and addresses, and most numbers of 64 bits: ld them.
//
// # Noise
//
// The kernel can preempt the thread at any time on its own: [conform.Ask] repeats
// a case whose outcome wasn't expected. Where there is a third CPU this process
// keeps to it, and the two that cases run on stay quiet. What traces is then a
// real-time thread on the CPU that the case begins on, if it may be one, as root may:
// it never runs while the case does. With six CPUs two cases run
// at a time, each on two of its own, and so on, up to eight; the results' order
// doesn't depend on it.
//
// # Slices
//
// A case that waits for a reschedule has a rival on its CPU: a real-time thread of this
// process that wakes up every other millisecond, which takes root. Slices are as long
// as they can be meanwhile, 50 µs. The kernel's counters are those of all processes;
// nobody else who is registered runs in a guest.
//
// # Without ptrace
//
// Where the kernel refuses ptrace nobody stops a thread. A process then writes the
// memory that it leaves to a file when it ends, so that cases without stops still
// run; of one that is killed only the signal is known.
//
// # Freely
//
// [Host.RunFree] runs a program that nobody traces and nobody asks anything: its
// threads, up to [MaxFreeThreads] of them, are where the scheduler puts them, and what
// it writes is all that is seen of it. Package stress repeats programs that way.
//
// # Non-goals
//
// It is no compiler and no debugger: the code is as good as a test needs. It runs
// on Linux, on amd64 and arm64; [New] says so elsewhere. [Lay] and the encoders are
// for both anywhere.
package native
