// A slab for each CPU to which a section moves many items at once, sixteen bytes
// at a time, as allocators do: through a vector register.
//
//	aarch64-linux-gnu-gcc -O2 -g -ffreestanding -ffile-prefix-map=$PWD=/testdata -c batch.c
//
// Labels in the assembly: 1 is start_ip, 2 post_commit_ip, 3 the descriptor and 4
// abort_ip. What tells "full" at 2 is the carry.

struct slab {
	unsigned long current, end;
	void *slot[14];
};

__thread struct { unsigned cpu_id_start, cpu_id; unsigned long rseq_cs; } __rseq_abi __attribute__((aligned(32)));

// push_pairs moves the n items, an even number, the last pair first, and returns 0, or 1 if there is no
// room for all.
unsigned long push_pairs(struct slab *slabs, void **items, unsigned long n)
{
	unsigned long full;
	asm volatile (
		".pushsection __rseq_cs, \"aw\"\n"
		".balign 32\n"
		"3:\n"
		".long 0, 0\n"
		".quad 1f, 2f - 1f, 4f\n"
		".popsection\n"
		".pushsection __rseq_cs_ptr_array, \"aw\"\n"
		".quad 3b\n"
		".popsection\n"
		"6:\n"
		"adrp x9, 3b\n"
		"add x9, x9, :lo12:3b\n"
		"str x9, [%[area], #8]\n"
		"1:\n"
		"ldr w10, [%[area], #4]\n"
		"add x10, %[slabs], x10, lsl #7\n"
		"ldp x9, x11, [x10]\n"
		"add x12, x9, %[n]\n"
		"cmp x11, x12\n"
		"b.cc 2f\n"
		"add x13, x10, x9, lsl #3\n"
		"add x14, %[items], %[n], lsl #3\n"
		"5:\n"
		"ldr q0, [x14, #-16]!\n"
		"str q0, [x13, #16]\n"
		"add x13, x13, #16\n"
		"sub x15, x14, %[items]\n"
		"cbnz x15, 5b\n"
		"str x12, [x10]\n"
		"2:\n"
		"cset %[full], cc\n"
		".pushsection .text.unlikely, \"ax\"\n"
		".inst 0xd428bc00\n"
		"4:\n"
		"b 6b\n"
		".popsection\n"
		: [full] "=r" (full)
		: [area] "r" (&__rseq_abi), [slabs] "r" (slabs), [items] "r" (items), [n] "r" (n)
		: "memory", "cc", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "v0");
	return full;
}
