package report_test

import (
	"reflect"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/report"
)

// TestKernelTableHasEveryField of a profile but its name, in the same order.
func TestKernelTableHasEveryField(t *testing.T) {
	rows := report.CompareKernels(emu.DefaultKernels(), false).Rows
	fields := reflect.VisibleFields(reflect.TypeFor[emu.Kernel]())
	fields = fields[1 : len(fields)-1] // Release … Proposal
	for i, f := range fields {
		if i >= len(rows) || rows[i].Field != f.Name {
			t.Fatalf("row %d isn't %s", i, f.Name)
		}
	}
	if len(rows) != len(fields) {
		t.Errorf("%d rows for %d fields", len(rows), len(fields))
	}
}

// TestKernelTableShowsEveryDifference: two profiles that differ in a field differ
// in its row, but for the fields that others decide about.
func TestKernelTableShowsEveryDifference(t *testing.T) {
	base := emu.Linux("7.3", abi.AMD64)
	for i, f := range reflect.VisibleFields(reflect.TypeFor[emu.Kernel]()) {
		other := base
		switch v := reflect.ValueOf(&other).Elem().Field(i); v.Kind() {
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Uint8:
			v.SetUint(1 - min(v.Uint(), 1)) // all have the values 0 and 1
		case reflect.Uint32:
			v.SetUint(v.Uint() + 1)
		default:
			continue // the name
		}
		rows := report.CompareKernels([]emu.Kernel{base, other}, true).Rows
		found := false
		for _, r := range rows {
			found = found || r.Field == f.Name && r.Values[0] != r.Values[1]
		}
		if !found {
			t.Errorf("%s: no row shows it: %v", f.Name, rows)
		}
	}
}

func TestKernelTableOfTheSame(t *testing.T) {
	k := emu.Linux("6.18", abi.AMD64)
	if rows := report.CompareKernels([]emu.Kernel{k, k}, true).Rows; len(rows) != 0 {
		t.Errorf("they differ in %v", rows)
	}
}
