package conform_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// TestEmulatorEqualsRecordings is the point of it all, on every system.
func TestEmulatorEqualsRecordings(t *testing.T) {
	for _, name := range conform.Recordings() {
		t.Run(name, func(t *testing.T) {
			rec, err := conform.Recorded(name)
			if err != nil {
				t.Fatal(err)
			}
			k, err := emu.ParseKernel(rec.Kernel)
			if err != nil {
				t.Fatal(err)
			}
			conform.Test(t, conform.Emulator(k), rec)
		})
	}
}

// TestEveryCaseIsRecorded, or the recording says why not.
func TestEveryCaseIsRecorded(t *testing.T) {
	for _, name := range conform.Recordings() {
		rec, err := conform.Recorded(name)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, c := range conform.Cases() {
			known[c.Name] = true
			_, recorded := rec.Outcomes[c.Name]
			if _, skipped := rec.Skipped[c.Name]; recorded == skipped {
				t.Errorf("%s: case %s: recorded %v, skipped %v", name, c.Name, recorded, skipped)
			}
		}
		for n := range rec.Outcomes {
			if !known[n] {
				t.Errorf("%s: there is no case %s", name, n)
			}
		}
	}
}

// TestEveryKernelAnswersEveryCase: no case gets stuck on any release.
func TestEveryKernelAnswersEveryCase(t *testing.T) {
	cases := conform.Cases()
	for _, k := range emu.DefaultKernels() {
		for i := range cases {
			o, err := conform.Run(t.Context(), conform.Emulator(k), &cases[i])
			if err != nil {
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
	rec, e := recorded(t)
	results := conform.Check(t.Context(), wrong{e}, conform.Find("CS.abort-same-cpu"), rec)
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
	rec, e := recorded(t)
	count := map[conform.Status]int{}
	results := conform.Check(t.Context(), calls{e}, conform.Cases(), rec)
	for _, r := range results {
		count[r.Status]++
		if !r.OK() || r.Status == conform.Skipped && r.Detail == "" {
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
	if !strings.Contains(b.String(), "  ok 1 undisturbed # SKIP the target has no signals or sleep\n") || !strings.Contains(b.String(), "  ok 1 ok\n") {
		t.Errorf("KTAP is\n%s", b.String())
	}
}

func recorded(t *testing.T) (*conform.Recording, conform.Target) {
	t.Helper()
	rec, err := conform.Recorded("linux-6.18-amd64")
	if err != nil {
		t.Fatal(err)
	}
	k, err := emu.ParseKernel(rec.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	return rec, conform.Emulator(k)
}
