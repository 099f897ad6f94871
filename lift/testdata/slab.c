// A slab for each CPU in the manner of allocators: the header's current index is
// the commit, the section's end is also the way out for "full" and "empty", and
// what tells them apart are the flags, which the code behind it reads. The
// section goes back to before its start by itself when it is aborted, and
// declares no exits.
#include "rseq.h"

struct slab {
	unsigned long current, end;
	void *slot[14];
};

// The area of the thread itself, as code has it that registers its own.
__thread struct { unsigned cpu_id_start, cpu_id; unsigned long rseq_cs; } __rseq_abi __attribute__((aligned(32)));

#if defined(__x86_64__)
#define RETRY_ON_ABORT \
	".pushsection .text.unlikely, \"ax\"\n" \
	SIGNATURE \
	"4:\n" \
	"jmp 6b\n" \
	".popsection\n"
#elif defined(__aarch64__)
#define RETRY_ON_ABORT \
	".pushsection .text.unlikely, \"ax\"\n" \
	SIGNATURE \
	"4:\n" \
	"b 6b\n" \
	".popsection\n"
#else
#define RETRY_ON_ABORT "j 5f\n" SIGNATURE "4:\nj 6b\n5:\n"
#endif

// slab_push returns 0, or 1 if the slab is full.
unsigned long slab_push(struct slab *slabs, void *item)
{
	unsigned long full;
#if defined(__x86_64__)
	unsigned long at, s;
	asm volatile (
		DESCRIPTOR("")
		"6:\n"
		"leaq 3b(%%rip), %[at]\n"
		"movq %[at], %%fs:__rseq_abi@tpoff+8\n"
		"1:\n"
		"movl %%fs:__rseq_abi@tpoff+4, %k[s]\n"
		"shlq $7, %[s]\n"
		"addq %[slabs], %[s]\n"
		"movq (%[s]), %[at]\n"
		"cmpq 8(%[s]), %[at]\n"
		"jae 2f\n"
		"movq %[item], 16(%[s],%[at],8)\n"
		"leaq 1(%[at]), %[at]\n"
		"movq %[at], (%[s])\n"
		"2:\n"
		RETRY_ON_ABORT
		: "=@ccae" (full), [at] "=&r" (at), [s] "=&r" (s) : [slabs] "r" (slabs), [item] "r" (item) : "memory");
#elif defined(__aarch64__)
	char *tp = (char *)&__rseq_abi;
	asm volatile (
		DESCRIPTOR("")
		"6:\n"
		"adrp x9, 3b\n"
		"add x9, x9, :lo12:3b\n"
		"str x9, [%[tp], #8]\n"
		"1:\n"
		"ldr w10, [%[tp], #4]\n"
		"add x10, %[slabs], x10, lsl #7\n"
		"ldr x9, [x10]\n"
		"ldr x11, [x10, #8]\n"
		"cmp x9, x11\n"
		"b.hs 2f\n"
		"add x12, x10, x9, lsl #3\n"
		"str %[item], [x12, #16]\n"
		"add x9, x9, #1\n"
		"str x9, [x10]\n"
		"2:\n"
		"cset %[full], hs\n"
		RETRY_ON_ABORT
		: [full] "=r" (full) : [tp] "r" (tp), [slabs] "r" (slabs), [item] "r" (item) : "memory", "cc", "x9", "x10", "x11", "x12");
#else
	char *tp = (char *)&__rseq_abi;
	asm volatile (
		DESCRIPTOR("")
		"6:\n"
		"lla t0, 3b\n"
		"sd t0, 8(%[tp])\n"
		"1:\n"
		"li %[full], 1\n"
		"lw t1, 4(%[tp])\n"
		"slli t1, t1, 7\n"
		"add t1, t1, %[slabs]\n"
		"ld t0, 0(t1)\n"
		"ld t2, 8(t1)\n"
		"bgeu t0, t2, 2f\n"
		"slli t2, t0, 3\n"
		"add t2, t2, t1\n"
		"sd %[item], 16(t2)\n"
		"addi t0, t0, 1\n"
		"li %[full], 0\n"
		"sd t0, 0(t1)\n"
		"2:\n"
		RETRY_ON_ABORT
		: [full] "=&r" (full) : [tp] "r" (tp), [slabs] "r" (slabs), [item] "r" (item) : "memory", "t0", "t1", "t2");
#endif
	return full;
}

// slab_pop returns the last item, or 0 if there is none.
void *slab_pop(struct slab *slabs)
{
	void *item;
	unsigned long empty;
#if defined(__x86_64__)
	unsigned long at, s;
	asm volatile (
		DESCRIPTOR("")
		"6:\n"
		"leaq 3b(%%rip), %[at]\n"
		"movq %[at], %%fs:__rseq_abi@tpoff+8\n"
		"1:\n"
		"movl %%fs:__rseq_abi@tpoff+4, %k[s]\n"
		"shlq $7, %[s]\n"
		"addq %[slabs], %[s]\n"
		"movq (%[s]), %[at]\n"
		"subq $1, %[at]\n"
		"jb 2f\n"
		"movq 16(%[s],%[at],8), %[item]\n"
		"movq %[at], (%[s])\n"
		"2:\n"
		RETRY_ON_ABORT
		: "=@ccb" (empty), [item] "=&r" (item), [at] "=&r" (at), [s] "=&r" (s) : [slabs] "r" (slabs) : "memory");
#elif defined(__aarch64__)
	char *tp = (char *)&__rseq_abi;
	asm volatile (
		DESCRIPTOR("")
		"6:\n"
		"adrp x9, 3b\n"
		"add x9, x9, :lo12:3b\n"
		"str x9, [%[tp], #8]\n"
		"1:\n"
		"ldr w10, [%[tp], #4]\n"
		"add x10, %[slabs], x10, lsl #7\n"
		"ldr x9, [x10]\n"
		"subs x9, x9, #1\n"
		"b.lo 2f\n"
		"add x12, x10, x9, lsl #3\n"
		"ldr %[item], [x12, #16]\n"
		"str x9, [x10]\n"
		"2:\n"
		"cset %[empty], lo\n"
		RETRY_ON_ABORT
		: [empty] "=r" (empty), [item] "=&r" (item) : [tp] "r" (tp), [slabs] "r" (slabs) : "memory", "cc", "x9", "x10", "x12");
#else
	char *tp = (char *)&__rseq_abi;
	asm volatile (
		DESCRIPTOR("")
		"6:\n"
		"lla t0, 3b\n"
		"sd t0, 8(%[tp])\n"
		"1:\n"
		"lw t1, 4(%[tp])\n"
		"slli t1, t1, 7\n"
		"add t1, t1, %[slabs]\n"
		"ld %[empty], 0(t1)\n"
		"beqz %[empty], 2f\n"
		"addi t0, %[empty], -1\n"
		"slli t2, t0, 3\n"
		"add t2, t2, t1\n"
		"ld %[item], 16(t2)\n"
		"sd t0, 0(t1)\n"
		"2:\n"
		RETRY_ON_ABORT
		: [empty] "=&r" (empty), [item] "=&r" (item) : [tp] "r" (tp), [slabs] "r" (slabs) : "memory", "t0", "t1", "t2");
	empty = !empty;
#endif
	return empty ? 0 : item;
}
