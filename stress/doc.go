// Package stress runs a program on the processors of this machine, under its kernel, at
// full speed and again and again, as the kernel's selftests do: it asks the program's own
// question of the real thing, and of chance.
//
// # A round
//
// A round is one run of the program: the variables are as they are declared, each thread's
// area is newly registered, each thread makes its script's calls once, and who is last to
// end sets all back. The threads do so for ever, in a process that is no Go process and that
// nobody traces. Of each round it writes a record: when each call began and ended, by a
// clock that all threads step, what it returned, and what was in memory at the end. A
// [native.Host] makes the process; the program that runs another one's rounds is itself
// made of the same language, and so runs in the emulator as well, where it is tested.
//
// Records are held against what the program declares by the properties of package
// props: spec, final, and always, of which only the end of a round can be seen. Stepping
// the clock is a full barrier, so that the histories of right programs are those of
// sequentially consistent memory.
//
// # What is put in
//
// A preemption inside a section has to meet a handful of instructions, and a timer that
// comes every few milliseconds doesn't. The selftests' param_test has places inside its
// sections for loops of thousands of turns, and outside of them, every n-th time, for a
// sched_yield, a sleep or a signal; many more threads than CPUs do the rest. Here there
// is such a place before each instruction, but for those that read flags, and a round has
// something at one of them for each thread: a loop, or outside of sections one of the
// actions, drawn by a seed. Six threads for each CPU are in as many processes as it takes;
// for a third of the time one process has the CPUs for itself, so that its threads meet
// at the same time, and for a third all are on one CPU.
//
// # What it says
//
// A round that breaks something is a proof. Rounds that break nothing aren't: what a
// search finds with one preemption at the right place may take chance hours.
//
// # Non-goals
//
// There is no shrinking and no schedule: nobody knows what the kernel did. What is about
// the next instruction (norace, blocks) isn't asked. Programs that make or end processes,
// or register their area themselves, can't begin anew in the same process, and are
// refused; what a process keeps otherwise it keeps from round to round: which membarrier
// it is registered for, blocked signals, and affinities that the program sets itself.
package stress
