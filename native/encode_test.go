package native

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
	"pgregory.net/rapid"
)

// TestInstructionsComputeTheSame runs random straight code on the processor and
// in the emulator: the encoder and the interpreter against each other.
func TestInstructionsComputeTheSame(t *testing.T) {
	target, k := here(t)
	e := conform.Emulator(k)
	rapid.Check(t, func(t *rapid.T) {
		text := straightCode(t)
		cases, err := conform.Parse("random.txtar", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		got, err := e.Run(t.Context(), laid(t, &cases[0]))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		// What the kernel does on its own doesn't matter: nothing here is a
		// section.
		want, err := target.Run(t.Context(), &cases[0])
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := got.Diff(want); diff != "" {
			t.Fatalf("the emulator's registers aren't the processor's:\n%s\n%s", diff, text)
		}
	})
}

const registersUsed = 10

// straightCode draws a program without branches, all of whose registers are
// looked at.
func straightCode(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("-- program --\nregister none\ndata m: u64[4] = 0x8877665544332211, -1, 0x123456789abcdef0, 7\ndata seen: u64[10]\nfunc op()\n")
	for i := range registersUsed {
		fmt.Fprintf(&b, "    mov r%d, %d\n", i, number(t))
	}
	for range rapid.IntRange(1, 12).Draw(t, "instructions") {
		b.WriteString(instruction(t))
	}
	see := "see"
	for i := range registersUsed {
		fmt.Fprintf(&b, "    st.8 [seen + %d], r%d\n", 8*i, i)
		see += fmt.Sprintf(" seen[%d]", i)
	}
	b.WriteString("    ret\nthread: op\n-- RANDOM.case --\n" + see + " m[0] m[1] m[2] m[3]\n")
	return b.String()
}

func number(t *rapid.T) int64 {
	if rapid.Bool().Draw(t, "small") {
		return rapid.Int64Range(-3, 3).Draw(t, "number")
	}
	return rapid.Int64().Draw(t, "number")
}

// instruction draws one, or a pair of one that sets flags and one that reads
// them.
func instruction(t *rapid.T) string {
	r := func() string { return fmt.Sprintf("r%d", rapid.IntRange(0, registersUsed-1).Draw(t, "register")) }
	rOrImm := func() string {
		if rapid.Bool().Draw(t, "immediate") {
			return fmt.Sprint(number(t))
		}
		return r()
	}
	pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
	width := func(of ...string) string { return pick("width", of...) }
	m := func() string { return fmt.Sprintf("[m + %d]", rapid.IntRange(0, 24).Draw(t, "address")) }
	text := ""
	switch rapid.IntRange(0, 11).Draw(t, "form") {
	case 0:
		text = fmt.Sprintf("mov %s, %s", r(), rOrImm())
	case 1, 2, 3:
		text = fmt.Sprintf("%s%s %s, %s, %s", pick("operation", "add", "sub", "and", "or", "xor", "andn"),
			width("", ".1", ".2", ".4"), r(), r(), rOrImm())
	case 4:
		text = fmt.Sprintf("%s%s %s, %s, %d", pick("shift", "shl", "shr", "sar"), width("", ".4"), r(), r(), rapid.IntRange(0, 63).Draw(t, "by"))
	case 5:
		text = fmt.Sprintf("%s%s %s, %s", pick("extension", "zext", "sext"), width(".1", ".2", ".4"), r(), r())
	case 6:
		text = fmt.Sprintf("ld%s %s, %s", width(".1", ".2", ".4", ".8"), r(), m())
	case 7:
		text = fmt.Sprintf("st%s %s, %s", width(".1", ".2", ".4", ".8"), m(), rOrImm())
	case 8:
		w := width(".4", ".8")
		alu := strings.TrimSuffix(w, ".8")
		text = fmt.Sprintf("{ ld%s t0, [m + 8]; %s%s t0, t0, %s; st%s [m + 8], t0 }", w, pick("operation", "add", "sub", "and", "or", "xor"), alu, rOrImm(), w)
	case 9:
		text = fmt.Sprintf("%s%s %s, %s\n    csel.%s %s, %s, %s", pick("comparison", "cmp", "tst"), width("", ".1", ".2", ".4"), r(), rOrImm(),
			pick("condition", "eq", "ne", "lo", "hs", "ls", "hi", "lt", "ge", "le", "gt", "mi", "pl"), r(), r(), r())
	case 10:
		text = fmt.Sprintf("%s%s %s, %s, %s\n    csel.%s %s, %s, %s", pick("operation", "adds", "subs", "ands", "ors", "xors"), width("", ".4"), r(), r(), rOrImm(),
			pick("condition", "eq", "ne", "lo", "hs", "lt", "ge", "mi"), r(), r(), r())
	case 11:
		text = fmt.Sprintf("%s%s %s, [m + 16], %s", pick("atomic", "xadd", "xchg"), width(".4", ""), r(), r())
	}
	if !encodable(text) {
		return "    nop\n"
	}
	return "    " + text + "\n"
}

// encodable reports whether x86-64 has the instructions.
func encodable(text string) bool {
	p, err := ir.Parse("one.rseq", []byte("data m: u64[4]\nfunc op()\n    "+text+"\n    ret\n"))
	if err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	_, err = Lay(p, abi.AMD64)
	return err == nil
}

// TestWhatIsNotEncodedIsRefused with the place and the reason.
func TestWhatIsNotEncodedIsRefused(t *testing.T) {
	for _, tt := range []struct{ instr, want string }{
		{"mov r10, 1", "p.rseq:3:5: mov r10, 1: register r10 has no place on x86-64"},
		{"ll r1, [tp + 8]", "p.rseq:3:5: ll r1, [tp + 8]: x86-64 has no instruction for ll"},
		{"syscall execve", "p.rseq:3:5: syscall execve: the machine's execve takes other arguments"},
		{"lock { ld.8 t0, [tp]; shl t0, t0, 1; st.8 [tp], t0 }", "p.rseq:3:5: lock"},
		{"csel.eq r1, r2, r3", "p.rseq:3:5: csel.eq r1, r2, r3: x86-64's flags have been changed"},
		{"cmpxchg r3, [tp], r1", "p.rseq:3:5: cmpxchg r3, [tp], r1: cmpxchg compares with r0"},
		{"shls r1, r1, 1", "p.rseq:3:5: shls r1, r1, 1: the flags after a shift"},
	} {
		p, err := ir.Parse("p.rseq", []byte("\nfunc op()\n    "+tt.instr+"\n    ret\n"))
		if err != nil {
			t.Errorf("%s: %v", tt.instr, err)
			continue
		}
		if _, err := Lay(p, abi.AMD64); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", tt.instr, err, tt.want)
		}
	}
}

// TestOneBundleIsOneInstruction where doc.go says so: the machine code.
func TestOneBundleIsOneInstruction(t *testing.T) {
	for instr, want := range map[string]string{
		"{ ld.8 t0, [r3]; add t0, t0, r5; st.8 [r3], t0 }":               "4d018a00000000",
		"lock { ld.4 t0, [r3 + 8]; add.4 t0, t0, 1; st.4 [r3 + 8], t0 }": "f041818208000000" + "01000000",
		"st.8 [tp + rseq_cs], r4":                                        "4d898708000000",
		"ld.4 r3, [tp + cpu_id]":                                         "458b9704000000",
		"add r3, r3, r4":                                                 "4f8d940200000000",
		"nop":                                                            "90",
		"ret":                                                            "41ffe6",
		"{ ld.8 t0, [r1]; add r2, r2, t0 }":                              "480396" + "00000000",
		"mov r1, r2":                                                     "4889d6",
		"syscall getpid":                                                 "4889c7b8270000000f05",
	} {
		p, err := ir.Parse("p.rseq", []byte("func op()\n    "+instr+"\n    ret\n"))
		if err != nil {
			t.Fatal(err)
		}
		q, err := Lay(p, abi.AMD64)
		if err != nil {
			t.Errorf("%s: %v", instr, err)
			continue
		}
		im, err := ir.Link(q, abi.AMD64)
		if err != nil {
			t.Fatal(err)
		}
		code, err := x64ISA.machineCode(im, 0)
		if got := fmt.Sprintf("%x", code); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", instr, got, err, want)
		}
	}
}
