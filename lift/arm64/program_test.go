package arm64_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/lint"
	"github.com/rseqemu/rseqemu/props"
)

// batch calls the function of testdata/batch.c: one thread moves four items to
// the slab of its CPU, the last pair first, then four for which there is no room.
const batch = `
data slabs: u64[32] = 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6
data items: u64[4] = 11, 12, 13, 14

thread: push_pairs slabs, items, 4; push_pairs slabs, items, 4

always slabs[0] == 0 || slabs[0] == 4
always slabs[0] == 0 || slabs[2] == 13 && slabs[3] == 14 && slabs[4] == 11 && slabs[5] == 12
always slabs[16] == 0 || slabs[18] == 13 && slabs[19] == 14 && slabs[20] == 11 && slabs[21] == 12
final  slabs[0] + slabs[16] == 4 * (calls(push_pairs) - got(push_pairs))
`

// TestVectorsCarryItemsToASlab checks a compiled section that copies through a
// vector register, aborted anywhere.
func TestVectorsCarryItemsToASlab(t *testing.T) {
	o, err := elf.OpenFile("testdata/batch.o")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ir.Parse("batch.rseq", []byte(batch))
	if err != nil {
		t.Fatal(err)
	}
	if p, err = lift.Complete(p, o); err != nil {
		t.Fatal(err)
	}
	properties, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	explore.Check(t, p, explore.Options{Properties: properties})
}

// TestNothingIsWrongWithVectorsInASection: lint reads them, too.
func TestNothingIsWrongWithVectorsInASection(t *testing.T) {
	o, err := elf.OpenFile("testdata/batch.o")
	if err != nil {
		t.Fatal(err)
	}
	r := lint.File(o, lint.Options{})
	if len(r.Sections) != 1 || len(r.Sections[0].Findings) != 0 || len(r.Findings) != 0 {
		t.Errorf("%v", r)
	}
}
