package native

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"pgregory.net/rapid"
)

// architectures are those that there are encoders for.
var architectures = []abi.Arch{abi.AMD64, abi.ARM64}

// TestInstructionsComputeTheSame runs random straight code on the processor and
// in the emulator: the encoders and the interpreter against each other.
func TestInstructionsComputeTheSame(t *testing.T) {
	for _, arch := range architectures {
		t.Run(arch.String(), func(t *testing.T) {
			command, dir := runner(t, arch), t.TempDir()
			e := conform.Emulator(emu.Linux("6.18", arch))
			rapid.Check(t, func(t *rapid.T) {
				text := straightCode(t, arch)
				cases, err := conform.Parse("random.txtar", []byte(text))
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				c := &cases[0]
				want, err := processor(t.Context(), dir, command, c.Program, arch, c.See)
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if c.Program, err = Lay(c.Program, arch); err != nil {
					t.Fatal(err)
				}
				got, err := e.Run(t.Context(), c)
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if diff := got.Diff(want); diff != "" {
					t.Fatalf("the emulator's registers aren't the processor's:\n%s\n%s", diff, text)
				}
			})
		})
	}
}

// straightCode draws a program without loops, all of whose registers are looked
// at.
func straightCode(t *rapid.T, arch abi.Arch) string {
	n := isas[arch].general
	var data, b strings.Builder
	data.WriteString("-- program --\nregister none\ndata m: u64[4] = 0x8877665544332211, -1, 0x123456789abcdef0, 7\n")
	fmt.Fprintf(&data, "data seen: u64[%d]\nrodata begin: u64[%d] = %d", n, n, number(t))
	b.WriteString("func op()\n")
	for i := range n {
		if i > 0 {
			fmt.Fprintf(&data, ", %d", number(t))
		}
		fmt.Fprintf(&b, "    ld.8 r%d, [begin + %d]\n", i, 8*i)
	}
	for i := range rapid.IntRange(1, 20).Draw(t, "instructions") {
		if text := instruction(t, n, fmt.Sprintf("l%d", i)); encodable(text, arch) {
			b.WriteString(text)
		}
	}
	see := "see"
	for i := range n {
		fmt.Fprintf(&b, "    st.8 [seen + %d], r%d\n", 8*i, i)
		see += fmt.Sprintf(" seen[%d]", i)
	}
	return data.String() + "\n" + b.String() + "    ret\nthread: op\n-- RANDOM.case --\n" + see + " m[0] m[1] m[2] m[3]\n"
}

func number(t *rapid.T) int64 {
	switch rapid.IntRange(0, 3).Draw(t, "size") {
	case 0:
		return rapid.Int64Range(-3, 3).Draw(t, "number")
	case 1:
		return rapid.SampledFrom([]int64{0x7f, 0x80, 0xff, 0xfff, 0x1000, -0x1000, 0x7fff, 0x8000, 0x12345, 0xffffff, 0x7fffffff, 0x80000000,
			0xffffffff, 0xff00ff00, 1 << 62, -1 << 63, 1<<63 - 1, 0x0ff0000000000000, 0x1111111111111111}).Draw(t, "number")
	}
	return rapid.Int64().Draw(t, "number")
}

var conditionNames = []string{"eq", "ne", "lo", "hs", "ls", "hi", "lt", "ge", "le", "gt", "mi", "pl"}

// instruction draws one, or a few where some only make sense together: one that
// sets flags and one that reads them, a branch and what it jumps over.
func instruction(t *rapid.T, registers int, label string) string {
	pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
	r := func() string { return fmt.Sprintf("r%d", rapid.IntRange(0, registers-1).Draw(t, "register")) }
	rOrImm := func() string {
		if rapid.Bool().Draw(t, "immediate") {
			return fmt.Sprint(number(t))
		}
		return r()
	}
	width := func() string { return pick("width", "", ".1", ".2", ".4") }
	size := func() string { return pick("size", ".1", ".2", ".4", ".8") }
	m := func() string { return fmt.Sprintf("[m + %d]", rapid.IntRange(0, 24).Draw(t, "address")) }
	aligned := func() string { return fmt.Sprintf("[m + %d]", 8*rapid.IntRange(0, 3).Draw(t, "address")) }
	sum := func() string { return pick("operation", "add", "sub", "and", "or", "xor", "andn") }
	shift := func() string { return pick("shift", "shl", "shr", "sar") }
	by := func() int { return rapid.IntRange(0, 63).Draw(t, "by") }
	var lines []string
	line := func(format string, args ...any) { lines = append(lines, "    "+fmt.Sprintf(format, args...)+"\n") }
	switch rapid.IntRange(0, 20).Draw(t, "form") {
	case 0:
		line("mov%s %s, %s", width(), r(), rOrImm())
	case 1, 2, 3:
		line("%s%s %s, %s, %s", sum(), width(), r(), r(), rOrImm())
	case 4:
		line("%s%s %s, %s, %d", shift(), width(), r(), r(), by())
	case 5:
		line("%s%s %s, %s, %s", shift(), width(), r(), r(), r())
	case 6:
		line("%s%s %s, %s", pick("extension", "zext", "sext", "ins"), pick("width", ".1", ".2", ".4"), r(), r())
	case 7:
		line("ld%s %s, %s", size(), r(), m())
	case 8:
		line("st%s %s, %s", size(), m(), rOrImm())
	case 9:
		w := size()
		line("ld%s.acq %s, %s", w, r(), aligned())
		line("st%s.rel %s, %s", w, aligned(), rOrImm())
	case 10:
		w, at := pick("width", ".4", ".8"), aligned()
		line("%s{ ld%s t0, %s; %s%s t0, t0, %s; st%s %s, t0 }", pick("lock", "", "lock "), w, at, sum(), strings.TrimSuffix(w, ".8"), rOrImm(), w, at)
	case 11:
		line("%s%s %s, %s", pick("comparison", "cmp", "tst"), width(), r(), rOrImm())
		if rapid.Bool().Draw(t, "branch between") {
			line("bne %s, 0, %s", r(), label)
			line("mov %s, 5", r())
			lines = append(lines, label+":\n")
		}
		line("csel.%s %s, %s, %s", pick("condition", conditionNames...), r(), r(), r())
	case 12, 13:
		line("%s%s %s, %s, %s", pick("operation", "adds", "subs", "ands", "ors", "xors", "andns", "shls", "sars"), width(), r(), r(), rOrImm())
		line("b.%s %s", pick("condition", conditionNames...), label)
		line("add %s, %s, 1", r(), r())
		lines = append(lines, label+":\n")
	case 14:
		line("%s%s %s, %s, %s", pick("atomic", "xadd", "xchg"), width(), r(), aligned(), r())
	case 15:
		d, at := r(), aligned()
		if rapid.Bool().Draw(t, "equal") {
			line("ld.8 %s, %s", d, at)
		}
		line("cmpxchg%s %s, %s, %s", width(), d, at, r())
		line("csel.%s %s, %s, %s", pick("condition", "eq", "ne"), r(), r(), r())
	case 16:
		line("%s%s %s, %s, %s", pick("branch", "beq", "bne"), width(), r(), rOrImm(), label)
		line("xor %s, %s, 1", r(), r())
		lines = append(lines, label+":\n")
	case 17:
		index := fmt.Sprintf("r%d", rapid.IntRange(0, 5).Draw(t, "index"))
		line("and %s, %s, 3", index, index)
		line("la r6, [m + %d]", rapid.IntRange(0, 8).Draw(t, "address"))
		line("%s", pick("access", "ld.4 r0, [r6 + "+index+"<<2]", "st.8 [r6 + "+index+"], r1", "ld.8 r2, [r6 + "+index+"<<1]",
			"st.1 [m + "+index+"], 5", "la r3, [r6 + "+index+"<<3 + 0x123456]", "ld.2 r4, [r6 + "+index+" + 3]"))
	case 18:
		w, base := pick("width", "", ".4"), r()
		line("{ %s%s t0, %s, %d; %s%s %s, %s, t0 }", shift(), w, r(), by(), sum(), w, r(), base)
	case 20:
		line("bit%s %s, %s", width(), r(), pick("bit", r(), fmt.Sprint(by())))
		line("csel.%s %s, %s, %s", pick("condition", "lo", "hs"), r(), r(), r())
	case 19:
		line("%s", pick("test", fmt.Sprintf("{ bit%s %s, %d; b.lo %s }", width(), r(), by(), label),
			fmt.Sprintf("{ and t0, %s, %d; beq t0, 0, %s }", r(), int64(1)<<by(), label)))
		line("sub %s, %s, 1", r(), r())
		lines = append(lines, label+":\n")
	}
	return strings.Join(lines, "")
}

// encodable reports whether the architecture has the instructions.
func encodable(text string, arch abi.Arch) bool {
	p, err := ir.Parse("one.rseq", []byte("data m: u64[4]\nfunc op()\n"+text+"    ret\n"))
	if err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	_, err = Lay(p, arch)
	return err == nil
}

// TestOtherArchitecturesHaveNoEncoder and the error says so.
func TestOtherArchitecturesHaveNoEncoder(t *testing.T) {
	p, err := ir.Parse("p.rseq", []byte("func op()\n    ret\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range abi.Arches() {
		switch _, err := Lay(p, arch); {
		case slices.Contains(architectures, arch) && err != nil:
			t.Errorf("%v: %v", arch, err)
		case !slices.Contains(architectures, arch) && !errors.Is(err, ErrUnsupported):
			t.Errorf("%v: error %v", arch, err)
		}
	}
}

// TestWhatIsNotEncodedIsRefused with the place and the reason.
func TestWhatIsNotEncodedIsRefused(t *testing.T) {
	for _, tt := range []struct{ instr, want string }{
		{"mov r10, 1", "p.rseq:3:5: mov r10, 1: register r10 has no place on x86-64"},
		{"ll r1, [tp + 8]", "p.rseq:3:5: ll r1, [tp + 8]: x86-64 has no instruction for ll"},
		{"syscall rt_sigaction", "p.rseq:3:5: syscall rt_sigaction: the machine's rt_sigaction takes other arguments"},
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
		"add r3, r3, r4":                                                 "4f8d1402",
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
