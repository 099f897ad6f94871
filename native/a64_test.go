package native

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/arch/arm64/arm64asm"
)

// encoded is the machine code of a program's first instruction.
func encoded(t *testing.T, arch abi.Arch, instr string) ([]byte, error) {
	t.Helper()
	p, err := ir.Parse("p.rseq", []byte("percpu head: u64\npercpu tail: u64\ndata m: u64[4]\nfunc op()\n    "+instr+"\n    ret\n"))
	if err != nil {
		t.Fatal(err)
	}
	q, err := Lay(p, arch)
	if err != nil {
		return nil, err
	}
	im, err := ir.Link(q, arch)
	if err != nil {
		t.Fatal(err)
	}
	return isas[arch].machineCode(im, 0)
}

// disassembled is arm64 code in the syntax of the GNU tools; what the oracle
// doesn't know is a number.
func disassembled(code []byte) string {
	var lines []string
	for ; len(code) >= 4; code = code[4:] {
		in, err := arm64asm.Decode(code)
		if err != nil {
			lines = append(lines, fmt.Sprintf("%#08x", binary.LittleEndian.Uint32(code)))
			continue
		}
		lines = append(lines, strings.TrimSpace(arm64asm.GNUSyntax(in)))
	}
	return strings.Join(lines, "; ")
}

// TestArm64Instructions: what one instruction is, and what several are, by an
// oracle that decodes. The numbers are of the large system extensions, which it
// doesn't know.
func TestArm64Instructions(t *testing.T) {
	for _, tt := range []struct{ instr, want string }{
		{"nop", "nop"},
		{"mov r1, r2", "mov x1, x2"},
		{"mov r1, 0", "mov x1, #0x0"},
		{"mov r1, -1", "mov x1, #0xffffffffffffffff"},
		{"mov r1, 0x12345678", "mov x1, #0x5678; movk x1, #0x1234, lsl #16"},
		{"mov r1, 0xffff0000ffff0000", "mov x1, #0xffff0000ffff0000"},
		{"mov r1, 0x123456789abc", "mov x1, #0x9abc; movk x1, #0x5678, lsl #16; movk x1, #0x1234, lsl #32"},
		{"mov.4 r1, -2", "mov x1, #0xfffffffe"},
		{"mov r1, head", "mov x1, #0x300000"},
		{"mov r1, tail", "mov x1, #0x8; movk x1, #0x30, lsl #16"},
		{"mov r1, op", "mov x1, #0x0; movk x1, #0x1, lsl #16"},
		{"mov.4 r8, r16", "mov w23, w24"},
		{"mov r31, r17", "mov sp, x26"},
		{"add r1, r2, r3", "add x1, x2, x3"},
		{"add.4 r1, r2, 1", "add w1, w2, #0x1"},
		{"add r1, r2, -4096", "sub x1, x2, #0x1, lsl #12"},
		{"add r3, r1, tail", "add x3, x1, #0x300, lsl #12; add x3, x3, #0x8"},
		{"add r31, r31, 16", "add sp, sp, #0x10"},
		{"sub r1, r2, 0x123456", "sub x1, x2, #0x123, lsl #12; sub x1, x1, #0x456"},
		{"sub r31, r31, r4", "sub sp, sp, x4"},
		{"add r1, r2, op", "add x1, x2, #0x10, lsl #12; add x1, x1, #0x0"},
		{"adds r1, r2, 5", "adds x1, x2, #0x5"},
		{"subs.4 r1, r2, 0x12345", "mov x17, #0x2345; movk x17, #0x1, lsl #16; subs w1, w2, w17"},
		{"cmp r1, -1", "cmn x1, #0x1"},
		{"cmp.1 r1, r2", "lsl w16, w1, #24; subs w16, w16, w2, lsl #24"},
		{"cmp.2 r1, 0xfffe", "lsl w16, w1, #16; mov x17, #0xfffe0000; subs w16, w16, w17"},
		{"tst r1, 0xff", "tst x1, #0xff"},
		{"and r1, r2, 0xf0f0f0f0f0f0f0f0", "and x1, x2, #0xf0f0f0f0f0f0f0f0"},
		{"or.4 r1, r2, 0x80000001", "orr w1, w2, #0x80000001"},
		{"xor r1, r2, 5", "mov x17, #0x5; eor x1, x2, x17"},
		{"andn r1, r2, 0xff", "and x1, x2, #0xffffffffffffff00"},
		{"ors r1, r2, r3", "orr x1, x2, x3; tst x1, x1"},
		{"shl r1, r2, 3", "lsl x1, x2, #3"},
		{"shr.4 r1, r2, 31", "lsr w1, w2, #31"},
		{"sar r1, r2, 63", "asr x1, x2, #63"},
		{"shl.1 r1, r2, 9", "ubfiz w1, w2, #1, #7"},
		{"shr r1, r2, r3", "lsr x1, x2, x3"},
		{"zext.1 r1, r2", "uxtb w1, w2"},
		{"zext.2 r1, r2", "uxth w1, w2"},
		{"zext.4 r1, r2", "mov w1, w2"},
		{"sext.1 r1, r2", "sxtb x1, w2"},
		{"sext.2 r1, r2", "sxth x1, w2"},
		{"sext.4 r1, r2", "sxtw x1, w2"},
		{"ins.1 r1, r2", "bfxil x1, x2, #0, #8"},
		{"ins.4 r1, r2", "bfxil x1, x2, #0, #32"},
		{"ld.8 r1, [r2]", "ldr x1, [x2]"},
		{"ld.4 r1, [tp + cpu_id]", "ldr w1, [x28,#4]"},
		{"ld.1 r1, [r2 - 1]", "ldurb w1, [x2,#-1]"},
		{"ld.8 r1, [r2 + 4]", "ldur x1, [x2,#4]"},
		{"ld.2 r1, [r2 + r3<<1]", "ldrh w1, [x2,x3,lsl #1]"},
		{"ld.8 r1, [r2 + r3]", "ldr x1, [x2,x3]"},
		{"ld.8 r1, [r2 + r3<<2]", "add x16, x2, x3, uxtx #2; ldr x1, [x16]"},
		{"ld.8 r1, [r3<<3]", "lsl x16, x3, #3; ldr x1, [x16]"},
		{"ld.8 r1, [r2 + tail]", "add x16, x2, #0x300, lsl #12; ldr x1, [x16,#8]"},
		{"ld.8 r1, [r2 + 0x12345678]", "mov x16, #0x5678; movk x16, #0x1234, lsl #16; ldr x1, [x2,x16]"},
		{"ld.8 r1, [m]", "ldr x1, [x27]"},
		{"ld.8 r1, [m + 3]", "ldur x1, [x27,#3]"},
		{"ld.8 r1, [tail]", "mov x16, #0x300000; ldr x1, [x16,#8]"},
		{"ld.8.acq r1, [r31 + 8]", "add x16, sp, #0x8; ldar x1, [x16]"},
		{"st.4 [r2 + 8], 0", "str wzr, [x2,#8]"},
		{"st.8 [m], -1", "mov x17, #0xffffffffffffffff; str x17, [x27]"},
		{"st.8.rel [r2], r1", "stlr x1, [x2]"},
		{"st.1.rel [m + 1], 7", "add x16, x27, #0x1; mov x17, #0x7; stlrb w17, [x16]"},
		{"la r1, [r2 + 8]", "add x1, x2, #0x8"},
		{"la r1, [r2 + r3<<3 + 0x1001]", "add x1, x2, x3, uxtx #3; add x1, x1, #0x1, lsl #12; add x1, x1, #0x1"},
		{"la r1, [m + 8]", "add x1, x27, #0x8"},
		{"la r1, [tail]", "mov x1, #0x8; movk x1, #0x30, lsl #16"},
		{"beq r1, 0, op", "cbz x1, .+0x0"},
		{"bne.4 r1, r2, op", "eor w17, w1, w2; cbnz w17, .+0xfffffffffffffffc"},
		{"bne.4 r1, 3, op", "sub w17, w1, #0x3; cbnz w17, .+0xfffffffffffffffc"},
		{"beq.1 r1, 0, op", "uxtb w17, w1; cbz w17, .+0xfffffffffffffffc"},
		{"beq.2 r1, r2, op", "eor w17, w1, w2; uxth w17, w17; cbz w17, .+0xfffffffffffffff8"},
		{"beq.2 r1, -1, op", "add w17, w1, #0x1; uxth w17, w17; cbz w17, .+0xfffffffffffffff8"},
		{"beq r1, op, op", "sub x17, x1, #0x10, lsl #12; sub x17, x17, #0x0; cbz x17, .+0xfffffffffffffff8"},
		{"bne r1, -1, op", "add x17, x1, #0x1; cbnz x17, .+0xfffffffffffffffc"},
		{"jmp op", "b .+0x0"},
		{"jmpr r3", "br x3"},
		{"call op", "bl .+0x0"},
		{"ret", "ret"},
		{"fence", "dmb ish"},
		{"fence.w", "dmb ish"},
		{"fence.r", "dmb ishld"},
		{"xadd r1, [r2], r3", "0xf8e30041"},
		{"xchg.4 r1, [m], r3", "0xb8e38361"},
		{"cmpxchg.1 r1, [r2], r3", "mov x17, x1; 0x08e1fc43; cmp w1, w17, uxtb"},
		{"cmpxchg r1, [r2], r3", "mov x17, x1; 0xc8e1fc43; cmp x1, x17"},
		{"ll.4 r1, [r2]", "ldxr w1, [x2]"},
		{"ll.8.acq r1, [r2 + 8]", "add x16, x2, #0x8; ldaxr x1, [x16]"},
		{"sc.8 r1, [r2], r3", "stxr w1, x3, [x2]"},
		{"sc.4.rel r1, [r1], r3", "stlxr w17, w3, [x1]; mov x1, x17"},
		{"sc.1 r1, [r2], r1", "stxrb w17, w1, [x2]; mov x1, x17"},
		{"syscall getpid", "mov x8, #0xac; svc #0x0"},
		{"syscall r8", "mov x8, x23; svc #0x0"},
		{"syscall nanosleep", "mov x0, #0x680000; mov x8, #0x65; svc #0x0"},
		{"trap ud", "0x00000000"},
		{"trap brk", "brk #0x0"},
		{"{ cmp r1, r2; b.lo op }", "cmp x1, x2; b.cc .+0xfffffffffffffffc"},
		{"{ adds r1, r1, r2; b.lo op }", "adds x1, x1, x2; b.cs .+0xfffffffffffffffc"},
		{"{ tst r1, r2; b.hi op }", "tst x1, x2; b.ne .+0xfffffffffffffffc"},
		{"bit r1, 40", "tst x1, #0x10000000000"},
		{"bit.4 r1, r2", "lsr w17, w1, w2; tst w17, #0x1"},
		{"{ bit r1, r2; b.lo op }", "lsr x17, x1, x2; tst x17, #0x1; b.ne .+0xfffffffffffffff8"},
		{"{ bit r1, 40; b.lo op }", "tbnz x1, #40, .+0x0"},
		{"{ and t0, r1, 16; beq t0, 0, op }", "tbz w1, #4, .+0x0"},
		{"{ shl t0, r2, percpu_shift; add r3, r4, t0 }", "add x3, x4, x2, lsl #6"},
		{"{ shl t0, r2, percpu_shift; add r3, t0, head }", "lsl x25, x2, #6; add x3, x25, #0x300, lsl #12"},
		{"{ shl t0, r2, percpu_shift; add r3, t0, tail }", "lsl x25, x2, #6; add x3, x25, #0x300, lsl #12; add x3, x3, #0x8"},
		{"{ ld.8 t0, [r3]; add t0, t0, r5; st.8 [r3], t0 }", "0xf825007f"},
		{"{ ld.8 t0, [m + 8]; add t0, t0, 1; st.8 [m + 8], t0 }", "add x16, x27, #0x8; mov x17, #0x1; 0xf831021f"},
		{"lock { ld.4 t0, [r3]; sub.4 t0, t0, 1; st.4 [r3], t0 }", "mov x17, #0xffffffff; 0xb8f10071"},
		{"{ ld.1 t0, [r3]; and.1 t0, t0, r1; st.1 [r3], t0 }", "mvn x17, x1; 0x3831107f"},
		{"{ ld.8 t0, [r3 + tail]; or t0, t0, r2; st.8 [r3 + tail], t0 }", "add x16, x3, #0x300, lsl #12; add x16, x16, #0x8; 0xf822321f"},
		{"syscall fork", "mov x17, x30; bl .+0x5f00fc; svc #0x0"},
	} {
		code, err := encoded(t, abi.ARM64, tt.instr)
		if got := disassembled(code); err != nil || got != tt.want {
			t.Errorf("%s is %s (%v), want %s", tt.instr, got, err, tt.want)
		}
	}
}

// TestArm64RefusesWhatItHasNot with the reason.
func TestArm64RefusesWhatItHasNot(t *testing.T) {
	for _, tt := range []struct{ instr, want string }{
		{"mov r1, 0x123456789abcdef0", "its 16 bytes of machine code are more than one instruction can have"},
		{"tst.1 r1, 0x80", "its 16 bytes of machine code are more than one instruction can have"},
		{"xors.2 r1, r2, r3", "its 16 bytes of machine code are more than one instruction can have"},
		{"sar.1 r1, r2, r3", "its 16 bytes of machine code are more than one instruction can have"},
		{"{ cmpxchg.4 r1, [r2], r3; b.eq op }", "its 16 bytes of machine code are more than one instruction can have"},
		{"{ ld.8 t0, [r3 + tail]; add t0, t0, 1; st.8 [r3 + tail], t0 }", "its 20 bytes of machine code are more than one instruction can have"},
		{"csel.eq r1, r2, r3", "arm64's C depends on what has set it, and that can't be seen"},
		{"flipc", "arm64 has no instruction for flipc"},
		{"{ bit r1, 3; b.eq op }", "arm64 has no such condition after bit"},
		{"mov r23, 1", "register r23 has no place on arm64 (r0 to r22, lr, sp and tp have)"},
		{"addsk r1, r1, 1", "arm64 has no instruction that keeps C"},
	} {
		if _, err := encoded(t, abi.ARM64, tt.instr); err == nil || !strings.HasSuffix(err.Error(), ": "+tt.want) {
			t.Errorf("%s: error %v, want %s", tt.instr, err, tt.want)
		}
	}
}
