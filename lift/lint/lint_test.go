package lint_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/lint"
)

var update = flag.Bool("update", false, "rewrite golden files")

func lintFile(t testing.TB, file string) *lint.Report {
	t.Helper()
	o, err := elf.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return lint.File(o, lint.Options{})
}

func fixtures(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/" + pattern)
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Ext(f) == ".c" })
	if len(files) == 0 {
		t.Fatal("no fixtures " + pattern)
	}
	return files
}

func TestNothingIsFoundInWhatIsRight(t *testing.T) {
	sections := 0
	for _, pattern := range []string{"percpu.*", "slab.*"} {
		for _, file := range fixtures(t, pattern) {
			r := lintFile(t, file)
			for _, f := range r.Findings {
				t.Errorf("%s: %s [%s]", f.Where, f.Message, f.Rule)
			}
			for _, s := range r.Sections {
				sections++
				for _, f := range s.Findings {
					t.Errorf("%s: %s: %s [%s]", f.Where, s.Func, f.Message, f.Rule)
				}
				if s.Instrs < 3 || s.Stores == 0 || s.Place.Line == 0 {
					t.Errorf("%s: %+v", file, s)
				}
			}
		}
	}
	if sections < 80 {
		t.Errorf("only %d sections", sections)
	}
}

// planted is what each operation of wrong.c is there for.
var planted = map[string][]string{
	"right":              nil,
	"version_one":        {"version-not-zero"},
	"flags_set":          {"flags-not-zero"},
	"empty_range":        {"post-commit-offset"},
	"mid_instruction":    {"not-an-instruction"},
	"abort_inside":       {"abort-inside", "wrong-signature"},
	"abort_in_data":      {"not-an-instruction"},
	"bad_signature":      {"wrong-signature"},
	"twice_described":    {"duplicate-descriptor"},
	"not_listed":         {"not-in-pointer-array"},
	"armed_early":        {"armed-too-early"},
	"never_armed":        {"never-armed"},
	"unchecked_cpu":      {"no-cpu-check"},
	"checked_late":       {"store-before-check"},
	"never_stores":       {"no-commit-store"},
	"goes_on":            {"late-post-commit"},
	"system_call":        {"syscall-in-section"},
	"function_call":      {"call-in-section"},
	"indirect_jump":      {"indirect-jump-in-section"},
	"return_inside":      {"ret-in-section"},
	"trap_inside":        {"trap-in-section"},
	"spins":              {"unbounded-loop"},
	"never_ends":         {"endless-loop"},
	"too_long":           {"long-section"},
	"not_lifted":         {"unsupported-instruction"},
	"undeclared_exit":    {"undeclared-exit"},
	"deref_add_unstored": {"no-commit-store"},
}

// Of each broken operation exactly that is found which is broken, at a line of
// its own, on every architecture.
func TestWhatIsPlantedIsFound(t *testing.T) {
	for _, file := range fixtures(t, "wrong.*") {
		r := lintFile(t, file)
		got := map[string][]string{}
		lines := map[string]int{}
		for _, s := range r.Sections {
			if _, ok := got[s.Func]; !ok {
				got[s.Func] = nil
			}
			lines[s.Func] = s.Place.Line
			for _, f := range s.Findings {
				got[s.Func] = append(got[s.Func], f.Rule)
				if f.Place.Line != s.Place.Line || !strings.HasSuffix(f.Place.File, "wrong.c") {
					t.Errorf("%s: %s at %s:%d", file, f.Rule, f.Place.File, f.Place.Line)
				}
			}
			slices.Sort(got[s.Func])
		}
		if diff := cmp.Diff(planted, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", file, diff)
		}
	}
}

// Every rule finds something somewhere: in wrong.c, or in the tables below.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, rules := range planted {
		for _, r := range rules {
			tested[r] = true
		}
	}
	for _, c := range changed {
		tested[c.want] = true
	}
	for _, r := range lint.Rules() {
		if !tested[r.ID] {
			t.Errorf("%s has no test", r.ID)
		}
	}
}

// changed has descriptors that no compiler makes: those of a right file, altered.
var changed = []struct {
	name string
	cs   func(o *elf.Object, d *elf.Descriptor)
	want string
}{
	{"wraps around", func(_ *elf.Object, d *elf.Descriptor) { d.CS.PostCommitOffset = ^uint64(0) }, "post-commit-offset"},
	{"ends behind the code", func(_ *elf.Object, d *elf.Descriptor) { d.CS.PostCommitOffset = 1 << 30 }, "post-commit-offset"},
	{"begins in data", func(_ *elf.Object, d *elf.Descriptor) { d.CS.StartIP = uint64(d.Addr) }, "not-an-instruction"},
	{"begins nowhere", func(_ *elf.Object, d *elf.Descriptor) { d.CS.StartIP = 1 << 46 }, "not-an-instruction"},
	{"aborts to nowhere", func(_ *elf.Object, d *elf.Descriptor) { d.CS.AbortIP = 0 }, "not-an-instruction"},
	{"aborts to its end", func(o *elf.Object, d *elf.Descriptor) { d.CS.AbortIP = d.CS.PostCommitIP() }, "abort-as-success"},
	{"misaligned", func(_ *elf.Object, d *elf.Descriptor) { d.Addr += 8 }, "misaligned-descriptor"},
	{"listed as another", func(_ *elf.Object, d *elf.Descriptor) { d.Addr += 0x1000 }, "stray-pointer"},
	{"longer", func(o *elf.Object, d *elf.Descriptor) { d.CS.PostCommitOffset = o.CS[1].CS.StartIP + 5 - d.CS.StartIP }, "overlapping-sections"},
	{"begins later", func(_ *elf.Object, d *elf.Descriptor) { d.CS.StartIP += 5; d.CS.PostCommitOffset -= 5 }, "armed-too-early"},
	{"ends earlier", func(_ *elf.Object, d *elf.Descriptor) { d.CS.PostCommitOffset -= 4 }, "no-commit-store"},
	{"is jumped into", func(o *elf.Object, d *elf.Descriptor) {
		// From the check of cpu_id on it is the loop around that jumps inside.
		f, _ := o.Lookup("counter_add")
		end := d.CS.PostCommitIP()
		d.CS.StartIP = uint64(f.Addr)
		d.CS.PostCommitOffset = end - d.CS.StartIP
	}, "jump-into-section"},
}

func TestChangedDescriptors(t *testing.T) {
	for _, c := range changed {
		t.Run(c.name, func(t *testing.T) {
			o, err := elf.OpenFile("../testdata/percpu.amd64.gcc-O2.o")
			if err != nil {
				t.Fatal(err)
			}
			c.cs(o, &o.CS[0])
			r := lint.File(o, lint.Options{})
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.Rule)
			}
			for _, s := range r.Sections {
				for _, f := range s.Findings {
					got = append(got, f.Rule)
				}
			}
			if !slices.Contains(got, c.want) {
				t.Errorf("found %v, want %s", got, c.want)
			}
		})
	}
}

func TestReportsOfTheFixtures(t *testing.T) {
	var b strings.Builder
	for _, file := range fixtures(t, "wrong.*") {
		r := lintFile(t, file)
		fmt.Fprintf(&b, "%s %v %v\n", filepath.Base(r.File), r.Arch, r.Count())
		for _, s := range r.Sections {
			for _, f := range s.Findings {
				fmt.Fprintf(&b, "  %s+%#x %s:%d %v: %s [%s]\n", s.Func, uint64(f.Addr-ir.Addr(s.Descriptor.CS.StartIP))+s.Offset, f.Place.File, f.Place.Line, f.Severity, f.Message, f.Rule)
			}
		}
	}
	const golden = "testdata/wrong.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("-want +got (-update rewrites it):\n%s", diff)
	}
}

// What is said of a section doesn't depend on the names in the file, except that
// never-armed needs to know the function.
func TestAStrippedFileHasTheSameFindings(t *testing.T) {
	for _, file := range []string{"../testdata/wrong.amd64.gcc-O2.exe", "../testdata/wrong.arm64.gcc-O2.exe"} {
		o, err := elf.OpenFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rules := func(r *lint.Report) (all []string) {
			for _, s := range r.Sections {
				for _, f := range s.Findings {
					if f.Rule != "never-armed" && f.Rule != "armed-too-early" {
						all = append(all, fmt.Sprintf("%#x %s", uint64(f.Addr), f.Rule))
					}
				}
			}
			return all
		}
		named := rules(lint.File(o, lint.Options{}))
		stripped := rules(lint.File(strip(t, file), lint.Options{}))
		if diff := cmp.Diff(named, stripped); diff != "" {
			t.Errorf("%s: -named +stripped:\n%s", file, diff)
		}
	}
}

// strip opens a file with its symbol table made something else.
func strip(t testing.TB, file string) *elf.Object {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	order := abi.AMD64.ByteOrder()
	off, n := order.Uint64(b[40:]), int(order.Uint16(b[60:]))
	for i := range n {
		if h := b[off+64*uint64(i):]; order.Uint32(h[4:]) == 2 {
			order.PutUint32(h[4:], 1) // SHT_SYMTAB becomes SHT_PROGBITS
		}
	}
	o, err := elf.Open(file, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Symbols) != 0 {
		t.Fatal("symbols left")
	}
	return o
}

func FuzzFile(f *testing.F) {
	for _, file := range append(fixtures(f, "slab.*.o"), "../testdata/wrong.amd64.gcc-O2.exe", "../testdata/percpu.arm64.clang-O3.so") {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := elf.Open("f", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		r := lint.File(o, lint.Options{})
		if len(r.Sections) != len(o.CS) {
			t.Fatalf("%d verdicts for %d sections", len(r.Sections), len(o.CS))
		}
		for i := 1; i < len(r.Sections); i++ {
			if r.Sections[i-1].Descriptor.CS.StartIP > r.Sections[i].Descriptor.CS.StartIP {
				t.Fatal("not in order")
			}
		}
	})
}
