// One operation for each thing that lint finds: each adds n to this CPU's
// counter as counter_add does, but for what its name says.
#include "rseq.h"

#if defined(__x86_64__)
#define LOAD "movq %[v], %%rdx\n"
#define ADD "addq %[n], %%rdx\n"
#define STORE "movq %%rdx, %[v]\n"
#define TOUCHED , "rdx", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11", "xmm0"
#define SYSCALL "syscall\n"
#define CALL "call helper\n"
#define RETURN "ret\n"
#define INDIRECT "jmp *%[n]\n"
#define TRAP "ud2\n"
#define NONZERO(to) "testq %%rdx, %%rdx\njnz " to "\n"
#define GOTO(to) "jmp " to "\n"
#define FLOAT "addss %%xmm0, %%xmm0\n"
#define OTHER_SIGNATURE ".byte 0x0f, 0xb9, 0x3d\n.long 0x12345678\n"
#define LEA_ONLY "leaq 3b(%%rip), %%rax\n"
#define ARM_STORE "movq %%rax, %%fs:8(%[area])\n"
#elif defined(__aarch64__)
#define LOAD "ldr x10, %[v]\n"
#define ADD "add x10, x10, %[n]\n"
#define STORE "str x10, %[v]\n"
#define TOUCHED , "x0", "x8", "x30", "v0"
#define SYSCALL "svc #0\n"
#define CALL "bl helper\n"
#define RETURN "ret\n"
#define INDIRECT "br %[n]\n"
#define TRAP "brk #0\n"
#define NONZERO(to) "cbnz x10, " to "\n"
#define GOTO(to) "b " to "\n"
#define FLOAT "fadd d0, d0, d0\n"
#define OTHER_SIGNATURE ".inst 0x12345678\n"
#define LEA_ONLY "adrp x9, 3b\nadd x9, x9, :lo12:3b\n"
#define ARM_STORE "str x9, [%[area], #8]\n"
#else
#define LOAD "ld t1, %[v]\n"
#define ADD "add t1, t1, %[n]\n"
#define STORE "sd t1, %[v]\n"
#define TOUCHED , "a7", "ra", "fa0"
#define SYSCALL "ecall\n"
#define CALL "call helper\n"
#define RETURN "ret\n"
#define INDIRECT "jr %[n]\n"
#define TRAP "ebreak\n"
#define NONZERO(to) "bnez t1, " to "\n"
#define GOTO(to) "j " to "\n"
#define FLOAT "fadd.d fa0, fa0, fa0\n"
#define OTHER_SIGNATURE ".balign 4\n.4byte 0x12345678\n"
#define LEA_ONLY "lla t0, 3b\n"
#define ARM_STORE "sd t0, 8(%[area])\n"
#endif

__attribute__((noinline, used)) void helper(void) { }

#define OPERATION(name, ...) \
	struct result name(struct counter *c, unsigned long n) \
	{ \
		int cpu = cpu_id_start(); \
		asm goto (__VA_ARGS__ \
			: : [v] "m" (c[cpu].n), [n] "r" (n), [cpu] "r" (cpu), [area] "r" (AREA) \
			: CLOBBERS TOUCHED : failed); \
		return (struct result){ 0, cpu }; \
	failed: \
		return (struct result){ 1, cpu }; \
	}

#define END "2:\n" ABORTED("%l[failed]")
#define CHECK SAME_CPU("%l[failed]")
#define COUNT LOAD ADD STORE
#define GOOD DESCRIPTOR(EXIT("%l[failed]"))

OPERATION(right, GOOD ARM_SECTION CHECK COUNT END)

// The descriptor.
OPERATION(version_one, DESCRIPTOR_AT(1, 0, "1f", "2f - 1f", "4f", EXIT("%l[failed]")) ARM_SECTION CHECK COUNT END)
OPERATION(flags_set, DESCRIPTOR_AT(0, 1, "1f", "2f - 1f", "4f", EXIT("%l[failed]")) ARM_SECTION CHECK COUNT END)
OPERATION(empty_range, DESCRIPTOR_AT(0, 0, "1f", "0", "4f", "") ARM_SECTION CHECK COUNT END)
OPERATION(mid_instruction, DESCRIPTOR_AT(0, 0, "1f", "2f - 1f - 1", "4f", EXIT("%l[failed]")) ARM_SECTION CHECK COUNT END)
OPERATION(abort_inside, DESCRIPTOR_AT(0, 0, "1f", "2f - 1f", "6f", EXIT("%l[failed]")) ARM_SECTION CHECK LOAD "6:\n" ADD STORE END)
OPERATION(abort_in_data, DESCRIPTOR_AT(0, 0, "1f", "2f - 1f", "3b", EXIT("%l[failed]")) ARM_SECTION CHECK COUNT END)
OPERATION(bad_signature, GOOD ARM_SECTION CHECK COUNT "2:\n" GOTO("7f") OTHER_SIGNATURE "4:\n" GOTO("%l[failed]") "7:\n")
OPERATION(twice_described, GOOD GOOD ARM_SECTION CHECK COUNT END)
OPERATION(not_listed,
	".pushsection __rseq_cs, \"aw\"\n.balign 32\n3:\n.long 0, 0\n.quad 1f, 2f - 1f, 4f\n.popsection\n" EXIT("%l[failed]")
	ARM_SECTION CHECK COUNT END)

// The way in.
OPERATION(armed_early, GOOD LEA_ONLY ARM_STORE "nop\n1:\n" CHECK COUNT END)
OPERATION(never_armed, GOOD "1:\n" CHECK COUNT END)
OPERATION(unchecked_cpu, GOOD ARM_SECTION COUNT END)
OPERATION(checked_late, GOOD ARM_SECTION COUNT CHECK STORE END)

// The middle.
OPERATION(never_stores, GOOD ARM_SECTION CHECK LOAD ADD END)
OPERATION(goes_on, GOOD ARM_SECTION CHECK COUNT LOAD END)
OPERATION(system_call, GOOD ARM_SECTION CHECK SYSCALL COUNT END)
OPERATION(function_call, GOOD ARM_SECTION CHECK CALL COUNT END)
OPERATION(indirect_jump, GOOD ARM_SECTION CHECK LOAD NONZERO("6f") INDIRECT "6:\n" ADD STORE END)
OPERATION(return_inside, GOOD ARM_SECTION CHECK LOAD NONZERO("6f") RETURN "6:\n" ADD STORE END)
OPERATION(trap_inside, GOOD ARM_SECTION CHECK LOAD NONZERO("6f") TRAP "6:\n" ADD STORE END)
OPERATION(spins, GOOD ARM_SECTION CHECK "6:\n" LOAD NONZERO("6b") ADD STORE END)
OPERATION(never_ends, GOOD ARM_SECTION CHECK "6:\n" NONZERO("6b") COUNT END)
OPERATION(too_long, GOOD ARM_SECTION CHECK ".rept 300\nnop\n.endr\n" COUNT END)
OPERATION(not_lifted, GOOD ARM_SECTION CHECK FLOAT COUNT END)

// The ways out.
OPERATION(undeclared_exit, DESCRIPTOR(EXIT("4f")) ARM_SECTION CHECK COUNT END)

// The operation of the kernel's selftests for riscv64 that adds to a register
// and stores nothing: it dereferences v + n, and that is all.
OPERATION(deref_add_unstored, GOOD ARM_SECTION CHECK LOAD ADD
#if defined(__x86_64__)
	"movq (%%rdx), %%rdx\n"
#elif defined(__aarch64__)
	"ldr x10, [x10]\n"
#else
	"ld t1, 0(t1)\n"
#endif
	ADD END)
