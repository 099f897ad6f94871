// A stack on each CPU, with rseq: what the README compiles, lints and checks.
//
//	gcc -O2 -g -c stack.c                      (or clang; x86-64 or arm64)
//	rseqemu lint stack.o
//	rseqemu check stack.rseq --object stack.o
//
// With -DBUG, pop reads the head before it has compared cpu_id.
struct node { struct node *next; };
struct stack { struct node *head; char pad[56]; };

extern const long __rseq_offset;               // of struct rseq, from the thread pointer: libc's

#define DESCRIPTOR                                                             \
	".pushsection __rseq_cs, \"aw\"\n\t.balign 32\n"                       \
	"3:\t.long 0, 0\n\t.quad 1f, 2f - 1f, 4f\n\t.popsection\n\t"           \
	".pushsection __rseq_cs_ptr_array, \"aw\"\n\t.quad 3b\n\t.popsection\n\t"

#ifdef __x86_64__
# define LOAD_AREA(word)   ({ int v; asm volatile ("movl %%fs:" #word "(%1), %0" : "=r" (v) : "r" (__rseq_offset) : "memory"); v; })
# define BEGIN             DESCRIPTOR "leaq 3b(%%rip), %%rax\n\tmovq %%rax, %%fs:8(%[area])\n1:\t"
# define SAME_CPU          "cmpl %[cpu], %%fs:4(%[area])\n\tjne 4f\n\t"
# define END               "\n2:\n\t.pushsection __rseq_failure, \"ax\"\n\t"   \
	".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n4:\tjmp %l[retry]\n\t.popsection"
# define AREA              __rseq_offset
# define CLOBBERS          "memory", "cc", "rax", "rdx"
# define HEAD_IS_EXPECTED  "cmpq %[head], %[expected]\n\tjne %l[retry]\n\t"
# define STORE_HEAD        "movq %[node], %[head]"
# define LOAD_HEAD         "movq %[head], %%rdx\n\t"
# define EMPTY             "testq %%rdx, %%rdx\n\tje %l[empty]\n\t"
# define UNLINK            "movq %%rdx, %[got]\n\tmovq (%%rdx), %%rdx\n\tmovq %%rdx, %[head]"
#else // __aarch64__
static inline char *area(void) { char *tp; asm ("mrs %0, tpidr_el0" : "=r" (tp)); return tp + __rseq_offset; }
# define LOAD_AREA(word)   (*(volatile int *)(area() + word))
# define BEGIN             DESCRIPTOR "adrp x9, 3b\n\tadd x9, x9, :lo12:3b\n\tstr x9, [%[area], #8]\n1:\t"
# define SAME_CPU          "ldr w10, [%[area], #4]\n\tsub w10, w10, %w[cpu]\n\tcbnz w10, 4f\n\t"
# define END               "\n2:\tb 5f\n\t.inst 0xd428bc00\n4:\tb %l[retry]\n5:"
# define AREA              area()
# define CLOBBERS          "memory", "cc", "x9", "x10"
# define HEAD_IS_EXPECTED  "ldr x9, %[head]\n\tsub x9, x9, %[expected]\n\tcbnz x9, %l[retry]\n\t"
# define STORE_HEAD        "str %[node], %[head]"
# define LOAD_HEAD         "ldr x9, %[head]\n\t"
# define EMPTY             "cbz x9, %l[empty]\n\t"
# define UNLINK            "str x9, %[got]\n\tldr x9, [x9]\n\tstr x9, %[head]"
#endif

#ifdef BUG
# define CHECK_AND_LOAD    LOAD_HEAD           // of whichever CPU's stack this was
#else
# define CHECK_AND_LOAD    SAME_CPU LOAD_HEAD
#endif

struct result { struct node *node; long cpu; };

// push puts a node on this CPU's stack, and says which CPU's.
struct result push(struct node *node, struct stack *stacks)
{
	for (;;) {
		int cpu = LOAD_AREA(0);        // cpu_id_start
		struct node *expected = stacks[cpu].head;
		node->next = expected;
		asm goto (BEGIN SAME_CPU HEAD_IS_EXPECTED STORE_HEAD END
			  : : [head] "m" (stacks[cpu].head), [expected] "r" (expected), [node] "r" (node),
			      [cpu] "r" (cpu), [area] "r" (AREA) : CLOBBERS : retry);
		return (struct result){ 0, cpu };
retry:;
	}
}

// pop takes a node from this CPU's stack, or nothing, and says which CPU's.
struct result pop(struct stack *stacks)
{
	for (;;) {
		int cpu = LOAD_AREA(0);        // cpu_id_start
		struct node *got;
		asm goto (BEGIN CHECK_AND_LOAD EMPTY UNLINK END
			  : : [head] "m" (stacks[cpu].head), [got] "m" (got), [cpu] "r" (cpu), [area] "r" (AREA)
			  : CLOBBERS : retry, empty);
		return (struct result){ got, cpu };
empty:
		return (struct result){ 0, cpu };
retry:;
	}
}
