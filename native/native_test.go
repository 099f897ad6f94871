package native

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

var update = flag.Bool("update", false, "record what this kernel does in conform/recordings")

// again is how often a case is run that disagrees.
const again = 16

// laid is the case with the program at the addresses that it has natively, so
// that a number which happens to be an address has the same name.
func laid(t interface{ Fatal(...any) }, c *conform.Case) *conform.Case {
	p, err := Lay(c.Program)
	if err != nil {
		t.Fatal(err)
	}
	same := *c
	same.Program = p
	return &same
}

// here returns the kernel that the test runs on, and the emulator's profile of
// it.
func here(t *testing.T) (*Target, emu.Kernel) {
	t.Helper()
	target, err := New()
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	series := strings.SplitN(target.Release(), ".", 3)
	k, err := emu.LinuxRelease(strings.Join(series[:min(2, len(series))], "."), abi.AMD64)
	if err != nil {
		t.Skipf("the emulator doesn't know this kernel: %v", err)
	}
	return target, k
}

// TestThisKernelIsWhatTheEmulatorSays runs every case on both.
func TestThisKernelIsWhatTheEmulatorSays(t *testing.T) {
	target, k := here(t)
	e := conform.Emulator(k)
	rec := conform.Recording{
		Schema: conform.RecordingSchema, Kernel: fmt.Sprintf("%s/%s", k.Release, k.Arch), Uname: target.Release(),
		Outcomes: map[string]conform.Outcome{}, Skipped: map[string]string{},
	}
	runs, repeated := 0, 0
	cases := conform.Cases()
	for i := range cases {
		c := &cases[i]
		a, err := target.Ask(t.Context(), c)
		var skip *conform.Skip
		if errors.As(err, &skip) {
			rec.Skipped[c.Name] = skip.Reason
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		runs += a.Runs
		got, err := conform.Run(t.Context(), e, laid(t, c))
		if err != nil {
			t.Errorf("%s, %s: %v", c.Name, e.Name(), err)
			continue
		}
		if !got.Equal(a.Outcome) {
			t.Logf("%s: %d runs disagree and are repeated", c.Name, a.Runs)
			if a, err = target.AskAgain(t.Context(), c, again); err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			runs += a.Runs
		}
		if len(a.Odd) > 0 {
			repeated++
			t.Logf("%s: %d of %d runs were odd: %v", c.Name, len(a.Odd), a.Runs, a.Odd)
		}
		rec.Outcomes[c.Name] = a.Outcome
		if diff := got.Diff(a.Outcome); diff != "" {
			t.Errorf("%s: the %s isn't %s (%d runs, %d odd):\n%s", c.Name, e.Name(), target.Name(), a.Runs, len(a.Odd), diff)
		}
	}
	t.Logf("%s: %d cases, %d runs, %d cases repeated, %d skipped", target.Name(), len(cases), runs, repeated, len(rec.Skipped))
	if *update && !t.Failed() {
		name := fmt.Sprintf("linux-%s-%s.json", k.Release, k.Arch)
		if err := os.WriteFile(filepath.Join("..", "conform", "recordings", name), rec.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
