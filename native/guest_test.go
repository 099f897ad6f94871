package native_test

import (
	"flag"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rseqemu/rseqemu/native"
	"github.com/rseqemu/rseqemu/native/boot"
)

var kernel = flag.String("kernel", "", "the image of a kernel to run -pairs random programs on, under QEMU")

// TestMain lets the test be the init of a machine that it boots.
func TestMain(m *testing.M) {
	boot.Init()
	os.Exit(m.Run())
}

// TestRandomProgramsAgreeUnderQEMU runs TestRandomProgramsAgree on a kernel that
// is booted for it, with this test as init:
//
//	CGO_ENABLED=0 go test ./native -run UnderQEMU -kernel IMAGE -pairs 1000
func TestRandomProgramsAgreeUnderQEMU(t *testing.T) {
	if *kernel == "" {
		t.Skip("only with -kernel IMAGE -pairs N")
	}
	arch, err := boot.ArchOf(*kernel)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := strconv.Atoi(flag.Lookup("pairs").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	// Two at a time: they sleep a lot, and have one thread each.
	m := &boot.Machine{Kernel: *kernel, Arch: arch, CPUs: 2 * native.GuestCPUs, Env: native.GuestEnv(), Silence: 5 * time.Minute}
	code, err := m.Run(t.Context(), self, []string{"", "-test.run=^TestRandomProgramsAgree$", "-test.v", "-test.timeout=0", "-test.parallel=8", "-pairs", strconv.Itoa(pairs)}, os.Stdout, os.Stderr)
	if err != nil || code != 0 {
		t.Errorf("it ended with %d: %v", code, err)
	}
}
