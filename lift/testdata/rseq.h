// What the operations in this directory share: the layout of the ABI, and the
// pieces of a critical section for each architecture.
//
// Labels in the assembly: 1 is start_ip, 2 post_commit_ip, 3 the descriptor and
// 4 abort_ip. The thread's struct rseq is rseq_offset from the thread pointer,
// as the C library says it in __rseq_offset.
#ifndef RSEQ_H
#define RSEQ_H

extern const long rseq_offset;

// What an operation returns: in two registers, everywhere.
struct result {
	unsigned long value;
	unsigned long slot;
};

// One of each for each CPU, in a cache line of its own.
struct counter { unsigned long n; char pad[56]; };
struct list { struct node *head; char pad[56]; };
struct node { struct node *next; unsigned long value; };
struct buffer { unsigned long count; void *items; char pad[48]; };
struct item { unsigned long a, b; };

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

// A descriptor, and its place in the table of all. exits is more of that kind.
#define DESCRIPTOR_AT(version, flags, start, length, abort, exits) \
	".pushsection __rseq_cs, \"aw\"\n" \
	".balign 32\n" \
	"3:\n" \
	".long " TEXT(version) ", " TEXT(flags) "\n" \
	".quad " start ", " length ", " abort "\n" \
	".popsection\n" \
	".pushsection __rseq_cs_ptr_array, \"aw\"\n" \
	".quad 3b\n" \
	".popsection\n" \
	exits

#define DESCRIPTOR(exits) DESCRIPTOR_AT(0, 0, "1f", "2f - 1f", "4f", exits)

// EXIT declares a way out of the section, for tools.
#define EXIT(to) \
	".pushsection __rseq_exit_point_array, \"aw\"\n" \
	".quad 1f, " to "\n" \
	".popsection\n"

#if defined(__x86_64__)

#define AREA rseq_offset
static inline int cpu_id_start(void)
{
	int cpu;
	asm volatile ("movl %%fs:(%1), %0" : "=r" (cpu) : "r" (rseq_offset) : "memory");
	return cpu;
}
#define SIGNATURE ".byte 0x0f, 0xb9, 0x3d\n.long 0x53053053\n"
#define ARM_SECTION "leaq 3b(%%rip), %%rax\nmovq %%rax, %%fs:8(%[area])\n1:\n"
#define SAME_CPU(no) "cmpl %[cpu], %%fs:4(%[area])\njnz " no "\n"
#define ABORTED(to) \
	".pushsection __rseq_failure, \"ax\"\n" \
	SIGNATURE \
	"4:\n" \
	"jmp " to "\n" \
	".popsection\n"
#define CLOBBERS "memory", "cc", "rax"

#elif defined(__aarch64__)

static inline char *thread_area(void)
{
	char *tp;
	asm ("mrs %0, tpidr_el0" : "=r" (tp));
	return tp + rseq_offset;
}
#define AREA thread_area()
static inline int cpu_id_start(void) { return *(volatile int *)thread_area(); }
#define SIGNATURE ".inst 0xd428bc00\n"
#define ARM_SECTION "adrp x9, 3b\nadd x9, x9, :lo12:3b\nstr x9, [%[area], #8]\n1:\n"
#define SAME_CPU(no) "ldr w9, [%[area], #4]\nsub w9, w9, %w[cpu]\ncbnz w9, " no "\n"
#define ABORTED(to) "b 5f\n" SIGNATURE "4:\nb " to "\n5:\n"
#define CLOBBERS "memory", "cc", "x9", "x10"

#elif defined(__riscv)

static inline char *thread_area(void)
{
	char *tp;
	asm ("mv %0, tp" : "=r" (tp));
	return tp + rseq_offset;
}
#define AREA thread_area()
static inline int cpu_id_start(void) { return *(volatile int *)thread_area(); }
#define SIGNATURE ".balign 4\n.4byte 0xf1401073\n"
#define ARM_SECTION "lla t0, 3b\nsd t0, 8(%[area])\n1:\n"
#define SAME_CPU(no) "lw t0, 4(%[area])\nbne t0, %[cpu], " no "\n"
#define ABORTED(to) "j 5f\n" SIGNATURE "4:\nj " to "\n5:\n"
#define CLOBBERS "memory", "t0", "t1"

#else
#error "an architecture that the fixtures have no assembly for"
#endif

#endif
