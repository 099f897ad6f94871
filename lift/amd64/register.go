package amd64

import "github.com/rseqemu/rseqemu/ir"

// registers maps x86-64's numbers of the registers, rax = 0 to r15 = 15.
var registers = [16]ir.Reg{
	ir.R6, ir.R3, ir.R2, ir.R7, ir.SP, ir.R9, ir.R1, ir.R0, // rax rcx rdx rbx rsp rbp rsi rdi
	ir.R4, ir.R5, ir.R10, ir.R11, ir.R12, ir.R13, ir.R14, ir.R15, // r8 to r15
}

// Numbers of registers that some instruction uses without saying so.
const (
	rax = 0
	rcx = 1
	rdx = 2
	rsp = 4
	rbp = 5
	r12 = 12
)

var (
	names64 = [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}
	names32 = [16]string{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"}
	names16 = [16]string{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"}
	names8  = [16]string{"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"}
	high8   = [4]string{"ah", "ch", "dh", "bh"}
)

// nameOf is what the assembler calls the low w bytes of a register.
func nameOf(n uint8, w ir.Width) string {
	switch w {
	case 1:
		return names8[n]
	case 2:
		return names16[n]
	case 4:
		return names32[n]
	}
	return names64[n]
}

// Name returns what x86-64 calls a register of the lifted code, "rax" for r6; for
// one that stands for nothing, its own name. The thread pointer is fs.base, and
// the number of a system call orig_rax, as Linux calls it.
func Name(r ir.Reg) string {
	switch r {
	case ir.TP:
		return "fs.base"
	case ir.SysReg:
		return "orig_rax"
	}
	for n, to := range registers {
		if to == r {
			return names64[n]
		}
	}
	return r.String()
}

// Register returns the register that stands for x86-64's of that 64-bit name
// ("rax", "fs.base").
func Register(name string) (ir.Reg, bool) {
	if name == "fs.base" {
		return ir.TP, true
	}
	for n, s := range names64 {
		if s == name {
			return registers[n], true
		}
	}
	return ir.None, false
}
