// Package conform asks implementations of the rseq ABI what they do, case by
// case, and holds the answers against those of real kernels.
//
// # Cases
//
// A [Case] is a question: a program in the assembler of package ir, what happens
// to its first thread at which instruction, and what to look at afterwards. The
// answer is an [Outcome]. What it should be isn't part of the case, since that
// differs from kernel to kernel: it stands in a [Recording], made on that kernel.
//
// Cases are written in files in the form of txtar. A section named program holds
// a program, and the sections behind it cases that share it:
//
//	-- program --
//	func op()
//	    …
//	handler SIGUSR1: look
//	-- CS.abort-migrate --
//	# The thread goes on at abort_ip, with the ids of its new CPU.
//	thread: op
//	at op.inside+1: migrate
//	see rseq_cs cpu_id seen[0]
//
// A case's lines are
//
//	# …                           what the case shows
//	thread: CALL; …               declarations that complete the program;
//	thread on 1: CALL; …          a second thread, which runs at the same time;
//	register HOW                  also this one
//	at POINT: ACTION, …           stop the thread there, once; in the order given
//	each POINT..POINT: ACTION, …  a case for every instruction boundary
//	see OBSERVATION …             what to look at in the end
//	untouched NAME …              data or descriptors whose pages nobody has touched
//	needs slices                  what a kernel may be built without: slices, or stats
//
// A point counts instructions behind a label, so that it means the same in any
// machine code. The actions are
//
//	preempt              the thread leaves the CPU and comes back
//	migrate              … to the other one of the case's two CPUs
//	signal SIGUSR1       … with a signal
//	write FIELD VALUE    … and somebody has written to its memory
//	look OBSERVATION …   … or looked at it
//	irq                  an exception that changes nothing
//	schedule             a system call that leaves the CPU and comes back; with
//	                     migrate or write
//	resched              a real-time thread wants the CPU
//	expire               the time of a slice is over
//
// For irq and schedule instructions are put in before the one at the point, behind
// its labels: the first touch of a page, which is an exception that the kernel
// resolves at once, and a nanosleep. They change no register. What was put in
// counts in the points of an outcome, but not in those of the file.
//
// For resched and expire there is a loop in the program, at the point, that ends when
// they have come: nobody can say when they come on a real kernel.
//
// An observation is a field of the thread's struct rseq, an element of data
// (seen[1]; of percpu data the first element on a CPU), cpu(x) for one that
// holds a CPU's number, AT_RSEQ_FEATURE_SIZE or AT_RSEQ_ALIGN of the auxiliary
// vector, and in a look also configuration, which is what
// PTRACE_GET_RSEQ_CONFIGURATION tells, or the errno of a kernel that doesn't know
// it. stat.cs is by how much the case has made the counter cs of debugfs' rseq/stats
// grow.
//
// All pages of a program are in memory when it begins, but those of untouched data and
// descriptors: the first to touch them has a page fault, the program or, for it, the
// kernel. Where it matters that a page isn't there such data need pages of their own.
// Nothing in them can be written or looked at in a stop, which would touch them.
//
// # Threads and processes
//
// The first thread is on c0 and the second on c1, which begin together. Only the
// first one is stopped, in functions that the second doesn't call, and where there
// are two nobody migrates. A case is fair if its answer doesn't depend on who is
// faster: whoever waits for the other one does it by a variable.
//
// What a task that the program makes returns from the function that it was made in
// is told as a child's. An execve goes to the function whose address it is given,
// in fresh memory and without a script; only what that returns and leaves is told
// then. The address of read-only data stands for a file that is no program, and
// any other for no file.
//
// # Outcomes
//
// An outcome is in the field's words: an address is the name of what is there,
// a failed call's result its errno, and a CPU c0 (where the case begins) or c1.
// So outcomes of machines with other addresses and CPUs are equal, and
// [Outcome.Diff] can be read.
//
// # Targets
//
// A [Target] runs cases: [Emulator] does, and package native's kernel. [Tier] is
// how much it can do; cases beyond are skipped with the reason. [Test] runs the
// suite from a Go test, and [WriteKTAP] prints results for kernel CI.
//
// # Strength
//
// In testdata/mutations are some three hundred small mistakes in the rules of
// package emu, each a diff with its name: a check that is off by one or comes too
// late, a field that isn't cleared, one version taken for the other, a release one
// too early. Each changes the outcome of a case on a kernel that was recorded:
//
//	go test ./conform -run Mutation -mutate -v -timeout 30m
//
// # Non-goals
//
// A case has one thread that is stopped, and at most one other; what several
// threads can do to each other is for package explore. Nothing here measures time.
package conform
