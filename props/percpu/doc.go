// Package percpu holds the per-CPU operations that people use restartable
// sequences for, as programs, and the mistakes that people make in them, as
// changes of these programs.
//
// # Programs
//
// Each operation is a file programs/NAME.rseq, with the threads that use it and
// what must hold: it returns its result in r0 and the slot that it used in r1, so
// that a sequential specification can judge it, and its abort handler starts it
// again.
//
//	list           push and pop of a linked list: the free list of the selftests
//	counter        addv: statistics, event counts
//	buffer         push and pop of an array of pointers (cmpeqv_trystorev_storev);
//	               buffer_release has a release store for the commit
//	memcpy_buffer  the same for records, copied inside the section (trymemcpy)
//	lock           a spin lock that is taken by a section (percpu_lock)
//	trystore       two stores, of which the second is the commit, and a reader on
//	               another CPU: LTTng's commit counters, a latch
//	compare_two    a store if two words are as expected (cmpeqv_cmpeqv_storev)
//	deref_add      an addition behind a pointer (offset_deref_addv), and a manager
//	               that switches the pointer and fences with membarrier
//	slab           tcmalloc's slab: push, pop, batches, and a remote drain
//	cached_slab    tcmalloc's slab whose cached address overlaps cpu_id_start
//	nested         a counter that signal handlers add to, too
//
// All but cached_slab are there twice: NAME is indexed by cpu_id, and NAME_mm_cid
// by mm_cid. The second form is made from the first by a few substitutions: both
// fields that hold the CPU's number become mm_cid (there is no second one to
// validate the first with, and none is needed), membarrier goes to all CPUs, as
// it knows no concurrency ids, and the kernels claimed begin with 6.3.
//
// What a program claims, its kernels directive, are the kernels that can run it.
// None claims Linux 6.19 to 7.0 on arm64, which abort no section.
//
// Most programs have two threads, of which the second may run on CPU 0 only, where
// the first begins: one preemption then brings the second one there, and the first
// can go on on CPU 1, under another number or concurrency id, as if there were
// more threads than CPUs.
//
// # Bugs
//
// A bug is a change of a program, written as a diff: bugs/PROGRAM-BUG.diff, text
// that says what is wrong and then hunks. Above a hunk stands the function that
// it is in; its old lines must be found there once. Each bug is in the mm_cid
// form too, unless its diff begins with a line "index: cpu_id"; buffer_release has
// none besides those of buffer. A search finds every one of them within the
// program's own budget:
//
//	rseqemu check percpu:list-commit-first
//
// # Weaker memory
//
// The programs are written for sequentially consistent memory, and that is what they are
// searched with. Asked with --memory tso or arm (rseqemu check --memory arm percpu:slab, on
// 6.18), those in which only one CPU's threads touch the CPU's data hold. The others say
// what real code needs there: trystore, and compare_two by mm_cid, return from a plain store
// that another CPU then reads, which no order explains without a fence; under arm drain must
// start slab and cached_slab again with a release, and their sections look at it with an
// acquire; and lock's invariant, which is asked of memory as it is, may see what the lock
// protects before the lock.
//
// # Non-goals
//
// No bug here is a missing release or fence (examples/publish-plain.rseq is one). Progress
// isn't checked either: a thread that waits for ever for a lock breaks nothing. And
// this is no library of operations to use: the programs have the shape of compiled
// code, but what they lay out in memory is made to be searched.
package percpu
