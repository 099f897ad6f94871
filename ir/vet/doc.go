// Package vet finds what looks wrong in the critical sections of a program,
// without running it.
//
// A restartable sequence is four addresses that have to be right together, a
// store that makes the kernel know them, a comparison that makes sure of the
// CPU, and one store that commits:
//
//	func push(node)
//	    cs push_cs: start_ip=start post_commit_ip=commit abort_ip=abort
//	retry:
//	    ld.4  r2, [tp + cpu_id_start]                     # 1. the CPU, for now
//	    { shl t0, r2, percpu_shift; add r3, t0, head }
//	    mov   r4, push_cs
//	    st.8  [tp + rseq_cs], r4                          # 2. armed, and directly
//	start:                                                #    behind that:
//	    ld.4  r4, [tp + cpu_id]
//	    bne.4 r4, r2, abort                               # 3. still that CPU?
//	    ld.8  r4, [r3]
//	    st.8  [r0], r4                                    # out of sight
//	    st.8  [r3], r0                                    # 4. the commit, and directly
//	commit:                                               #    behind that:
//	    ret
//	    sig                                               # 5. in front of abort_ip
//	abort:
//	    jmp   retry                                       # 6. from 1 on
//
// The compiler checks none of that, and a program that gets it wrong works
// nearly always. [Program] knows these rules and reports each place that breaks
// one as a [Finding]; [Checks] lists them with the reason for each. A search
// finds the schedule on which a program goes wrong; a finding says which line
// is to blame, and needs no schedule, no scripts and no specification.
//
// # How it knows
//
// It follows the control flow of the linked image, the kernel's way from every
// instruction of a section to its abort_ip included, and keeps three things for
// every place: which registers hold a known number or an address in the
// thread's area; from which loads of the kernel's ids (cpu_id_start, cpu_id,
// node_id, mm_cid) a value was made; and what rseq_cs may hold. An interruption
// between two instructions is part of that: outside of the armed section it
// disarms.
//
// # What a finding is worth
//
// Findings are few and meant to be right: where something can't be decided,
// nothing is said. No finding is no proof. A finding about a program that is
// right after all is a bug, with these exceptions: threads that never leave
// their CPU need no comparison of cpu_id, and a section may be written to be
// aborted (a loop without an end) or killed.
//
// The rules are those of all kernels together: what one of them punishes is
// wrong. Two differ so much that programs were built on them, and a program
// with the directive `kernels` has made its choice, unless it only excludes
// some: nothing is said about its flags and its stores to the kernel's fields.
// `register legacy` permits such stores too, and `register none` also leaves
// the value of the signature to the program, since that registers its area
// itself.
//
// # Bounds
//
// Of sections that overlap, only the first is looked into. The time is bounded
// by the size of the program: an analysis that doesn't settle soon gives up and
// takes nothing for known.
//
// # Non-goals
//
// It doesn't ask whether a structure is correct: two stores in a section may be
// a try and a commit, and whether the first is harmless depends on who reads
// it. It follows no value through memory, through a call or through a jump to
// a register, and doesn't compare two addresses that aren't the same operand.
// It has nothing to say about memory order, about style, and about what the
// linker refuses.
package vet
