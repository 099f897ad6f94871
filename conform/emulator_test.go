package conform_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// recordings are those of testdata, by their files' names.
func recordings(t *testing.T) map[string]*conform.Recording {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	all := map[string]*conform.Recording{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if all[f], err = conform.ReadRecording(f, data); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestEmulatorEqualsRecordings is the point of it all, on every system.
func TestEmulatorEqualsRecordings(t *testing.T) {
	cases := conform.Cases()
	if testing.Short() {
		cases = slices.DeleteFunc(cases, func(c conform.Case) bool { return c.Group() == "PERCPU" })
	}
	for name, rec := range recordings(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			k, err := emu.ParseKernel(rec.Kernel)
			if err != nil {
				t.Fatal(err)
			}
			for r := range conform.Check(t.Context(), conform.Emulator(k), cases, rec) {
				if !r.Status.OK() {
					t.Errorf("%s:%d: %s:\n%s", r.Case.File, r.Case.Line, r.Case.Name, r.Detail)
				}
			}
		})
	}
}

// TestEveryCaseIsRecorded, or the recording says why not; only the operations of
// package percpu may be left out, and then all of them. Each file has the form
// that a new recording would have.
func TestEveryCaseIsRecorded(t *testing.T) {
	for name, rec := range recordings(t) {
		if *update {
			// Cases that are no more leave the recordings.
			tidy := conform.NewRecording(rec.Kernel, rec.Uname)
			tidy.Config = rec.Config
			tidy.Add(rec)
			rec = tidy
			if err := os.WriteFile(name, rec.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		known := map[string]bool{}
		missing := map[string]int{}
		for _, c := range conform.Cases() {
			known[c.Name] = true
			_, recorded := rec.Outcomes[c.Name]
			_, skipped := rec.Skipped[c.Name]
			switch {
			case recorded && skipped:
				t.Errorf("%s: case %s is recorded and skipped", name, c.Name)
			case !recorded && !skipped && c.Needs != conform.NeedsNothing && !strings.Contains(rec.Kernel, "/slices"):
				// It was built without.
			case !recorded && !skipped:
				missing[c.Group()]++
				if c.Group() != "PERCPU" {
					t.Errorf("%s: case %s isn't recorded", name, c.Name)
				}
			}
		}
		if n := missing["PERCPU"]; n > 0 && n != len(conform.Find("PERCPU.")) {
			t.Errorf("%s: %d cases of PERCPU aren't recorded", name, n)
		}
		for n := range rec.Outcomes {
			if !known[n] {
				t.Errorf("%s: there is no case %s (go test ./conform -update drops it)", name, n)
			}
		}
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file, rec.Bytes()) {
			t.Errorf("%s was changed by hand: record the kernel again", name)
		}
	}
}

// TestEveryKernelAnswersEveryCase: no case gets stuck on any release.
func TestEveryKernelAnswersEveryCase(t *testing.T) {
	cases := conform.Cases()
	kernels := emu.DefaultKernels()
	for _, name := range []string{"7.3/slices", "7.3/slices/preempt-rt", "7.3/slices-off"} {
		k, err := emu.ParseKernel(name)
		if err != nil {
			t.Fatal(err)
		}
		kernels = append(kernels, k)
	}
	for _, k := range kernels {
		for i := range cases {
			o, err := conform.Emulator(k).Run(t.Context(), &cases[i])
			var skip *conform.Skip
			if err != nil && !(errors.As(err, &skip) && cases[i].Needs != conform.NeedsNothing) {
				t.Errorf("%v, %s: %v", k, cases[i].Name, err)
			}
			if len(o.Missed) > 0 && o.End == "" && !strings.HasPrefix(cases[i].Name, "CS.restart") {
				t.Errorf("%v, %s never gets to %v", k, cases[i].Name, o.Missed)
			}
		}
	}
}

// wrong is an implementation with a mistake: it never aborts.
type wrong struct{ conform.Target }

func (w wrong) Run(ctx context.Context, c *conform.Case) (conform.Outcome, error) {
	o, err := w.Target.Run(ctx, c)
	for i, r := range o.Calls {
		if r == "2" {
			o.Calls[i] = "1"
		}
	}
	return o, err
}

// calls is one that only has system calls.
type calls struct{ conform.Target }

func (c calls) Tier() conform.Tier { return conform.TierSyscalls }

func TestAWrongImplementationIsToldWhatItDid(t *testing.T) {
	e := conform.Emulator(emu.Linux("6.18", abi.AMD64))
	results := slices.Collect(conform.Check(t.Context(), wrong{e}, conform.Find("CS.abort-same-cpu"), e))
	if len(results) != 1 || results[0].Status != conform.Different || results[0].Detail != "calls return: 1, want 2\n" {
		t.Errorf("results are %+v", results)
	}
	var b strings.Builder
	if err := conform.WriteKTAP(&b, results); err != nil {
		t.Fatal(err)
	}
	const want = `KTAP version 1
1..1
  KTAP version 1
  # Subtest: CS
  1..1
  # abort-same-cpu: calls return: 1, want 2
  not ok 1 abort-same-cpu
not ok 1 CS
`
	if b.String() != want {
		t.Errorf("KTAP is\n%s\nwant\n%s", b.String(), want)
	}
}

// TestTiersAreSkippedWithAReason, and what is left still runs.
func TestTiersAreSkippedWithAReason(t *testing.T) {
	e := conform.Emulator(emu.Linux("6.18", abi.AMD64))
	count := map[conform.Status]int{}
	results := slices.Collect(conform.Check(t.Context(), calls{e}, conform.Cases(), e))
	for _, r := range results {
		count[r.Status]++
		if !r.Status.OK() || r.Status == conform.Skipped && r.Detail == "" {
			t.Errorf("%s: %v %q", r.Case.Name, r.Status, r.Detail)
		}
	}
	if count[conform.Same] < 20 || count[conform.Skipped] < 100 {
		t.Errorf("%v", count)
	}
	var b strings.Builder
	if err := conform.WriteKTAP(&b, results); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "  ok 1 undisturbed # SKIP the target has no signals or sleep\n") || !strings.Contains(b.String(), "  ok 2 align\n") {
		t.Errorf("KTAP is\n%s", b.String())
	}
}
