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
	"github.com/rseqemu/rseqemu/ir/symmetry"
	"github.com/rseqemu/rseqemu/props/gen"
	"pgregory.net/rapid"
)

// finals is a property that notes what data is left at the ends of runs. It allows
// every reduction but to forget data.
type finals struct {
	ends
	set emu.Reduction
}

func (f finals) Allows() emu.Reduction                          { return f.set &^ emu.Garbage }
func (f finals) factory(*emu.Machine) (explore.Property, error) { return f, nil }
func (f finals) CanRename(*symmetry.Facts) bool                 { return true }
func (f finals) AppendRenamed(b []byte, _ *emu.Renaming) []byte { return b }

// AtEnd notes the data but for the order of CPUs.
func (f finals) AtEnd(m *emu.Machine) *explore.Violation {
	var data string
	var cpus []string
	for _, s := range m.Memory(0).Segments() {
		b := make([]byte, s.Size)
		if s.Base == ir.DataBase || s.Base == ir.PerCPUBase {
			m.Memory(0).ReadBytes(s.Base, b)
		}
		switch s.Base {
		case ir.DataBase:
			data = string(b)
		case ir.PerCPUBase:
			for c := range slices.Chunk(b, len(b)/m.CPUs()) {
				cpus = append(cpus, string(c))
			}
		}
	}
	slices.Sort(cpus)
	f.seen[data+strings.Join(cpus, "")] = true
	return nil
}

// lists are threads that push a node each and pop one, with operations that are
// sometimes wrong. A node's second word says whether it is in a list; who has popped one may
// leave its address where others find it.
func lists(t *rapid.T) *ir.Program {
	pick := func(right string, wrong ...string) string {
		return rapid.SampledFrom(append([]string{right, right}, wrong...)).Draw(t, "line")
	}
	text := "percpu head: u64\ndata node: u64[6]\ndata kept: u64\ndata last: u64\nfunc push(node)\n" +
		" cs a: start_ip=start post_commit_ip=commit abort_ip=abort\n" + pick(" st.8 [r0 + 8], 1\n", "") + "retry:\n" +
		" ld.4 r1, [tp + cpu_id_start]\nagain:\n shl r2, r1, percpu_shift\n st.8 [tp + rseq_cs], a\nstart:\n" +
		pick(" { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }\n", "", " beq.4 r1, 1, abort\n") + " ld.8 r3, [r2 + head]\n" +
		pick(" st.8 [r0], r3\n", "") + " st.8 [r2 + head], r0\ncommit:\n mov r0, 0\n ret\n sig\nabort:\n" +
		pick(" jmp retry\n", " mov r0, 1\n ret\n", " jmp again\n") +
		"func pop()\n cs b: start_ip=start post_commit_ip=commit abort_ip=abort\nretry:\n ld.4 r1, [tp + cpu_id_start]\n" +
		" shl r2, r1, percpu_shift\n st.8 [tp + rseq_cs], b\nstart:\n" + pick(" { ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, abort }\n", "") +
		" ld.8 r0, [r2 + head]\n beq r0, 0, empty\n ld.8 r3, [r0]\n st.8 [r2 + head], r3\ncommit:\n" +
		pick("", " mov r5, 2\n xchg r4, [r0 + 8], r5\n beq r4, 1, fine\n trap brk\nfine:\n") + pick("", " st.8 [kept], r0\n") +
		" ret\nempty:\n ret\n sig\nabort:\n jmp retry\n" +
		"func look()\n ld.8 r0, [kept]\n beq r0, 0, none\n ld.8 r1, [r0 + 8]\n ld.8 r2, [last]\n st.8 [last], r1\n st.8 [r0 + 8], r2\nnone:\n ret\n"
	for i := range rapid.IntRange(1, 3).Draw(t, "threads") {
		text += fmt.Sprintf("thread: push node + %d%s\n", 16*i, pick("; pop", "", "; look", "; pop; look"))
	}
	return parse(t, text+pick("final list(head, 0) <= calls(push)\n", "final list(head, 0) + got(pop) <= calls(push)\n", "final last < 2\n")+
		pick("", "spec stack(push, pop)\n"))
}

// TestReductionsLoseNothing: with any of the reductions a search finds what it
// finds without: the same data at the ends of runs, or a violation with as few
// kernel events. And they do reduce.
func TestReductionsLoseNothing(t *testing.T) {
	var held, broke, with, without int
	rapid.Check(t, func(t *rapid.T) {
		var p *ir.Program
		nodes := false // in ends, which symmetry names as it likes
		switch rapid.IntRange(0, 2).Draw(t, "program") {
		case 0:
			p = gen.Program().Draw(t, "operations")
		case 1:
			p, nodes = lists(t), true
		default:
			p = parse(t, tinyProgram(t))
		}
		kernel := rapid.SampledFrom(append(releases(), "6.19/arm64", "7.3/v1", "6.19/debug")).Draw(t, "kernel")
		bounds := rapid.SampledFrom([]string{"none", "preempt=1", "preempt=1 migrate=1", "preempt=2 migrate=1", "preempt=unlimited migrate=unlimited",
			"irq=1", "preempt=1 fault=1", "preempt=1 membarrier=1", "migrate=1 unplug=1"}).Draw(t, "budget")
		cfg := on(t, kernel, bounds)
		cfg.Idle = rapid.Bool().Draw(t, "idle")
		search := func(set emu.Reduction, noted bool) (*explore.Result, map[string]bool) {
			f := finals{ends{map[string]bool{}}, set}
			fs := propsOf(t, p)
			if noted {
				fs = append(fs, f.factory)
			}
			lim := explore.Limits{States: 30_000, Without: emu.AllReductions &^ set, Workers: 1}
			r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), fs, lim, nil)
			if err != nil {
				t.Fatal(err)
			}
			return r, f.seen
		}
		want, ends := search(0, true)
		if want.Why != "" {
			return
		}
		set := emu.Reduction(rapid.IntRange(0, int(emu.AllReductions)).Draw(t, "reductions"))
		for i, set := range []emu.Reduction{emu.AllReductions, emu.AllReductions, set} {
			noted := i > 0 // the program's own properties allow what this one doesn't
			got, seen := search(set, noted)
			switch {
			case want.Failure == nil:
				held++
				if !got.Complete || noted && !nodes && !maps.Equal(seen, ends) || got.States > want.States && got.Reduced&emu.Symmetry == 0 {
					t.Errorf("%s, %s: %d states and %d ends, with %s (asked %s) %d states and %d ends, complete %t, %v\n%q\n%q\n%s",
						kernel, bounds, want.States, len(ends), got.Reduced, set, got.States, len(seen), got.Complete, got.Failure,
						slices.Sorted(maps.Keys(ends)), slices.Sorted(maps.Keys(seen)), p)
				}
				with, without = with+got.States, without+want.States
			case got.Failure == nil:
				t.Errorf("%s, %s: %v with %s, nothing with %s\n%s", kernel, bounds, &want.Failure.Violation, want.Reduced, got.Reduced, p)
			default:
				broke++
				if e := explore.Events(want.Failure.Schedule); explore.Events(got.Failure.Schedule) != e {
					t.Errorf("%s, %s: %v with %d events, with %s %v with %d\n%s", kernel, bounds, &want.Failure.Violation, e,
						got.Reduced, &got.Failure.Violation, explore.Events(got.Failure.Schedule), p)
				}
				follow(t, p, cfg, got.Failure, propsOf(t, p))
			}
		}
	})
	if !t.Failed() && !testing.Short() && (held < 5 || broke < 5 || with > without/2) {
		t.Errorf("%d hold, %d break, %d states instead of %d: hardly a test", held, broke, with, without)
	}
}
