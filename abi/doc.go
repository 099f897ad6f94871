// Package abi holds what user space and the Linux kernel agree on about
// restartable sequences: memory layouts and their encoding, flags, errnos,
// signals, and system-call numbers, per architecture and kernel release.
//
// # The ABI in one page
//
// A thread registers a small area of its own memory with rseq(2), usually in
// its thread-local storage: struct rseq, here [RSeq]. From then on the kernel
// keeps the number of the CPU that the thread runs on in its first two words,
// and later kernels also the NUMA node and a dense per-process concurrency id
// (mm_cid).
//
// Before it enters a critical section the thread stores the address of a
// descriptor, struct rseq_cs, here [RSeqCS], into the area's rseq_cs field.
// The descriptor says where the section starts, how long it is, and where to
// go instead of finishing it. When the kernel preempts the thread, migrates it
// or delivers a signal to it while its instruction pointer is inside, the
// thread continues at abort_ip, and the section's last instruction, the commit,
// has not happened:
//
//	        start_ip                     start_ip + post_commit_offset
//	           |                               |
//	 store     v                               v
//	rseq_cs -> [ load cpu_id | ... | commit ]  next      SIG abort_ip: ...
//	           \____________________________/            ^^^
//	            an interruption in here ---------------> 4 bytes that must
//	                                                     equal the signature
//
// The four bytes before abort_ip must hold the signature that the thread
// registered (see [Arch.Signature]), so that a stray write to rseq_cs can't
// send the thread to an address of an attacker's choice.
//
// The area has grown twice, and how long a kernel thinks it is can be read
// from the auxiliary vector: see [Layout] and [FeatureSize].
//
// Around rseq(2) itself stand membarrier(2), which restarts the sections that
// other threads are in ([MembarrierPrivateExpeditedRSeq]), prctl(2), which
// turns time-slice extension on ([PrctlRSeqSliceExtension]), and ptrace(2),
// which tells a debugger where a thread's area is ([PtraceRSeqConfiguration]).
//
// # Encoding
//
// Put methods and Decode functions work in memory that the caller owns, in
// either byte order, whatever the machine that they run on; they don't
// allocate, and a buffer that is too short is a [*ShortBufferError], never a
// panic.
//
// # Non-goals
//
// The package has no rules, only words: what a kernel does with these values,
// and which kernel does what, is package emu's to say. It makes no system
// call, needs no Linux, and is not a general system-call table: it names the
// calls that matter to a program with restartable sequences, and no other.
package abi
