// Package ir is the small instruction set that critical sections are written
// in, and the text and Go forms of a whole program in it.
//
// # The rule
//
// One instruction is one machine instruction of a real instruction set, and so
// one point at which the kernel may interrupt. An instruction is a bundle of
// one to three micro-ops: x86's add [mem], reg is
//
//	{ ld.8 t0, [r3]; add t0, t0, r5; st.8 [r3], t0 }
//
// which no interrupt can split, but between whose load and store another CPU
// can look, unless it is marked lock.
//
// # Text
//
// A line is a declaration, a label or an instruction; # starts a comment.
//
//	const  NEXT = 8
//	percpu head: u64                      # one on each CPU, 1<<percpu_shift bytes apart
//	data   node: u64[4] = 0, 10, 0, 20    # u8, u16, u32, u64
//	rodata magic: u32 = 0x1234
//	tls    slab: u32 @ -4                 # at tp-4; without @, after struct rseq
//
//	func push(node, value)                # node is r0, value is r1: names are documentation
//	    cs push_cs: start_ip=start post_commit_ip=commit abort_ip=abort
//	retry:
//	    ld.4  r2, [tp + cpu_id_start]
//	    { shl t0, r2, percpu_shift; add r3, t0, head }
//	    mov   r4, push_cs
//	    st.8  [tp + rseq_cs], r4
//	start:
//	    ld.4  r4, [tp + cpu_id]
//	    bne.4 r4, r2, abort
//	    ld.8  r4, [r3]
//	    st.8  [r0], r4
//	    st.8  [r3], r0
//	commit:
//	    mov   r0, r2
//	    ret
//	    sig                               # the 4 bytes before abort_ip; sig 0x1234 for a wrong one
//	abort:
//	    jmp   retry
//
//	thread: push node, 1; pop             # r0 = address of node; calls are separated by ;
//	thread on 0-1: pop                    # with an affinity mask
//
//	cpus 2
//	spec stack(push, pop)
//	always head[0] <= node + 8            # after every transition
//	final  sum(head) == calls(push)       # when every thread has finished
//
// An immediate, a displacement, an argument and an initial value are a number
// (decimal, 0x…, negative, or 'c'), a symbol, or symbol ± number. Symbols are
// constants, data, descriptors and functions of the program, labels of the
// same function, and the built-in ones that [Builtins] lists: cpu_id_start and
// the other fields' offsets, percpu_shift, and the flags, commands, signals and
// errnos under the kernel's names.
//
// # Instructions
//
// A width suffix .1 .2 .4 .8 gives the size in bytes; 8 is the default and is
// only written on ld and st. Operands are the destination first.
//
//	mov d, a|imm
//	add sub and or xor andn shl shr sar   d, a, b|imm
//	adds subs …                           the same and sets N Z C V; addsk, subsk keep C
//	cmp a, b    tst a, b                  subs and ands without a destination
//	zext sext   d, a                      .1 .2 .4
//	ins         d, a                      .1 .2 .4: the rest of d stays
//	ld d, [m]   ld.acq                    ll d, [m]
//	st [m], a|imm   st.rel                sc d, [m], a    (sc.rel, ll.acq)
//	la d, [m]
//	bit a, b|imm    flipc                 C := that bit; C := not C
//	csel.eq d, a, b                       any condition
//	b.eq target                           eq ne lo hs ls hi lt ge le gt mi pl
//	beq bne a, b|imm, target              .1 .2 .4 .8
//	jmp target   jmpr a   call target   ret
//	fence   fence.w   fence.r
//	xadd xchg d, [m], a   cmpxchg d, [m], a
//	syscall name   syscall r8
//	trap ud   trap brk
//	nop
//
// An instruction that isn't four bytes long in its machine's code says so:
// `mov r1, r2 !3`. A bundle is braced, `lock { … }` makes it indivisible, and
// `lock` may stand before a single instruction too.
//
// [m] is [base + index<<s + sym + disp], any part absent, s from 0 to 3.
//
// # Directives
//
//	cpus N            nodes N             stack BYTES
//	register full     register legacy     register none
//	budget preempt=2 migrate=1 signal=0
//	kernels 6.3.. !6.19                   what the program claims to be right on
//	handler SIGUSR1: on_usr1
//
// # Non-goals
//
// It is no assembler for a real machine, no compiler target and no place for
// macros: a program is as short as a critical section is. Multiplication,
// floating point and SIMD do not occur in critical sections and not here.
package ir
