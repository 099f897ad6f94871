// Package emu is the kernel: a machine with several CPUs that runs a program's
// threads and applies a Linux release's rules for restartable sequences.
//
// A [Machine] is a labelled transition system. [Machine.Choices] lists what can
// happen next: a CPU runs one step of its task, an idle CPU picks a task, the
// timer preempts one, a signal comes. [Machine.Do] makes one of them happen,
// completely: an interrupt's transition ends when the task is back in user mode
// or off the CPU. There is no clock, no randomness and no map order, so the same
// program, configuration and choices give the same bytes everywhere.
//
// # The rules
//
// [Kernel] is a profile of switches, filled in by release and architecture
// ([Linux]). The two notify rules are notify_old.go (to Linux 6.18) and
// notify_new.go (from 6.19), each to be read beside the kernel's own; register.go
// is the system call, exit.go the way to user mode, signal.go, membarrier.go,
// process.go and mmcid.go what surrounds them. Time slice extensions are slice.go, on
// kernels whose name asks for them: 7.3/slices. [Variant] makes a kernel that isn't
// there, to be tried before somebody builds it.
//
// # Choices and events
//
// A context switch is two choices: preempt takes a task off its CPU, and run
// puts one on. In between the CPU may as well have run something that isn't
// part of the program. An event that a budget counts (preempt, migrate, signal,
// irq, fault, membarrier, unplug, expire) happens only while the budget lasts.
//
// # Memory order
//
// Under a [MemoryModel] other than SC a step's access may be performed later, and
// a load may read an old value. These are choices too (Delay, Flush, Stale), beside
// the plain step. memory_model.go has the bounds, memory_order.go what is pending,
// memory_views.go what a load may still read.
//
// # Workloads
//
// A [Flow] applies the same rules to a stream of events without a machine, to count
// the work that it makes ([Counters], [Accesses]).
//
// # States
//
// [Machine.Save] and [Machine.Restore] copy a few kilobytes and allocate
// nothing. [Machine.AppendState] gives canonical bytes, equal for two states if
// and only if their futures are, and [Machine.SetState] goes back to them.
//
// # Non-goals
//
// It is no general kernel: system calls are those that restartable sequences
// meet. Scheduling is a choice, so there are no priorities and no fairness.
// A preemption says nothing of who wants the CPU, but for PREEMPT_RT's slices.
package emu
