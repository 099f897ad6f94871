package explore_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// tinyProgram draws a program that is small enough to enumerate its runs one by
// one: two threads with a call or two of functions of a few instructions over
// two global words and a per-CPU one, one of them perhaps with a critical
// section, and conditions that are sometimes false.
func tinyProgram(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("data a: u64\ndata b: u64\npercpu c: u64\n")
	if rapid.Bool().Draw(t, "section") {
		tinySection(t, &b)
	} else {
		tinyFunc(t, &b, "f")
	}
	tinyFunc(t, &b, "g")
	fmt.Fprintf(&b, "\nthread: %s\n", rapid.SampledFrom([]string{"f", "f", "f", "g", "g; g"}).Draw(t, "thread"))
	fmt.Fprintf(&b, "thread: %s\n", rapid.SampledFrom([]string{"g", "g", "g", "g", "g; g"}).Draw(t, "thread"))
	for range rapid.IntRange(0, 2).Draw(t, "conditions") {
		b.WriteString(tinyCondition(t))
	}
	return b.String()
}

var tinyInstrs = []string{
	"ld.8 r1, [a]", "st.8 [a], r1", "st.8 [b], 1", "ld.8 r0, [b]", "add r1, r1, 1", "add r0, r0, r1",
	"{ ld.8 t0, [a]; add t0, t0, 1; st.8 [a], t0 }", "lock { ld.8 t0, [b]; add t0, t0, 1; st.8 [b], t0 }",
	"xadd r1, [a], r0", "ld.4 r1, [tp + cpu_id]", "st.4 [tp + cpu_id_start], 7", "syscall sched_yield",
}

func tinyFunc(t *rapid.T, b *strings.Builder, name string) {
	fmt.Fprintf(b, "\nfunc %s()\n", name)
	for range rapid.IntRange(1, 3).Draw(t, "length") {
		in := rapid.SampledFrom(tinyInstrs).Draw(t, "instruction")
		fmt.Fprintf(b, "    %s\n", in)
	}
	if rapid.IntRange(0, 2).Draw(t, "assert") == 0 {
		reg := rapid.SampledFrom([]string{"r0", "r1"}).Draw(t, "asserted")
		fmt.Fprintf(b, "    bne %s, %d, good\n    trap brk\ngood:\n", reg, rapid.IntRange(0, 2).Draw(t, "value"))
	}
	b.WriteString("    ret\n")
}

// tinySection is an increment of a per-CPU word, its critical section sometimes
// without a check, with the wrong signature, or with a system call inside.
func tinySection(t *rapid.T, b *strings.Builder) {
	pick := func(label string, odds int, usual, other string) string {
		if rapid.IntRange(0, odds).Draw(t, label) == odds {
			return other
		}
		return usual
	}
	fmt.Fprintf(b, `
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    ld.4 r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, c }
    %s
start:
    %s
    ld.8 r1, [r3]
    %s
    { add t0, r1, 1; st.8 [r3], t0 }
commit:
    mov r0, r1
    ret
    %s
abort:
    %s
`,
		pick("descriptor", 5, "st.8 [tp + rseq_cs], s", ""),
		pick("check", 3, "ld.4 r4, [tp + cpu_id]\n    bne.4 r4, r2, abort", ""),
		pick("inside", 3, "", "syscall gettid"),
		pick("signature", 1, "sig", "sig 0x1234"),
		pick("abort", 3, "jmp retry", "ret"))
}

func tinyCondition(t *rapid.T) string {
	when := rapid.SampledFrom([]string{"always", "final"}).Draw(t, "when")
	left := rapid.SampledFrom([]string{"a", "b", "sum(c)", "a + b", "c[0]", "got(f)", "calls(g) - got(g)"}).Draw(t, "left")
	op := rapid.SampledFrom([]string{"==", "<=", ">=", "!="}).Draw(t, "comparison")
	return fmt.Sprintf("%s %s %s %d\n", when, left, op, rapid.IntRange(0, 4).Draw(t, "right"))
}
