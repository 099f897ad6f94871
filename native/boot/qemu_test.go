package boot

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// TestCountedInstructionsAreTheTime: one thread runs all CPUs then, since QEMU counts
// in no other way.
func TestCountedInstructionsAreTheTime(t *testing.T) {
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64} {
		v, err := vmOf(arch)
		if err != nil {
			t.Fatal(err)
		}
		for counted, want := range map[bool][2]bool{false: {true, false}, true: {false, true}} {
			line := strings.Join(v.flags(&Machine{Counted: counted}, "initrd", 0), " ")
			if got := [2]bool{strings.Contains(line, "thread=multi"), strings.Contains(line, "thread=single") && strings.Contains(line, "-icount shift=0,sleep=off")}; got != want {
				t.Errorf("%v, counted %v: %s", arch, counted, line)
			}
		}
	}
}
