package native

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/gen"
	"pgregory.net/rapid"
)

var (
	long  = flag.Bool("long", false, "run 10,000 random programs with random events natively and emulated")
	pairs = flag.Int("pairs", 0, "run as many of them")
	keep  = flag.String("keep", "", "a file for the smallest of them that the two disagree on, as a case")
)

// around is what a generated program gets besides its sections: a handler that
// keeps what it finds.
const around = `
data seen: u64[4]

func look()
    ld.4 r2, [tp + cpu_id_start]
    st.8 [seen], r2
    ld.8 r2, [tp + rseq_cs]
    st.8 [seen + 8], r2
    ld.8 r2, [r1 + 256]
    st.8 [seen + 16], r2
    ld.8 r2, [seen + 24]
    add  r2, r2, 1
    st.8 [seen + 24], r2
    ret

handler SIGUSR1: look
`

// randomCase draws a case in the form of a file, so that what fails can be kept
// as it is.
func randomCase(t *rapid.T) string {
	p := gen.Program().Draw(t, "program")
	p.Threads, p.Checks = p.Threads[:1], nil
	for i := range p.Funcs {
		giveUp(&p.Funcs[i])
	}
	p.Setup.Register = rapid.SampledFrom([]ir.Registration{ir.RegisterFull, ir.RegisterLegacy, ir.RegisterFull, ir.RegisterNone}).Draw(t, "registered by")
	im, err := ir.Link(p, hostArch())
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for i := range im.Addrs {
		f := im.Where(im.Addrs[i])
		if pt, ok := conform.PointAt(im, im.Addrs[i]); ok && !strings.HasPrefix(f, "look") && im.Addrs[i] != entryOf(im, pt.Func) {
			points = append(points, pt.String())
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- program --\n%s%s-- RANDOM.case --\n", p, around)
	// A point is stopped at once: two stops at one can miss each other natively.
	stops := rapid.SliceOfNDistinct(rapid.SampledFrom(points), 1, min(3, len(points)), rapid.ID[string]).Draw(t, "points")
	for _, point := range stops {
		fmt.Fprintf(&b, "at %s: %s\n", point, actions(t, im))
	}
	b.WriteString("see cpu_id_start cpu_id rseq_cs flags node_id mm_cid cell[0] cell[1] scratch[0] scratch[1] cpu(seen[0]) seen[1] seen[2] seen[3]\n")
	return b.String()
}

// mostRetries is how often a section is tried again.
const mostRetries = 3

// giveUp bounds how often a generated operation, which ends with the jump of its
// abort handler, is tried again: one with a system call in its section is always
// aborted on old kernels, and one without a registration never gets there. What
// gives up returns how often it was tried.
func giveUp(f *ir.Func) {
	f.Body = f.Body[:len(f.Body)-1]
	f.Do(ir.Add.Imm(ir.R0, ir.R0, 1), ir.BranchNeImm(ir.W8, ir.R0, mostRetries+1, "retry"), ir.Return())
}

func entryOf(im *ir.Image, name string) ir.Addr {
	f, _ := im.Func(name)
	return f.Entry
}

// actions draws what happens in a stop.
func actions(t *rapid.T, im *ir.Image) string {
	all := []string{rapid.SampledFrom([]string{"preempt", "preempt", "migrate", "schedule"}).Draw(t, "event")}
	if all[0] == "schedule" && rapid.Bool().Draw(t, "and migrate") {
		all = append(all, "migrate")
	}
	if rapid.IntRange(0, 3).Draw(t, "write") == 3 {
		values := map[string][]string{
			"rseq_cs": {"0", "0x7000000", "0x7ffffffff000", "cell", im.Sections[0].Name},
			"flags":   {"0", "1", "2", "7", "8", "0x10"}, "cpu_id_start": {"99"}, "cpu_id": {"99"}, "node_id": {"99"}, "mm_cid": {"99"},
		}
		field := rapid.SampledFrom([]string{"rseq_cs", "flags", "cpu_id_start", "cpu_id", "node_id", "mm_cid"}).Draw(t, "field")
		all = append(all, "write "+field+" "+rapid.SampledFrom(values[field]).Draw(t, "value"))
	}
	if all[0] != "schedule" && rapid.IntRange(0, 2).Draw(t, "signal") == 2 {
		all = append(all, "signal SIGUSR1")
	}
	return strings.Join(all, ", ")
}

// TestRandomProgramsAgree runs random programs with random events at random
// instructions natively and in the emulator. A difference is shrunk, and printed
// as a file of cases that can be moved to the suite.
func TestRandomProgramsAgree(t *testing.T) {
	if *long {
		*pairs = 10_000
	}
	if *pairs == 0 {
		t.Skip("only with -long or -pairs N")
	}
	target, k := here(t)
	e := conform.Emulator(k)
	enough := int64(*pairs)
	var ran, noisy, unsure atomic.Int64
	var failing atomic.Pointer[string]
	check := func(rt *rapid.T) {
		text := randomCase(rt)
		cases, err := conform.Parse("random.txtar", []byte(text))
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		c := &cases[0]
		emulated, err := e.Run(t.Context(), laid(rt, c))
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		native, err := conform.Ask(t.Context(), target, c, &emulated)
		var skip *conform.Skip
		if errors.As(err, &skip) {
			unsure.Add(1)
			return
		}
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		if diff := emulated.Diff(native.Outcome); diff != "" {
			failing.Store(&text)
			rt.Fatalf("the %s isn't %s (%d runs, odd ones %v):\n%s\n%s", e.Name(), target.Name(), native.Runs, native.Odd, diff, text)
		}
		ran.Add(1)
		if native.Runs > 1 {
			noisy.Add(1)
		}
	}
	t.Run("pairs", func(t *testing.T) {
		for lane := range target.AtOnce() {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for ran.Load() < enough && !t.Failed() {
					rapid.Check(t, check)
				}
			})
		}
	})
	t.Logf("%s: %d programs agree, %d of them only when repeated; %d without a sure answer", target.Name(), ran.Load(), noisy.Load(), unsure.Load())
	if text := failing.Load(); text != nil && *keep != "" {
		if err := os.WriteFile(*keep, []byte(*text), 0o666); err != nil {
			t.Error(err)
		}
	}
}
