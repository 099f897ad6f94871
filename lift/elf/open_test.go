package elf_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
)

var update = flag.Bool("update", false, "rewrite golden files")

// fixtures are the binaries of ../testdata and testdata.
func fixtures(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{"../testdata/", "testdata/"} {
		for _, kind := range []string{"exe", "linked", "o", "pie", "so"} {
			files, err := filepath.Glob(dir + "*." + kind)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, files...)
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		t.Fatal("no fixtures")
	}
	return all
}

func open(t testing.TB, file string) *elf.Object {
	t.Helper()
	o, err := elf.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The golden file has what each fixture comes to: the addresses are those that
// the linker gave, or ours.
func TestWhatTheFixturesComeTo(t *testing.T) {
	var b strings.Builder
	for _, file := range fixtures(t) {
		o := open(t, file)
		fmt.Fprintf(&b, "%s: %v, %d symbols, %d pointers, TLS %d bytes at %d\n", filepath.Base(file), o.Arch, len(o.Symbols), len(o.Pointers), o.TLS.Size, o.TLS.Offset)
		for _, s := range o.Sections {
			fmt.Fprintf(&b, "\t%#8x %#6x %s\n", uint64(s.Addr), s.Size, s.Name)
		}
		for _, d := range o.CS {
			in, _ := o.SymbolContaining(ir.Addr(d.CS.StartIP))
			file, line, _ := o.Line(ir.Addr(d.CS.StartIP))
			fmt.Fprintf(&b, "\trseq_cs %#x: %s+%#x, %d bytes, abort %#x, %s:%d\n", uint64(d.Addr), in.Name, d.CS.StartIP-uint64(in.Addr), d.CS.PostCommitOffset, d.CS.AbortIP, file, line)
		}
	}
	const golden = "testdata/fixtures.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("-want +got (-update rewrites it):\n%s", diff)
	}
}

// Whatever the compiler, level and kind of file: five operations with a
// descriptor each, in the pointer array, all of whose addresses are code.
func TestEveryKindOfFileHasTheSameSections(t *testing.T) {
	for _, file := range fixtures(t) {
		if !strings.HasPrefix(filepath.Base(file), "percpu.") {
			continue
		}
		o := open(t, file)
		var in []string
		for _, d := range o.CS {
			s, _ := o.SymbolContaining(ir.Addr(d.CS.StartIP))
			in = append(in, s.Name)
			if !slices.Contains(o.PtrArray, d.Addr) {
				t.Errorf("%s: the descriptor at %#x isn't in the pointer array", file, uint64(d.Addr))
			}
			sig, ok := o.Bytes(ir.Addr(d.CS.AbortIP)-4, 4)
			if !ok || o.Arch.ByteOrder().Uint32(sig) != o.Arch.Signature() {
				t.Errorf("%s: %s: before abort_ip (%#x) is % x", file, s.Name, d.CS.AbortIP, sig)
			}
			for _, ip := range []uint64{d.CS.StartIP, d.CS.PostCommitIP(), d.CS.AbortIP} {
				if _, ok := o.Code(ir.Addr(ip)); !ok {
					t.Errorf("%s: %s: no code at %#x", file, s.Name, ip)
				}
			}
			if f, line, ok := o.Line(ir.Addr(d.CS.StartIP)); !ok || line == 0 || !strings.HasSuffix(f, ".c") {
				t.Errorf("%s: %s has no line: %s:%d", file, s.Name, f, line)
			}
		}
		want := []string{"buffer_push", "counter_add", "deref_add", "list_pop", "list_push"}
		if len(in) == 7 { // linked with slab.c
			want = append(want, "slab_pop", "slab_push")
		}
		slices.Sort(in)
		if diff := cmp.Diff(want, in); diff != "" {
			t.Errorf("%s: -want +got:\n%s", file, diff)
		}
		for _, e := range o.Exits {
			if _, ok := o.Code(e.Exit); !ok {
				t.Errorf("%s: an exit leads to %#x", file, uint64(e.Exit))
			}
		}
	}
}

func TestUndefinedNamesHaveAPlaceOfTheirOwn(t *testing.T) {
	o := open(t, "../testdata/percpu.amd64.gcc-O2.o")
	s, ok := o.Lookup("rseq_offset")
	if !ok || !s.Extern {
		t.Fatalf("rseq_offset: %+v, %v", s, ok)
	}
	in := o.SectionAt(s.Addr)
	if in == nil || !in.External {
		t.Fatalf("rseq_offset is in %+v", in)
	}
	if _, ok := o.Bytes(s.Addr, 8); ok {
		t.Error("an undefined name has bytes")
	}
}

func TestPointersAreWhereAddressesAre(t *testing.T) {
	for _, file := range fixtures(t) {
		o := open(t, file)
		if !slices.IsSorted(o.Pointers) {
			t.Errorf("%s: not sorted", file)
		}
		if fixed := strings.HasSuffix(file, ".exe") || strings.HasSuffix(file, ".linked") || strings.Contains(file, "tls."); len(o.Pointers) == 0 && !fixed {
			t.Errorf("%s: no pointers", file)
		}
		for _, at := range o.Pointers {
			b, ok := o.Bytes(at, 8)
			if !ok {
				t.Errorf("%s: no bytes at %#x", file, uint64(at))
				continue
			}
			to := ir.Addr(o.Arch.ByteOrder().Uint64(b))
			// The end of a section is an address too.
			if o.SectionAt(to) == nil && o.SectionAt(to-1) == nil {
				t.Errorf("%s: %#x points at %#x, where nothing is", file, uint64(at), uint64(to))
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	o := open(t, "../testdata/percpu.amd64.gcc-O0.exe")
	// Any 32 bytes of the file that have a name will do.
	d, err := o.Describe("rseq_offset")
	if err == nil {
		t.Errorf("a word is no descriptor: %+v", d)
	}
	if _, err := o.Describe("nowhere"); err == nil || !strings.Contains(err.Error(), `no symbol "nowhere"`) {
		t.Error(err)
	}
	d, err = o.Describe("counter_add")
	if err != nil || d.Name != "counter_add" || d.Addr == 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestAFileIsReadTwiceTheSame(t *testing.T) {
	for _, file := range fixtures(t)[:3] {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		x, err1 := elf.Open("x", bytes.NewReader(b), int64(len(b)))
		y, err2 := elf.Open("x", bytes.NewReader(b), int64(len(b)))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if diff := cmp.Diff(x.Sections, y.Sections) + cmp.Diff(x.Symbols, y.Symbols) + cmp.Diff(x.CS, y.CS); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := elf.OpenFile("../testdata/percpu.amd64.gcc-O2.o"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWhatIsUndefinedHasRoom: how large something is that the file doesn't define
// isn't known, and what is behind its beginning isn't taken for another name's.
func TestWhatIsUndefinedHasRoom(t *testing.T) {
	names := 0
	for _, file := range fixtures(t) {
		last := elf.Symbol{}
		for _, s := range open(t, file).Symbols {
			if !s.Extern || s.TLS {
				continue
			}
			if last.Name != "" && s.Addr-last.Addr < 4096 {
				t.Errorf("%s: %s is %d bytes behind %s", file, s.Name, s.Addr-last.Addr, last.Name)
			}
			if last.Name != "" {
				names++
			}
			last = s
		}
	}
	if names == 0 {
		t.Error("no file has two")
	}
}
