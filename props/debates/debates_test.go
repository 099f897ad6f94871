package debates_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/debates"
)

var update = flag.Bool("update", false, "rewrite testdata/verdicts.txt")

// arches are one of each entry class, and one of the other byte order.
var arches = []abi.Arch{abi.AMD64, abi.ARM64, abi.ARM, abi.S390X}

// known are all kernels of these architectures.
func known() []emu.Kernel {
	var ks []emu.Kernel
	for _, arch := range arches {
		ks = append(ks, explore.Kernels(arch)...)
	}
	if testing.Short() {
		return append(emu.DefaultKernels(), kernel("5.4"), kernel("7.0.13/arm64/v1"))
	}
	return ks
}

func kernel(name string) emu.Kernel {
	k, err := emu.ParseKernel(name)
	if err != nil {
		panic(err)
	}
	return k
}

// rules is a kernel without what no program here can see.
func rules(k emu.Kernel) emu.Kernel {
	k.Release, k.Family, k.PtraceConfig, k.ExecMissRewrites, k.SliceSyscall = "x", 0, false, false, false
	return k
}

func parse(t testing.TB, d debates.Program) *ir.Program {
	t.Helper()
	p, err := d.Parse()
	if err != nil {
		t.Fatalf("%s: %v", d.Name, err)
	}
	return p
}

// verdict searches every run of a program under a kernel: "holds", or what breaks
// and in how many kernel events and transitions.
func verdict(t testing.TB, p *ir.Program, k emu.Kernel) string {
	t.Helper()
	properties, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := emu.New(p, emu.Config{Kernel: k, Memory: memory[strings.TrimSuffix(p.Name, "-fixed")]})
	if err != nil {
		t.Fatal(err)
	}
	r, err := explore.Exhaustive(t.Context(), m, properties, explore.Limits{States: 100_000, Workers: 1}, nil)
	switch {
	case err != nil:
		t.Fatal(err)
	case r.Failure != nil:
		f := r.Failure
		return fmt.Sprintf("%d+%d %s", explore.Events(f.Schedule), len(f.Schedule), f.Property)
	case !r.Complete || r.Ends == 0:
		t.Fatalf("%s on %s: not covered: %d states, %d of them ends: %s", p.Name, k, r.States, r.Ends, r.Why)
	}
	return holds
}

const holds = "holds"

// memory is the order for stories about it; in all others accesses are in order.
var memory = map[string]emu.MemoryModel{"remote-clear": emu.TSO}

// claims reports whether a program says that it holds on a kernel.
func claims(t testing.TB, d debates.Program, p *ir.Program, k emu.Kernel) bool {
	t.Helper()
	if len(p.Setup.Kernels) == 0 {
		return d.Fixed
	}
	var patterns []emu.Pattern
	for _, text := range p.Setup.Kernels {
		pat, err := emu.ParsePattern(text)
		if err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		patterns = append(patterns, pat)
	}
	return emu.Claims(patterns, k)
}

// A program holds on the kernels that it names, and breaks on all others; what came
// of it holds wherever it says so. Tricks with the upper half of a word mean something
// else where that is the other half, so that big-endian kernels may not be named.
func TestTheVerdictIsWhatTheStorySays(t *testing.T) {
	var table [][2]string // program and a line of its verdict
	for _, d := range debates.Programs() {
		p := parse(t, d)
		byRules := map[emu.Kernel]string{}
		verdicts := map[string]string{} // by kernel
		var order []string
		for _, k := range known() {
			v, ok := byRules[rules(k)]
			if !ok {
				v = verdict(t, p, k)
				byRules[rules(k)] = v
			}
			verdicts[k.String()] = v
			if !slices.Contains(order, v) {
				order = append(order, v)
			}
			want := claims(t, d, p, k)
			if exact := !d.Fixed && k.Arch != abi.S390X; want && v != holds || exact && !want && v == holds {
				t.Errorf("%s on %s: %s; named by its kernels line: %v", d.Name, k, v, want)
			}
		}
		for _, v := range order {
			table = append(table, [2]string{d.Name, fmt.Sprintf("%s: %s", v, ranges(verdicts, v))})
		}
	}
	golden(t, table)
}

// ranges names the kernels with a verdict, as rseqemu check --kernels takes them.
func ranges(verdicts map[string]string, v string) string {
	var out []string
	for _, arch := range arches {
		lines := map[string][]string{} // releases in order, by what is behind them
		var suffixes []string
		for _, k := range explore.Kernels(arch) {
			suffix := strings.TrimPrefix(k.String(), k.Release)
			if _, ok := lines[suffix]; !ok {
				suffixes = append(suffixes, suffix)
			}
			lines[suffix] = append(lines[suffix], k.Release)
		}
		for _, suffix := range suffixes {
			releases := lines[suffix]
			for i := 0; i < len(releases); i++ {
				from := i
				for i < len(releases) && verdicts[releases[i]+suffix] == v {
					i++
				}
				switch i - from {
				case 0:
				case 1:
					out = append(out, releases[from]+suffix)
				default:
					out = append(out, releases[from]+".."+releases[i-1]+suffix)
				}
			}
		}
	}
	return strings.Join(out, " ")
}

func golden(t *testing.T, table [][2]string) {
	t.Helper()
	if testing.Short() || t.Failed() && !*update {
		return
	}
	var b strings.Builder
	b.WriteString("# The verdict on every known kernel: holds, or the kernel events and transitions of the\n" +
		"# shortest run that breaks it, and what that breaks.\n")
	last := ""
	for _, row := range table {
		if row[0] != last {
			b.WriteString("\n" + row[0] + "\n")
			last = row[0]
		}
		b.WriteString("  " + row[1] + "\n")
	}
	name := filepath.Join("testdata", "verdicts.txt")
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got); -update rewrites it:\n%s", name, diff)
	}
}

// The run that refutes the counter is the one that was written down: library 1 makes
// it 1, library 2 makes it 2, the kernel resets it, library 2 makes it 1, and that is
// what library 1 reads.
func TestTheCounterIsRefutedInFiveSteps(t *testing.T) {
	i := slices.IndexFunc(debates.Programs(), func(d debates.Program) bool { return d.Name == "notification-counter" })
	p := parse(t, debates.Programs()[i])
	properties, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"4.18", "6.18", "7.3/v1"} {
		cfg := emu.Config{Kernel: kernel(name)}
		m, err := emu.New(p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Exhaustive(t.Context(), m, properties, explore.Limits{Workers: 1}, nil)
		if err != nil || r.Failure == nil {
			t.Fatalf("%s: %v, %v", name, r, err)
		}
		word := m.Image().TP(0) + abi.OffCPUIDStart
		var got []int64
		for _, c := range r.Failure.Schedule {
			before := m.Peek(word, ir.W4)
			m.Do(c)
			if after := m.Peek(word, ir.W4); after != before {
				got = append(got, after)
			}
		}
		if want := []int64{1, 2, 0, 1}; !slices.Equal(got, want) {
			t.Errorf("%s: the word goes through %d, not %d:\n%s", name, got, want, explore.FormatChoices(r.Failure.Schedule))
		}
	}
}

// A debugger that stops a thread behind every instruction keeps it in the section
// for ever, since the machine comes back to a state that it was in. What came of it
// gets through.
func TestWhoIsSteppedNeverGetsThrough(t *testing.T) {
	for _, tt := range []struct {
		program, kernel string
		ends            bool
	}{
		{"single-step", "4.18", false},
		{"single-step", "6.18", false},
		{"single-step", "6.19", false},
		{"single-step", "7.3/v1", false},
		{"single-step", "7.3/v2", false},
		{"single-step", "7.3/arm64/v2", false},
		{"single-step", "6.19/arm64", true}, // which aborts nothing
		{"single-step-fixed", "4.18", true},
		{"single-step-fixed", "6.18", true},
		{"single-step-fixed", "7.3/v2", true},
	} {
		i := slices.IndexFunc(debates.Programs(), func(d debates.Program) bool { return d.Name == tt.program })
		m, err := emu.New(parse(t, debates.Programs()[i]), emu.Config{Kernel: kernel(tt.kernel), Budget: &emu.Budget{emu.Unlimited}})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for !m.Done() {
			state := string(m.AppendState(nil))
			if seen[state] {
				break
			}
			seen[state] = true
			for _, c := range []emu.Choice{emu.StepOn(0), emu.PreemptOn(0), emu.RunOn(0, 0)} {
				if !m.Done() {
					if err := m.Try(c); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if m.Done() != tt.ends {
			t.Errorf("%s, stepped on %s: ends %v, want %v", tt.program, tt.kernel, m.Done(), tt.ends)
		}
	}
}

// What a proposal does to the debates. The files are the examples; the others show
// each rule that no release has.
func TestAProposalChangesAVerdict(t *testing.T) {
	file := func(name string) emu.Kernel {
		name = filepath.Join("..", "..", "examples", "proposals", name)
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		k, err := emu.ParseProposal(name, src)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for _, tt := range []struct {
		program        string
		base, proposal emu.Kernel
		before, after  string // what breaks, or holds
	}{
		{"long-area", kernel("7.3"), file("v2-by-flag.kernel"), "always given <= 1", holds},
		{"long-area", kernel("7.3/v1"), kernel("7.3/v1+V2=either"), "always given <= 1", "always given <= 1"},
		{"tcmalloc-cached-slab", kernel("7.3"), file("v2-by-flag.kernel"), "always given <= 1", "always given <= 1"}, // libc sets the flag
		{"tcmalloc-cached-slab", kernel("6.19"), file("ids-always.kernel"), "always given <= 1", holds},
		{"tcmalloc-cached-slab", kernel("7.3"), kernel("7.3+IDsAlways=yes"), "always given <= 1", "survives"}, // killed for the overwriting
		{"tcmalloc-cached-slab", kernel("7.3"), kernel("7.3+IDsAlways=yes+OverwriteIgnored=yes"), "always given <= 1", holds},
		{"yield-inside", kernel("7.3"), file("syscall-kills.kernel"), "final sum(count) == 2", "survives"},
		{"yield-inside", kernel("7.3/v1"), kernel("7.3/v1+SyscallInside=kills-v2"), "final sum(count) == 2", "final sum(count) == 2"},
		{"yield-inside", kernel("7.3/v1"), kernel("7.3/v1+SyscallInside=kills"), "final sum(count) == 2", "survives"},
		{"yield-inside", kernel("6.18"), kernel("6.18+SyscallInside=kills"), holds, "survives"},
		{"own-cache", kernel("7.3/v1"), kernel("7.3/v1+MembarrierSelf=yes"), "always given <= 1", holds},
		{"own-cache", kernel("6.18"), kernel("6.18+MembarrierSelf=yes"), "always given <= 1", holds},
		{"own-cache", kernel("6.19"), kernel("6.19+MembarrierSelf=yes"), "always given <= 1", "always given <= 1"},
		{"stale-rseq-cs", kernel("6.3"), kernel("6.3+StaleCleared=yes"), "survives", holds},
		{"spawn-inherits-area", kernel("5.4"), kernel("5.4+InheritCloneVM=no"), "final sum(count) == 2", holds},
		{"spawn-inherits-area", kernel("7.3"), kernel("7.3+InheritCloneVM=yes"), holds, "final sum(count) == 2"},
	} {
		i := slices.IndexFunc(debates.Programs(), func(d debates.Program) bool { return d.Name == tt.program })
		p := parse(t, debates.Programs()[i])
		for _, v := range []struct {
			k    emu.Kernel
			want string
		}{{tt.base, tt.before}, {tt.proposal, tt.after}} {
			if got := verdict(t, p, v.k); got != v.want && !strings.HasSuffix(got, " "+v.want) {
				t.Errorf("%s on %s: %s, want %s", tt.program, v.k.Spec(), got, v.want)
			}
		}
	}
}

// A search under rules that no release has finds the same with all reductions and
// without any.
func TestReductionsAreSoundUnderProposals(t *testing.T) {
	for _, d := range debates.Programs() {
		p := parse(t, d)
		properties, err := props.Of(p)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{"7.3+IDsAlways=yes", "7.3+SyscallInside=kills", "6.18+MembarrierSelf=yes", "7.3/v1+MembarrierSelf=yes",
			"6.18+MaskCleared=yes", "6.18+SyscallInside=kills", "7.3+OverwriteIgnored=yes", "7.3+V2=flag"}
		if testing.Short() {
			names = names[:2]
		}
		for _, name := range names {
			var found [2]string
			for i, without := range []emu.Reduction{0, emu.AllReductions} {
				m, err := emu.New(p, emu.Config{Kernel: kernel(name)})
				if err != nil {
					t.Fatal(err)
				}
				r, err := explore.Exhaustive(t.Context(), m, properties, explore.Limits{States: 100_000, Workers: 1, Without: without}, nil)
				switch {
				case err != nil:
					t.Fatal(err)
				case r.Failure != nil:
					found[i] = fmt.Sprintf("%d %s", explore.Events(r.Failure.Schedule), r.Failure.Property)
				default:
					found[i] = fmt.Sprintf("holds %v", r.Complete)
				}
			}
			if found[0] != found[1] {
				t.Errorf("%s on %s: %s, but without reductions %s", d.Name, name, found[0], found[1])
			}
		}
	}
}

// A story about memory order isn't one about anything else.
func TestMemoryOrderIsTheStory(t *testing.T) {
	for _, d := range debates.Programs() {
		if memory[d.Name] == emu.SC {
			continue
		}
		properties, err := props.Of(parse(t, d))
		if err != nil {
			t.Fatal(err)
		}
		explore.Check(t, parse(t, d), explore.Options{Properties: properties})
	}
}
