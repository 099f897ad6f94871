package trial_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/trial"
	"github.com/rseqemu/rseqemu/props"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func open(t testing.TB, path string) *elf.Object {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.Open(filepath.Base(path), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestEachSectionAlone is what comes of every section of the fixtures, right ones
// and wrong ones: which the kernels punish, which do something else than
// commit once or not at all, and which can't be run.
func TestEachSectionAlone(t *testing.T) {
	paths, err := filepath.Glob("../testdata/*.*.*-*.*")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	var b strings.Builder
	for _, path := range paths {
		o := open(t, path)
		trials, err := trial.Of(o, "")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", o.Name)
		for _, tr := range trials {
			verdict := "not run: "
			if tr.Err != nil {
				verdict += strings.TrimPrefix(tr.Err.Error(), tr.Where)
			} else {
				verdict = verdicts(t, tr.Program, o)
			}
			fmt.Fprintf(&b, "  %-20s %s\n", tr.Name, verdict)
		}
	}
	const golden = "testdata/trials.txt"
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
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// verdicts checks a program under each family's kernel.
func verdicts(t *testing.T, p *ir.Program, o *elf.Object) string {
	t.Helper()
	properties, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	all := true
	sweep := explore.Sweep{Program: p, Options: explore.Options{Properties: properties, Kernels: emu.DefaultKernelsOn(o.Arch), Config: emu.Config{CPUs: 2}}}
	err = sweep.Run(context.Background(), func(k emu.Kernel, f *explore.Finding) {
		word := "holds"
		if f.Result.Failure != nil {
			word, all = strings.Fields(f.Result.Failure.Property)[0], false
		} else if !f.Result.Complete {
			word, all = f.Result.Why, false
		}
		words = append(words, fmt.Sprintf("%s %s", k.Release, word))
	})
	if err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	if all {
		return "holds"
	}
	return strings.Join(words, ", ")
}

// TestASectionThatIsFound names what is asked for, and says what there is.
func TestASectionThatIsFound(t *testing.T) {
	o := open(t, "../testdata/percpu.amd64.gcc-O2.o")
	trials, err := trial.Of(o, "list_push")
	if err != nil || len(trials) != 1 || trials[0].Name != "list_push" || trials[0].Err != nil {
		t.Errorf("%+v, %v", trials, err)
	}
	if _, err := trial.Of(o, "no_such"); err == nil || err.Error() != `percpu.amd64.gcc-O2.o: no critical section begins in "no_such"` {
		t.Error(err)
	}
	// A name that is printed finds the section again, whatever else is asked for.
	push, pop := o.CS[trials[0].Section], o.CS[trials[0].Section+1]
	o.CS = []elf.Descriptor{push, pop, push}
	all, err := trial.Of(o, "")
	if err != nil || len(all) != 3 || all[2].Name != "list_push.2" {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, want := range all {
		found, err := trial.Of(o, want.Name)
		if err != nil || found[len(found)-1].Name != want.Name && found[0].Name != want.Name {
			t.Errorf("%s: %+v, %v", want.Name, found, err)
		}
	}
	o.CS = nil
	if _, err := trial.Of(o, ""); err == nil || err.Error() != "percpu.amd64.gcc-O2.o: there are no critical sections in it" {
		t.Error(err)
	}
}

// TestATrialIsText: the program that is printed is the one that is checked.
func TestATrialIsText(t *testing.T) {
	trials, err := trial.Of(open(t, "../testdata/slab.arm64.clang-O2.o"), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range trials {
		again, err := ir.Parse(tr.Name, []byte(tr.Program.String()))
		if err != nil || again.String() != tr.Program.String() {
			t.Errorf("%s: %v\n%v", tr.Name, err, tr.Program)
		}
	}
}

func BenchmarkTrial(b *testing.B) {
	o := open(b, "../testdata/percpu.amd64.gcc-O2.o")
	for b.Loop() {
		if _, err := trial.Of(o, "list_push"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOneSection is a section checked with one event under each family's
// kernel, from the file on.
func BenchmarkOneSection(b *testing.B) {
	data, err := os.ReadFile("../testdata/percpu.amd64.gcc-O2.o")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		o, err := elf.Open("o", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			b.Fatal(err)
		}
		trials, err := trial.Of(o, "list_push")
		if err != nil {
			b.Fatal(err)
		}
		properties, err := props.Of(trials[0].Program)
		if err != nil {
			b.Fatal(err)
		}
		sweep := explore.Sweep{Program: trials[0].Program, Options: explore.Options{Properties: properties, Kernels: emu.DefaultKernels(), Config: emu.Config{CPUs: 2}}}
		if err := sweep.Run(context.Background(), func(emu.Kernel, *explore.Finding) {}); err != nil {
			b.Fatal(err)
		}
	}
}
