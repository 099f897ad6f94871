// Per-CPU operations as libraries have them, each a small function with its
// arguments where the calling convention puts them. wrong.c has broken ones.
#include "rseq.h"

// counter_add adds n to this CPU's counter and returns what it was before.
struct result counter_add(struct counter *c, unsigned long n)
{
	for (;;) {
		int cpu = cpu_id_start();
		unsigned long *v = &c[cpu].n;
		asm goto (
			DESCRIPTOR(EXIT("%l[retry]"))
			ARM_SECTION
			SAME_CPU("%l[retry]")
#if defined(__x86_64__)
			"addq %[n], %[v]\n"
#elif defined(__aarch64__)
			"ldr x9, %[v]\n"
			"add x9, x9, %[n]\n"
			"str x9, %[v]\n"
#else
			"ld t0, %[v]\n"
			"add t0, t0, %[n]\n"
			"sd t0, %[v]\n"
#endif
			"2:\n"
			ABORTED("%l[retry]")
			: : [v] "m" (*v), [n] "r" (n), [cpu] "r" (cpu), [area] "r" (AREA) : CLOBBERS : retry);
		return (struct result){ 0, cpu };
retry:;
	}
}

// list_push links a node in front of this CPU's list.
struct result list_push(struct list *l, struct node *node)
{
	for (;;) {
		int cpu = cpu_id_start();
		struct node *head = l[cpu].head;
		node->next = head;
		asm goto (
			DESCRIPTOR(EXIT("%l[retry]"))
			ARM_SECTION
			SAME_CPU("4f")
#if defined(__x86_64__)
			"cmpq %[v], %[expect]\n"
			"jnz %l[retry]\n"
			"movq %[node], %[v]\n"
#elif defined(__aarch64__)
			"ldr x9, %[v]\n"
			"sub x9, x9, %[expect]\n"
			"cbnz x9, %l[retry]\n"
			"str %[node], %[v]\n"
#else
			"ld t0, %[v]\n"
			"bne t0, %[expect], %l[retry]\n"
			"sd %[node], %[v]\n"
#endif
			"2:\n"
			ABORTED("%l[retry]")
			: : [v] "m" (l[cpu].head), [expect] "r" (head), [node] "r" (node), [cpu] "r" (cpu), [area] "r" (AREA)
			: CLOBBERS : retry);
		return (struct result){ 0, cpu };
retry:;
	}
}

// list_pop takes the first node of this CPU's list, or nothing.
struct result list_pop(struct list *l)
{
	for (;;) {
		int cpu = cpu_id_start();
		struct node *got;
		asm goto (
			DESCRIPTOR(EXIT("%l[empty]"))
			ARM_SECTION
			SAME_CPU("4f")
#if defined(__x86_64__)
			"movq %[v], %%rdx\n"
			"testq %%rdx, %%rdx\n"
			"jz %l[empty]\n"
			"movq %%rdx, %[got]\n"
			"movq (%%rdx), %%rdx\n"
			"movq %%rdx, %[v]\n"
#elif defined(__aarch64__)
			"ldr x9, %[v]\n"
			"cbz x9, %l[empty]\n"
			"str x9, %[got]\n"
			"ldr x9, [x9]\n"
			"str x9, %[v]\n"
#else
			"ld t0, %[v]\n"
			"beqz t0, %l[empty]\n"
			"sd t0, %[got]\n"
			"ld t0, (t0)\n"
			"sd t0, %[v]\n"
#endif
			"2:\n"
			ABORTED("%l[retry]")
			: : [v] "m" (l[cpu].head), [got] "m" (got), [cpu] "r" (cpu), [area] "r" (AREA)
			: CLOBBERS
#if defined(__x86_64__)
			  , "rdx"
#endif
			: retry, empty);
		return (struct result){ (unsigned long)got, cpu };
empty:
		return (struct result){ 0, cpu };
retry:;
	}
}

// buffer_push copies an item behind the others of this CPU's buffer, byte by
// byte, and then counts it.
struct result buffer_push(struct buffer *b, const struct item *item)
{
	for (;;) {
		int cpu = cpu_id_start();
		unsigned long count = b[cpu].count, next = count + 1;
		char *to = (char *)b[cpu].items + count * sizeof(*item);
		const char *from = (const char *)item;
		unsigned long left = sizeof(*item);
		// The copy works on registers of its own, so that a restart finds
		// what it needs.
		asm goto (
			DESCRIPTOR(EXIT("%l[retry]"))
			ARM_SECTION
			SAME_CPU("4f")
#if defined(__x86_64__)
			"cmpq %[v], %[expect]\n"
			"jnz %l[retry]\n"
			"xorl %%edx, %%edx\n"
			"6:\n"
			"movb (%[from],%%rdx), %%al\n"
			"movb %%al, (%[to],%%rdx)\n"
			"incq %%rdx\n"
			"cmpq %[left], %%rdx\n"
			"jne 6b\n"
			"movq %[next], %[v]\n"
#elif defined(__aarch64__)
			"ldr x9, %[v]\n"
			"sub x9, x9, %[expect]\n"
			"cbnz x9, %l[retry]\n"
			"mov x10, %[left]\n"
			"6:\n"
			"sub x10, x10, #1\n"
			"ldrb w9, [%[from], x10]\n"
			"strb w9, [%[to], x10]\n"
			"cbnz x10, 6b\n"
			"str %[next], %[v]\n"
#else
			"ld t0, %[v]\n"
			"bne t0, %[expect], %l[retry]\n"
			"mv t1, %[left]\n"
			"6:\n"
			"addi t1, t1, -1\n"
			"add t0, %[from], t1\n"
			"lb t2, 0(t0)\n"
			"add t0, %[to], t1\n"
			"sb t2, 0(t0)\n"
			"bnez t1, 6b\n"
			"sd %[next], %[v]\n"
#endif
			"2:\n"
			ABORTED("%l[retry]")
			: : [v] "m" (b[cpu].count), [expect] "r" (count), [next] "r" (next), [to] "r" (to), [from] "r" (from),
			    [left] "r" (left), [cpu] "r" (cpu), [area] "r" (AREA)
			: CLOBBERS
#if defined(__x86_64__)
			  , "rdx"
#elif defined(__riscv)
			  , "t2"
#endif
			: retry);
		return (struct result){ 0, cpu };
retry:;
	}
}

// deref_add adds n to the word at the offset off from where this CPU's word of v
// points.
struct result deref_add(unsigned long **v, long off, unsigned long n)
{
	for (;;) {
		int cpu = cpu_id_start();
		asm goto (
			DESCRIPTOR(EXIT("%l[retry]"))
			ARM_SECTION
			SAME_CPU("%l[retry]")
#if defined(__x86_64__)
			"movq %[v], %%rdx\n"
			"addq %[off], %%rdx\n"
			"movq (%%rdx), %%rdx\n"
			"addq %[n], (%%rdx)\n"
#elif defined(__aarch64__)
			"ldr x9, %[v]\n"
			"ldr x9, [x9, %[off]]\n"
			"ldr x10, [x9]\n"
			"add x10, x10, %[n]\n"
			"str x10, [x9]\n"
#else
			"ld t0, %[v]\n"
			"add t0, t0, %[off]\n"
			"ld t0, 0(t0)\n"
			"ld t1, 0(t0)\n"
			"add t1, t1, %[n]\n"
			"sd t1, 0(t0)\n"
#endif
			"2:\n"
			ABORTED("%l[retry]")
			: : [v] "m" (v[cpu]), [off] "r" (off), [n] "r" (n), [cpu] "r" (cpu), [area] "r" (AREA)
			: CLOBBERS
#if defined(__x86_64__)
			  , "rdx"
#endif
			: retry);
		return (struct result){ 0, cpu };
retry:;
	}
}
