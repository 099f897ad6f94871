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
//	always head[0] <= &node + 24          # after every transition
//	final  sum(head) == calls(push)       # when every thread has finished
//	norace node                           # no two threads access it at once, unless both load or neither is plain
//	blocks 16 alloc(pop) free(push)       # who else touches a block between free and alloc breaks it
//
// An immediate, a displacement, an argument and an initial value are a number
// (decimal, 0x…, negative, or 'c'), a symbol, or symbol ± number. Symbols are
// constants, data, descriptors and functions of the program, labels of the
// same function (in code only), and the built-in ones that [Builtins] lists:
// cpu_id_start and the other fields' offsets, percpu_shift, and the flags,
// commands, signals and errnos under the kernel's names. A system call that
// fails leaves a negative errno in r0, so that -EBUSY is a symbol too. The
// value of a constant is a number.
//
// A name has letters, digits and _, and is no register's. A label stands on a
// line of its own; a function is entered at its first line and ends where the
// next declaration begins. It has its cs lines first. Their fields are
//
//	start_ip=V post_commit_ip=V abort_ip=V version=N flags=N
//
// with post_commit_offset=N instead of post_commit_ip=V for one that is wrong
// or wraps around; version and flags may be left out.
//
// A thread's script is a list of calls, each with up to six arguments, for r0
// to r5. After `on` come CPUs and ranges of them: `thread on 0-1,3: pop`.
//
// Behind spec's parentheses, `sequential` asks for an order of the calls that
// keeps each thread's own, instead of one that keeps the order in time; `quiescent`
// for one that keeps the order of calls if no call was under way in between. The
// roles behind blocks are alloc (returns a block), free (is given one) and retire
// (returns one that is free from then on).
//
// # Conditions
//
// What follows always and final is an expression of 64-bit signed numbers; a
// comparison is 1 or 0, and a condition holds if it isn't 0. From loose to
// tight:
//
//	a || b
//	a && b
//	a == b   a != b   a < b   a <= b   a > b   a >= b     not in a row
//	a + b    a - b
//	a * b
//	(a)   42   -EBUSY
//	x          a constant, or the first element of data
//	x[a]       an element; of percpu data, the first on CPU a
//	&x         the address of data; of percpu data, that on CPU 0
//	sum(x)     all elements, on all CPUs
//	list(x, a) the nodes of the lists that begin at the elements of x, on all
//	           CPUs, linked by the word a bytes into a node
//	calls(f)   finished calls of a function
//	got(f)     those of them that returned something else than 0
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
//	csel.eq d, a, b                       any condition; no width
//	b.eq target                           eq ne lo hs ls hi lt ge le gt mi pl
//	beq bne a, b|imm, target              .1 .2 .4 .8
//	jmp target   jmpr a   call target   ret     last in a bundle, as are syscall and trap
//	fence   fence.w   fence.r
//	xadd xchg d, [m], a   cmpxchg d, [m], a
//	syscall name   syscall r8
//	trap ud   trap brk
//	nop
//
// An instruction that isn't four bytes long in its machine's code says so:
// `mov r1, r2 !3`. A bundle is braced, `lock { … }` makes it indivisible, and
// `lock` may stand before a single instruction too. A bundle has t0 and t1 to
// pass values on; both are gone at its end.
//
// [m] is [base + index<<s + sym + disp], any part absent, s from 0 to 3. An
// index without a base shows its shift, be it <<0.
//
// # Directives
//
//	arch arm64                            of the kernels, if none is named
//	cpus N            nodes N             stack BYTES
//	register full     register legacy     register none
//	budget preempt=2 migrate=1 signal=0
//	kernels 6.3.. !6.19                   what the program claims to be right on
//	handler SIGUSR1: on_usr1
//
// Each but handler is given once. The patterns behind kernels are those of
// whoever runs the program, and so are the events of a budget.
//
// # Canonical text
//
// A [Program] prints as text that parses to the same program, and [Format]
// brings any text into that form. It keeps the order of the declarations, the
// comments, and single blank lines; it sets instructions four spaces in and
// labels at the margin, puts a blank line around every function and between
// blocks of other declarations (constants and data; handlers and threads; the
// rest), and aligns trailing comments. Numbers are decimal up to 4095 and if
// they are whole thousands, and hexadecimal otherwise. An indented comment
// behind a function's last line belongs to it, one at the margin to what
// follows.
//
// A trailing comment that begins with a hexadecimal number and a colon is the
// machine code that the instruction was lifted from: `# 401136: ret  list.c:7`.
// Stories show it instead of the instruction.
//
// # Bounds
//
// A text is UTF-8 of at most [MaxSource] bytes with at most [MaxLines] lines of
// code; what the areas of memory hold is bounded by [MaxCode] and [MaxArea].
// Whatever is wrong with a text is a [*SyntaxError], whatever is wrong with a
// program that could be read a [*LinkError]; nothing panics.
//
// # Non-goals
//
// It is no assembler for a real machine, no compiler target and no place for
// macros: a program is as short as a critical section is. Multiplication,
// floating point and SIMD do not occur in critical sections and not here.
package ir
