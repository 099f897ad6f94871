package explore_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"pgregory.net/rapid"
)

// claims are programs whose sections ask, or seem to ask, which CPU they are on: what is
// between the id's reading and the question, where other sections and labels are, and who
// jumps to these, is anybody's guess.
func claims(t *rapid.T) *ir.Program {
	pick := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "line") }
	arms := func(label string) string {
		return pick("st.8 [tp + rseq_cs], "+label, "mov r4, "+label+"\n st.8 [tp + rseq_cs], r4")
	}
	computes := func() string {
		return pick("nop", "shl r2, r1, percpu_shift", "mov r5, r1", "mov r1, 0", "mov r5, 1", "mov.4 r1, r1", "ins.1 r1, r5", "cmp.4 r1, r5",
			"ld.4 r5, [tp + mm_cid]", "ld.4 r1, [tp + cpu_id]", "ld.8 r5, [b]", "beq r1, 1, somewhere", "bne r5, 0, elsewhere")
	}
	lines := []string{}
	several := func(most int, line func() string) {
		for range rapid.IntRange(0, most).Draw(t, "lines") {
			lines = append(lines, line())
		}
	}
	add := func(l ...string) { lines = append(lines, l...) }
	outer := rapid.Bool().Draw(t, "outer")
	if outer {
		add(arms("o"))
	}
	several(2, func() string { return pick("mov r5, 0", "ld.8 r5, [a]", "nop", "mov r6, 1") })
	add("ld.4 r1, [tp + " + pick("cpu_id_start", "cpu_id_start", "cpu_id", "node_id", "mm_cid") + "]")
	several(2, computes)
	add(arms("s"))
	if rapid.IntRange(0, 5).Draw(t, "late") == 5 {
		add(computes())
	}
	add("start:")
	several(1, computes)
	add(pick("{ ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }", "{ ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }", "ld.4 r2, [tp + cpu_id]\n bne.4 r2, r1, abort",
		"{ ld.4 t0, [tp + cpu_id]; cmp.4 t0, r1 }\n b.ne abort", "{ ld.4 t0, [tp + mm_cid]; bne.4 t0, r1, abort }", "{ ld.4 t0, [tp + cpu_id]; bne.4 t0, r5, abort }",
		"{ ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, elsewhere }", "{ ld.4 t0, [tp + cpu_id]; beq.4 t0, r1, abort }", "nop"))
	several(2, func() string {
		return pick("ld.8 r3, [a]", "ld.8 r5, [a]", "xadd r3, [a], r6", "st.8 [b], r5", "sub r5, r3, r5", "ld.4 r3, [tp + cpu_id]")
	})
	add(pick("st.8 [b], r3", "st.8 [b], r5", "st.8 [b], r1"), "commit:")
	add(pick("xadd r6, [c], r6", "st.8 [c], r5", "st.8 [c], r1", "nop"))
	labels := []string{"somewhere:", "elsewhere:"}
	if outer {
		labels = append(labels, "from:", "to:")
	}
	for _, l := range labels {
		least := 0
		if l == "to:" {
			least = slices.Index(lines, "from:") + 1
		}
		at := rapid.IntRange(least, len(lines)).Draw(t, l)
		if l == "from:" && rapid.Bool().Draw(t, "armed") {
			at = slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "rseq_cs") }) + 1
		}
		lines = slices.Insert(lines, at, l)
	}
	add("ret", "sig", "abort:", pick("nop", "st.8 [c], r5", "st.8 [c], r1", "mov r5, 1", "ld.8 r5, [a]", "st.8 [tp + rseq_cs], 0"))
	add(pick("ret", "ret", "jmp somewhere", "jmp elsewhere", "bne r5, 0, elsewhere\n ret", "st.8 [c], 7\n ret"))
	text := "data a: u64\ndata b: u64\ndata c: u64\nfunc f()\n cs s: start_ip=start post_commit_ip=commit abort_ip=abort\n"
	if outer {
		text += " cs o: start_ip=from post_commit_ip=to abort_ip=out\n"
		add("sig", "out:", pick("st.8 [c], 9\n ret", "jmp somewhere", "jmp elsewhere", "ret"))
	}
	for _, l := range lines {
		if !strings.HasSuffix(l, ":") {
			l = " " + l
		}
		text += l + "\n"
	}
	text += "func g()\n " + pick("st.8 [a], 1", "mov r1, 2\n xadd r1, [a], r1", "ld.8 r1, [a]\n add r1, r1, 1\n st.8 [a], r1") + "\n ret\n"
	text += pick("thread: f\n", "thread: f\nthread: g\n", "thread: f\nthread: g\n", "thread: f; f\n", "thread: f\nthread: f\n") + pick("", "", "cpus 1\n", "cpus 2\n", "cpus 4\nnodes 2\n")
	return parse(t, text+pick("", "", "final a + b + c < 7\n"))
}

// nodes are threads with a node each, whose addresses they leave in each other's nodes, in
// global and in per-CPU data, in sections and out of them, and write to what they find
// there. What they read there is summed up.
func nodes(t *rapid.T) *ir.Program {
	pick := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "line") }
	const cpu = "ld.4 r4, [tp + cpu_id]\n shl r4, r4, percpu_shift\n "
	leave := func(p string) string {
		return pick("st.8 [g], "+p, "xchg "+p+", [g], "+p, "mov r7, 0\n cmpxchg r7, [g], "+p, cpu+"st.8 [r4 + head], "+p, "st.8 [r0], "+p, "mov r6, "+p)
	}
	take := func(p string) string {
		return pick("ld.8 "+p+", [g]", "mov r7, 0\n xchg "+p+", [g], r7", cpu+"ld.8 "+p+", [r4 + head]", "ld.8 "+p+", [r0]", "mov "+p+", r0", "cmp r1, 0\n csel.eq "+p+", "+p+", r0")
	}
	touch := func(p string) string {
		return pick("st.8 ["+p+" + 8], 1", "ld.8 r2, ["+p+" + 8]", "mov r1, 2\n xadd r1, ["+p+" + 8], r1", "ld.8 r2, ["+p+" + 8]\n st.8 ["+p+" + 8], 3")
	}
	fn := func(name string, line func() string) string {
		var lines []string
		for range rapid.IntRange(1, 2).Draw(t, "length") {
			lines = append(lines, line())
		}
		head, abort := "func "+name+"(node)\n", ""
		if rapid.Bool().Draw(t, "section") {
			head += " cs s" + name + ": start_ip=start post_commit_ip=commit abort_ip=abort\n"
			from := rapid.IntRange(0, len(lines)).Draw(t, "start")
			to := rapid.IntRange(from, len(lines)).Draw(t, "commit")
			arm := rapid.IntRange(0, from).Draw(t, "arm")
			lines = slices.Insert(lines, to, "nop\ncommit:")
			lines = slices.Insert(lines, from, "start:")
			lines = slices.Insert(lines, arm, "st.8 [tp + rseq_cs], s"+name)
			abort = " sig\nabort:\n " + pick("jmp done", "jmp again", "st.8 [r0 + 8], 4\n jmp done", "mov r2, 8\n jmp done") + "\n"
		}
		return head + "again:\n " + strings.Join(lines, "\n ") + "\ndone:\n" + pick(" xadd r2, [n], r2\n", " xadd r2, [n], r2\n", "") + " mov r0, 0\n ret\n" + abort
	}
	text := "percpu head: u64\ndata node: u64[6]\ndata g: u64\ndata n: u64\n" +
		fn("f", func() string {
			return pick(leave("r0"), leave("r0")+"\n "+touch("r0"), touch("r0"), touch("r0")+"\n "+leave("r0"), take("r5")+"\n "+leave("r5"))
		}) +
		fn("h", func() string {
			p := pick("r5", "r6", "r0")
			return take(p) + "\n beq " + p + ", 0, done\n " + pick(touch(p), touch(p), touch(p)+"\n "+leave(p), "ld.8 r0, ["+p+"]\n beq r0, 0, done\n "+touch("r0"))
		})
	script := pick("f%[1]s; h%[1]s", "f%[1]s; h%[1]s", "f%[1]s", "h%[1]s; f%[1]s")
	for i := range 2 + rapid.IntRange(0, 3).Draw(t, "more")/3 {
		text += "thread: " + fmt.Sprintf(script, fmt.Sprintf(" node + %d", 16*i)) + "\n"
	}
	return parse(t, text+pick("", "", "cpus 1\n", "cpus 2\n")+pick("", "", "final n < 2\n", "final n != 1\n", "final list(head, 0) < 2\n", "final list(g, 0) == 0\n", "final list(node, 0) == 0\n"))
}

// TestReductionsLoseNothingOfGuesses: nor do they of programs that are made to be taken
// for what they are not. The data at the ends is compared with symmetry left out where
// that would give nodes other names.
func TestReductionsLoseNothingOfGuesses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, named := (*ir.Program)(nil), rapid.Bool().Draw(t, "nodes")
		if named {
			p = nodes(t)
		} else {
			p = claims(t)
		}
		kernel := rapid.SampledFrom(append(releases(), "6.19/arm64", "7.3/arm64", "7.3/s390x", "6.19/debug")).Draw(t, "kernel")
		bounds := rapid.SampledFrom([]string{"none", "preempt=1", "preempt=1 migrate=1", "preempt=2 migrate=1", "preempt=2 migrate=2",
			"preempt=unlimited migrate=unlimited", "irq=1 preempt=1", "preempt=1 fault=1", "preempt=1 membarrier=1", "preempt=1 migrate=1 unplug=1"}).Draw(t, "budget")
		cfg := on(t, kernel, bounds)
		cfg.Idle = rapid.Bool().Draw(t, "idle")
		search := func(set emu.Reduction, noted bool) (*explore.Result, map[string]bool) {
			f := finals{ends{map[string]bool{}}, set}
			fs := propsOf(t, p)
			if noted {
				fs = append(fs, f.factory)
			}
			r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), fs, explore.Limits{States: 3000, Without: emu.AllReductions &^ set, Workers: 1}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return r, f.seen
		}
		want, ends := search(0, true)
		if want.Why != "" {
			return
		}
		some := emu.Reduction(rapid.IntRange(0, int(emu.AllReductions)).Draw(t, "reductions"))
		for i, set := range []emu.Reduction{emu.AllReductions, emu.AllReductions &^ emu.Symmetry, some} {
			noted := i > 0 // the program's own properties allow what this one doesn't
			got, seen := search(set, noted)
			where := fmt.Sprintf("%s, %s, idle %t, with %s (asked %s)", kernel, bounds, cfg.Idle, got.Reduced, set)
			switch same := noted && (!named || got.Reduced&emu.Symmetry == 0); {
			case want.Failure == nil && (!got.Complete || same && !maps.Equal(seen, ends)):
				t.Fatalf("%s: %d ends, not %d, %v\n%q\n%q\n%s", where, len(seen), len(ends), got.Failure, slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(ends)), p)
			case want.Failure == nil:
			case got.Failure == nil:
				t.Fatalf("%s: nothing, not %v\n%s", where, &want.Failure.Violation, p)
			case explore.Events(got.Failure.Schedule) != explore.Events(want.Failure.Schedule):
				t.Fatalf("%s: %d events, not %d\n%s", where, explore.Events(got.Failure.Schedule), explore.Events(want.Failure.Schedule), p)
			}
		}
	})
}
