// Package debates holds the programs that decided debates about restartable
// sequences: claims that were made on mailing lists, in proposals and in code that
// ran on many machines, each as a program that is right exactly where the claim is.
//
// # Programs
//
// Each is a file programs/NAME.rseq whose comment tells the story: who and when, what
// was claimed, and what is true. Its kernels line names the kernels on which it holds,
// all of them and no others; without that line there is none. NAME-fixed is what
// came of it, where something did: it holds on every kernel that its kernels line
// names, and without one on every kernel.
//
//	tcmalloc-cached-slab     a slab's address is cached over cpu_id_start
//	long-area                the same in an area of 64 bytes: what asks for V2?
//	own-cache                … and the caller's own cache after its membarrier
//	resize-against-cache     … and a slab that is resized meanwhile
//	pop-against-drain        a slab whose memory goes back to the system
//	fence-skips-unregistered a thread without an area needs no fence
//	ipi-against-event-mask   membarrier's interrupt against the kernel's own mask
//	notification-counter     a word that the kernel resets at every preemption
//	stale-rseq-cs            an area that is registered with an old rseq_cs
//	register-against-signal  a thread and its signal handler register
//	library-asks-the-kernel  a library finds out by registering who owns the area
//	library-takes-32         … and one that goes by the size that libc tells
//	two-libraries            each library registers an area of its own
//	remote-clear             a concurrency id that another CPU takes back
//	spawn-inherits-area      a child in shared memory keeps the registration
//	restore-inside           a thread that is dumped inside a section
//	single-step              a thread that is stopped behind every instruction
//	yield-inside             a system call inside a section
//
// The table testdata/verdicts.txt has the verdict on every known kernel of amd64, arm64,
// 32-bit arm and s390x, with the number of kernel events and transitions of the shortest run that
// breaks a program.
//
// # Non-goals
//
// The stories are told in the fewest instructions that show the point; they aren't
// the code of those who made the claim. Time slices have programs of their own.
package debates
