package native

import (
	"errors"
	"runtime"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// hostArch is the architecture that the test runs on; where there is no target it
// doesn't matter which.
func hostArch() abi.Arch {
	arch, _ := abi.ParseArch(runtime.GOARCH)
	return arch
}

// laid is the case with the program at the addresses that it has natively, so
// that a number which happens to be an address has the same name.
func laid(t interface{ Fatal(...any) }, c *conform.Case) *conform.Case {
	p, err := Lay(c.Program, hostArch())
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
	k, _, err := emu.Closest(target.Release(), hostArch())
	if err != nil {
		t.Skipf("the emulator doesn't know this kernel: %v", err)
	}
	return target, k
}

// compare runs every case on a kernel and in the emulator, and fails if they differ. A
// machine that is busy for a second can interrupt a thread that runs freely, as
// some cases have, in the same place sixteen times: who differs is asked again when the
// others are through. What the kernel does otherwise it does the next time, too.
func compare(t *testing.T, target *Target, k emu.Kernel) map[conform.Status]int {
	const tries = 3
	e, count, cases := conform.Emulator(k), map[conform.Status]int{}, conform.Cases()
	for try := 1; len(cases) > 0; try++ {
		var again []conform.Case
		for r := range conform.Check(t.Context(), target, cases, e) {
			switch {
			case r.Status == conform.Skipped:
				t.Logf("%s: %s", r.Case.Name, r.Detail)
			case !r.Status.OK():
				t.Logf("%s, asked %d times: %s isn't %s: %v\n%s", r.Case.Name, try, target.Name(), e.Name(), r.Status, r.Detail)
				if try < tries {
					again = append(again, *r.Case)
					continue
				}
				t.Fail()
			case len(r.Odd) > 0:
				t.Logf("%s: %d of %d runs were odd: %v", r.Case.Name, len(r.Odd), r.Runs, r.Odd)
			}
			count[r.Status]++
		}
		cases = again
	}
	return count
}

// TestThisKernelIsWhatTheEmulatorSays runs every case on both.
func TestThisKernelIsWhatTheEmulatorSays(t *testing.T) {
	target, k := here(t)
	t.Logf("%s: %v", target.Name(), compare(t, target, k))
}
