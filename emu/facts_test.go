package emu

import (
	"fmt"
	"strings"
	"testing"
)

// The facts sheet's table "Measured on booted kernels" is tested row by row:
// what each column's kernels do was measured, and the emulator must do it too.

// columns are the table's, each with every release that it was measured on.
var columns = [...]struct {
	name    string
	kernels []string
}{
	{"5.10.223", []string{"5.10.223"}},
	{"6.1.176", []string{"6.1.176"}},
	{"6.12.107, 6.18.15", []string{"6.12.107", "6.18.15"}},
	{"6.19.6/.14, 7.0.4/.7", []string{"6.19.6", "6.19.14", "7.0.4", "7.0.7"}},
	{"V1", []string{"7.0.13/v1", "7.1.13/v1", "7.2.13/v1", "7.3.4/v1"}},
	{"V2", []string{"7.0.13/v2", "7.1.13/v2", "7.2.13/v2", "7.3.4/v2"}},
}

// fact is a row of the table, or one of the cases that a row sums up.
type fact struct {
	row      string // in the table's own words
	program  string
	schedule string
	see      string // what is observed, in the order that a cell has it
	want     cells
}

// cells are a row's, by column. A cell holds what see asks for, or how the
// process died; "0 | 7.0: EINVAL" makes a difference inside the column.
type cells [len(columns)]string

// everywhere is a row with one cell.
func everywhere(cell string) (c cells) {
	for i := range c {
		c[i] = cell
	}
	return c
}

// oldNew is a row with a cell for the old rule's kernels and one for the new.
func oldNew(before, after string) cells {
	return cells{before, before, before, after, after, after}
}

// on is the cell's meaning for a kernel: the last alternative for it.
func cellOn(cell, release string) string {
	alternatives := strings.Split(cell, " | ")
	want := alternatives[0]
	for _, a := range alternatives[1:] {
		prefix, value, _ := strings.Cut(a, ": ")
		if release == prefix || strings.HasPrefix(release, prefix+".") {
			want = value
		}
	}
	return want
}

// testFacts tests rows, on x86-64 as they were measured, and on architectures
// that use the same entry code and so must do the same.
func testFacts(t *testing.T, facts []fact, arches ...string) {
	t.Helper()
	for _, f := range facts {
		t.Run(f.row, func(t *testing.T) {
			for i, col := range columns {
				for _, kernel := range col.kernels {
					f.test(t, kernel, cellOn(f.want[i], strings.Split(kernel, "/")[0]))
					for _, arch := range arches {
						f.test(t, kernel+"/"+arch, cellOn(f.want[i], strings.Split(kernel, "/")[0]))
					}
				}
			}
		})
	}
}

func (f *fact) test(t *testing.T, kernel, want string) {
	t.Helper()
	if got := boot(t, kernel, f.program).run(f.schedule).observe(f.see); got != want {
		t.Errorf("%s: %s is %q, want %q", kernel, f.see, got, want)
	}
}

// observe gives the values of a row's see, of thread 0:
//
//	op            what its last operation returned: commit, abort or a number
//	calls         what all its operations returned
//	rseq_cs       cleared or kept
//	clobber       cpu_id_start, in which the program or tracer left a 99: kept or rewritten
//	seen[1]       an element of data, or "kept" and "rewritten" for clobber(seen[1])
//	cpu_id …      any other field
func (r *rig) observe(see string) string {
	r.Helper()
	if end := r.end(); end != "" {
		return end
	}
	var out []string
	for _, what := range strings.Fields(see) {
		out = append(out, r.one(what))
	}
	return strings.Join(out, " ")
}

func (r *rig) one(what string) string {
	r.Helper()
	switch inner, isClobber := strings.CutPrefix(what, "clobber("); {
	case isClobber:
		return r.clobber(r.element(strings.TrimSuffix(inner, ")")))
	case what == "clobber":
		return r.clobber(r.field(0, "cpu_id_start"))
	case what == "op":
		return r.op(0)
	case what == "calls":
		var words []string
		for _, v := range r.results[0] {
			words = append(words, result(v))
		}
		return strings.Join(words, " ")
	case what == "rseq_cs":
		if r.field(0, "rseq_cs") == 0 {
			return "cleared"
		}
		return "kept"
	case strings.HasSuffix(what, "]"):
		return fmt.Sprint(r.element(what))
	default:
		return fmt.Sprint(r.field(0, what))
	}
}

func (r *rig) op(id TaskID) string {
	r.Helper()
	all := r.results[id]
	switch {
	case len(all) == 0:
		return "nothing"
	case all[len(all)-1] == wentCommit:
		return "commit"
	case all[len(all)-1] == wentAbort:
		return "abort"
	}
	return result(all[len(all)-1])
}

func (r *rig) element(what string) int64 {
	r.Helper()
	var name string
	var i int
	if n, err := fmt.Sscanf(strings.NewReplacer("[", " ", "]", "").Replace(what), "%s %d", &name, &i); n != 2 {
		r.Fatalf("%q is no element: %v", what, err)
	}
	return r.data(name, i)
}

// clobber tells a value that user space left in a kernel's field from the
// kernel's own.
func (r *rig) clobber(v int64) string {
	r.Helper()
	switch v {
	case 99:
		return "kept"
	case r.field(0, "cpu_id"):
		return "rewritten"
	}
	return fmt.Sprint(v)
}
