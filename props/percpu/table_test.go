package percpu_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// table is what searches found, by row and kernel. Searches fill it in parallel.
type table struct {
	mu    sync.Mutex
	cells map[[2]string]string
}

func (t *table) set(row, kernel, cell string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cells == nil {
		t.cells = map[[2]string]string{}
	}
	t.cells[[2]string{row, kernel}] = cell
}

// failure notes what a search found: a row for each property that breaks.
func (t *table) failure(j job, f *explore.Failure) {
	t.set(j.name+"  "+f.Property, j.k.String(), fmt.Sprintf("%d+%d", explore.Events(f.Schedule), len(f.Schedule)))
}

// columns are the kernels, the default ones first and in their order.
func (t *table) columns() []string {
	var defaults, others []string
	for _, k := range emu.DefaultKernels() {
		defaults = append(defaults, k.String())
	}
	for key := range t.cells {
		if !slices.Contains(defaults, key[1]) && !slices.Contains(others, key[1]) {
			others = append(others, key[1])
		}
	}
	slices.Sort(others)
	defaults = slices.DeleteFunc(defaults, func(k string) bool {
		for key := range t.cells {
			if key[1] == k {
				return false
			}
		}
		return true
	})
	return append(defaults, others...)
}

// format prints the table. What follows two spaces in a row's name is put behind
// its cells.
func (t *table) format(title string) string {
	columns := t.columns()
	lines := [][]string{append(append([]string{""}, columns...), "")}
	var rows []string
	for key := range t.cells {
		if !slices.Contains(rows, key[0]) {
			rows = append(rows, key[0])
		}
	}
	slices.Sort(rows)
	for _, row := range rows {
		name, rest, _ := strings.Cut(row, "  ")
		line := []string{name}
		for _, k := range columns {
			cell, ok := t.cells[[2]string{row, k}]
			if !ok {
				cell = "-"
			}
			line = append(line, cell)
		}
		lines = append(lines, append(line, rest))
	}
	var b strings.Builder
	for line := range strings.Lines(title + "\n") {
		b.WriteString("# " + line)
	}
	b.WriteByte('\n')
	for _, line := range lines {
		var text strings.Builder
		for i, cell := range line {
			width := 0
			for _, l := range lines {
				width = max(width, utf8.RuneCountInString(l[i]))
			}
			fmt.Fprintf(&text, "%-*s  ", width, cell)
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return b.String()
}

// golden compares the table with a file, or writes it. The short test, which
// searches only some, compares nothing.
func (t *table) golden(tb testing.TB, name, title string) {
	tb.Helper()
	if tb.Failed() || testing.Short() || len(t.cells) == 0 {
		return
	}
	name = filepath.Join("testdata", name)
	got := t.format(title)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			tb.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("%s (-want +got); -update rewrites it:\n%s", name, diff)
	}
}
