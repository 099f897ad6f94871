// Package workload makes the work that a kernel has with restartable sequences
// countable: streams of events, millions of them, which package emu's notify rules
// are applied to, for several kernels at once ([Meter]).
//
// A stream is generated from a mix, a file that says how often what happens, or read
// from a trace of a real machine:
//
//	mix, err := workload.Parse(name, text)
//	mix.Run(meter.Apply)
//
//	summary, err := workload.ReadTrace(name, file, meter.Apply)
//
// # Files
//
// A workload file is lines of a key and a value; # begins a comment.
//
//	rseqemu workload 1
//	title    a kernel build
//	exit     80,692,981        # returns to user mode, of which there are
//	switch   1,092,785         # … behind a context switch
//	signal   32,581            # … with a signal that has a handler
//	notify   108,623           # … with task_work or the like to be done
//	start    0                 # … of threads that begin
//	switch.preempt    48.58%   # of switches: from user mode, by interrupt or exception
//	switch.migrate    4.33%    # of switches: to another CPU
//	signal.interrupt  0%       # of signals: those that interrupt user code
//	other.interrupt   30%      # of all other returns: from interrupts and exceptions
//	code.sections     0%       # of all: the thread ran a section since its last return
//	code.inside       0%       # of interrupts and exceptions: inside of a section
//	seed     619
//	cpus     16
//	threads  64
//	generate 4,000,000         # returns to make; the rest is in proportion
//
// The counts may be those of a kernel that counted them. What they don't tell has to
// come from elsewhere, and the file says from where.
//
// # Traces
//
// A trace is text as the kernel's trace file, trace-cmd report and perf script
// print it. It needs sched_switch; the more of sys_enter, sys_exit, irq_handler_entry,
// local_timer_entry, reschedule_entry, page_fault_user and signal_deliver it has, the
// less is assumed. What a trace can't tell:
//
//   - where in its code a thread was: no section is ever seen, so clear and fixup
//     are those of rseq_cs = 0
//   - who is registered: every thread is, as glibc has it; unless there are the
//     rseq_updates of a kernel, which it has only for those that are
//   - when a thread's mm_cid changes: only when its CPU does
//   - what is behind other TIF_NOTIFY_RESUMEs: there are none
//   - without sys_enter: whether an interrupt came in user mode. It did
//   - without interrupts: why a runnable thread left its CPU. It was interrupted in
//     user mode; and one that isn't runnable was in a system call
//   - what was before it: a thread counts from its own first event on
//   - which threads are the kernel's: those whose comm begins like one
//
// Lost events, threads that were where they didn't go, unknown events and a last line
// that is cut are counted; all else that isn't as it should be is an error with its
// line.
//
// # Non-goals
//
// It is no scheduler: which thread runs where is drawn or was traced, and there is
// no time. Costs are counted in work and accesses, not in nanoseconds.
package workload
