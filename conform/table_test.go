package conform_test

import (
	"bytes"
	"cmp"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

var update = flag.Bool("update", false, "write docs/kernels.md, and drop from the recordings what is no case any more")

const tableFile = "../docs/kernels.md"

// inOrder sorts recordings: by architecture, production before debug, then by
// release.
func inOrder(t *testing.T, all map[string]*conform.Recording) []*conform.Recording {
	return slices.SortedFunc(maps.Values(all), func(a, b *conform.Recording) int {
		j, errA := emu.ParseKernel(a.Kernel)
		k, errB := emu.ParseKernel(b.Kernel)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		debug := map[bool]int{true: 1}
		return cmp.Or(cmp.Compare(j.Arch, k.Arch), cmp.Compare(j.Slices, k.Slices), cmp.Compare(j.Preemption, k.Preemption),
			cmp.Compare(debug[j.Debug], debug[k.Debug]), compareReleases(j.Release, k.Release))
	})
}

// compareReleases compares numbers, not text.
func compareReleases(a, b string) int {
	for i := range 3 {
		x, y := number(a, i), number(b, i)
		if x != y {
			return cmp.Compare(x, y)
		}
	}
	return 0
}

func number(release string, i int) int {
	parts := strings.Split(release, ".")
	n := 0
	if i < len(parts) {
		for _, c := range parts[i] {
			n = 10*n + int(c-'0')
		}
	}
	return n
}

// TestTheTableIsThatOfTheRecordings: docs/kernels.md is what they say.
func TestTheTableIsThatOfTheRecordings(t *testing.T) {
	want, err := conform.Table(inOrder(t, recordings(t)), "../conform/cases")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(tableFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(tableFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s isn't up to date (%v): go test ./conform -run Table -update", tableFile, err)
	}
}

// TestEveryDifferenceHasAReason: what changes from one kernel to its neighbour is
// explained.
func TestEveryDifferenceHasAReason(t *testing.T) {
	all := inOrder(t, recordings(t))
	targets := make([]conform.Target, len(all))
	for i, r := range all {
		targets[i] = r
	}
	rows, err := conform.Compare(t.Context(), conform.Cases(), targets)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range conform.Neighbours(all) {
		from, to := all[pair[0]].Kernel, all[pair[1]].Kernel
		for i := range rows {
			if r := &rows[i]; r.Differ(pair) && len(conform.Reasons(r.Name(), from, to)) == 0 {
				t.Errorf("%s > %s: %s is answered differently, and reasons.txt doesn't say why", from, to, r.Name())
			}
		}
	}
}
