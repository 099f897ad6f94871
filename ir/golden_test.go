package ir_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with a golden file, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// programs are the programs in testdata, by their paths.
func programs(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.rseq")
	if err != nil || len(names) == 0 {
		t.Fatal("no programs in testdata", err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// The programs in testdata are in canonical form.
func TestProgramsAreCanonical(t *testing.T) {
	for name, src := range programs(t) {
		got, err := ir.Format(name, src)
		if err != nil {
			t.Error(err)
			continue
		}
		golden(t, name, got)
	}
}

// A messy text is formatted as its golden file says, with any kind of line end.
func TestFormat(t *testing.T) {
	names, _ := filepath.Glob("testdata/messy/*.rseq")
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ir.Format(name, src)
		if err != nil {
			t.Error(err)
			continue
		}
		golden(t, strings.TrimSuffix(name, ".rseq")+".golden", got)
		windows := append([]byte("\ufeff"), bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n"))...)
		if again, err := ir.Format(name, windows); err != nil || !bytes.Equal(again, got) {
			t.Errorf("with CRLF: %v\n%s", err, again)
		}
		if again, err := ir.Format(name, got); err != nil || !bytes.Equal(again, got) {
			t.Errorf("not idempotent: %v\n%s", err, cmp.Diff(string(got), string(again)))
		}
	}
}

// Where everything of a program is, and what is there, in both byte orders.
func TestLinkListing(t *testing.T) {
	for name, src := range programs(t) {
		p, err := ir.Parse(name, src)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, arch := range []abi.Arch{abi.AMD64, abi.S390X} {
			im, err := ir.Link(p, arch)
			if err != nil {
				t.Errorf("%v: %v", arch, err)
				continue
			}
			golden(t, fmt.Sprintf("%s.%v", strings.TrimSuffix(name, ".rseq"), arch), []byte(im.String()))
		}
	}
}
