package conform_test

import (
	"context"
	"os"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// gVisor is a model of what gVisor is documented to do otherwise than Linux: it
// isn't gVisor, but a target that deviates in as many places.
type gVisor struct{ conform.Target }

func newGVisor() conform.Target {
	k := emu.Linux("6.18", abi.AMD64)
	k.LongAreas = false           // a length other than 32 is EINVAL
	k.WritesCID = false           // node_id and mm_cid are never written
	k.StaleCleared = false        // rseq_cs is kept when an area is registered
	k.Flags = emu.FlagsIgnored    // those of rseq_cs and of the area aren't looked at
	k.InheritCloneVM = true       // only CLONE_THREAD begins unregistered
	k.FeatureSize, k.Align = 0, 0 // nothing in the auxiliary vector
	k.PtraceConfig = false        // no PTRACE_GET_RSEQ_CONFIGURATION
	return gVisor{conform.Emulator(k)}
}

func (g gVisor) Name() string { return "gVisor's deviations" }

// Run changes the errors of a second registration: with another signature
// EINVAL, with another length EBUSY.
func (g gVisor) Run(ctx context.Context, c *conform.Case) (conform.Outcome, error) {
	o, err := g.Target.Run(ctx, c)
	if c.Name == "REG.again" {
		o.Calls = []string{"0", "EBUSY", "EINVAL", "EINVAL", "EBUSY"}
	}
	return o, err
}

// TestGVisorsDeviationsAreFound, each of those in its file and no other.
func TestGVisorsDeviationsAreFound(t *testing.T) {
	const file = "testdata/gvisor.xfail"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known, err := conform.ReadDeviations(file, data)
	if err != nil {
		t.Fatal(err)
	}
	for r := range conform.Check(t.Context(), newGVisor(), conform.Cases(), conform.Emulator(emu.Linux("6.18", abi.AMD64))) {
		if r = known.Apply(r); !r.Status.OK() {
			t.Errorf("%s: %v\n%s", r.Case.Name, r.Status, r.Detail)
		}
	}
}
