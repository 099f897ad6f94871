package elf_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
)

const (
	linked   = "../testdata/percpu.amd64.gcc-O0.exe"
	unlinked = "../testdata/percpu.riscv64.clang-O2.o"
)

var long = flag.Bool("long", false, "change each byte of the fixtures")

var le = binary.LittleEndian

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// header returns the section header of that name, to be changed.
func header(t testing.TB, b []byte, name string) []byte {
	t.Helper()
	off, n, names := le.Uint64(b[40:]), int(le.Uint16(b[60:])), int(le.Uint16(b[62:]))
	at := func(i int) []byte { return b[off+64*uint64(i):][:64] }
	table := b[le.Uint64(at(names)[24:]):]
	for i := range n {
		s := table[le.Uint32(at(i)):]
		if string(s[:bytes.IndexByte(s, 0)]) == name {
			return at(i)
		}
	}
	t.Fatalf("no section %s", name)
	return nil
}

// The fields of a section header.
const (
	shType, shFlags, shAddr, shOffset = 4, 8, 16, 24
	shSize, shLink, shInfo, shAlign   = 32, 40, 44, 48
)

func TestBadFilesAreErrorsWithThePlace(t *testing.T) {
	set64 := func(at int, v uint64) func([]byte) { return func(h []byte) { le.PutUint64(h[at:], v) } }
	set32 := func(at int, v uint32) func([]byte) { return func(h []byte) { le.PutUint32(h[at:], v) } }
	for _, c := range []struct {
		name, file, section string
		change              func(h []byte)
		want                string
	}{
		{"32-bit", linked, "", func(b []byte) { b[4] = 1 }, "a 32-bit ELF file"},
		{"class", linked, "", func(b []byte) { b[4] = 9 }, "unknown ELF class 9"},
		{"big endian", linked, "", func(b []byte) { b[5] = 2 }, "a big-endian ELF file"},
		{"byte order", linked, "", func(b []byte) { b[5] = 0 }, "unknown ELF byte order 0"},
		{"machine", linked, "", func(b []byte) { b[18] = 8 }, "an ELF file for EM_MIPS; only x86-64, arm64 and riscv64 are read"},
		{"core", linked, "", func(b []byte) { b[16] = 4 }, "a core dump"},
		{"type", linked, "", func(b []byte) { b[16] = 77 }, "unknown ELF file type 77"},
		{"no section headers", linked, "", set64(40, 0), "no section headers"},
		{"headers past the end", linked, "", set64(40, 1<<40), "section header 0, at 0x10000000000, is past the end"},
		{"headers at the top", linked, "", set64(40, ^uint64(0)-63), "past the end of the file"},
		{"too many headers", linked, "", func(b []byte) { le.PutUint16(b[60:], 0xfe00) }, "don't fit into a file"},
		{"very many headers", linked, "", func(b []byte) {
			le.PutUint16(b[60:], 0)
			le.PutUint64(b[le.Uint64(b[40:])+32:], 1<<60)
		}, "1152921504606846976 section headers don't fit"},
		{"small headers", linked, "", func(b []byte) { b[58] = 40 }, "section headers of 40 bytes"},
		{"names nowhere", linked, "", func(b []byte) { le.PutUint16(b[62:], 0xfe) }, "the names of the sections are in section 254, and there are"},
		{"names past the end", linked, ".shstrtab", set64(shOffset, 1<<50), "the names of the sections, at 0x4000000000000, are past the end"},
		{"names compressed", linked, ".shstrtab", set64(shFlags, 0x800), "the names of the sections are compressed"},
		{"code past the end", linked, ".text", set64(shSize, 1<<60), "section 1 (.text), at 0x1000 with 0x1000000000000000 bytes, is past the end of the file"},
		{"code compressed", linked, ".text", set64(shFlags, 0x806), "section 1 (.text) is compressed"},
		{"code twice", linked, ".text", set64(shOffset, 0x1001), "share bytes of the file"},
		{"overlap in memory", linked, "__rseq_cs", set64(shAddr, 0x401000), "overlap at 0x401000"},
		{"kernel addresses", linked, ".text", set64(shAddr, 1<<63), "isn't in the addresses that amd64 programs have"},
		{"alignment", linked, ".text", set64(shAlign, 3), "has an alignment of 0x3"},
		{"descriptors cut", linked, "__rseq_cs", set64(shSize, 33), "section __rseq_cs at 0x403020 has 0x21 bytes, which is no whole number of entries (32 bytes each)"},
		{"symbols cut", linked, ".symtab", set64(shSize, 25), "no whole number of symbols"},
		{"symbols of nothing", linked, ".symtab", set32(shLink, 1), "its names are in section 1, which is no string table"},
		{"huge zeros", unlinked, ".text", func(h []byte) {
			le.PutUint32(h[shType:], 8)
			le.PutUint64(h[shSize:], 1<<60)
		}, "with 0x1000000000000000 bytes: a relocatable object has 0x80000000 at most"},
		{"relocation of nothing", unlinked, ".rela.text", set32(shInfo, 200), "relocates section 200, and there are"},
		{"relocations of themselves", unlinked, ".rela.text", func(h []byte) { le.PutUint32(h[shInfo:], 0) }, "relocates section 0"},
		{"relocations cut", unlinked, ".rela.text", set64(shSize, 25), "no whole number of relocations"},
		{"relocations without symbols", unlinked, ".rela.text", set32(shLink, 1), "which is no symbol table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := read(t, c.file)
			h := b
			if c.section != "" {
				h = header(t, b, c.section)
			}
			c.change(h)
			_, err := elf.Open("bad.o", bytes.NewReader(b), int64(len(b)))
			if err == nil || !strings.HasPrefix(err.Error(), "bad.o: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestWhatIsNoELFFileIsNamed(t *testing.T) {
	for begin, want := range map[string]string{
		"":                                 "an empty file",
		"\xcf\xfa\xed\xfe\x07\x00\x00\x01": "a Mach-O file (macOS)",
		"\xca\xfe\xba\xbe\x00\x00\x00\x02": "a universal Mach-O file",
		"MZ\x90\x00":                       "a PE file (Windows)",
		"!<arch>\nfoo.o/":                  "an archive: extract its members (ar x)",
		"\x00asm\x01\x00\x00\x00":          "a WebAssembly module",
		"BC\xc0\xde5\x14":                  "LLVM bitcode",
		"\x1f\x8b\x08":                     "compressed (gzip)",
		"#!/bin/sh\n":                      "a script",
		"int main(void) { return 0; }\n":   "text, not an ELF file",
		"\x01\x02\x03\x04\x00\xff":         "not an ELF file",
		"\x7fELF\x02\x01":                  "cut off: an ELF header has 64 bytes, the file 6",
		"\x7fELF":                          "cut off",
	} {
		_, err := elf.Open("f", strings.NewReader(begin), int64(len(begin)))
		if err == nil || !strings.HasPrefix(err.Error(), "f: "+want) {
			t.Errorf("%q: %v, want %s", begin, err, want)
		}
	}
}

// A relocation section whose relocations are wrong says which is.
func TestABadRelocationIsNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r []byte)
		want   string
	}{
		{"past the end", func(r []byte) { le.PutUint64(r, 1<<33); le.PutUint32(r[8:], 2) }, "past the end of the section"},
		{"unknown", func(r []byte) { le.PutUint32(r[8:], 200) }, "isn't supported"},
		{"no such symbol", func(r []byte) { le.PutUint32(r[12:], 1<<30) }, "symbol 1073741824 of"},
		{"out of range", func(r []byte) {
			le.PutUint32(r[8:], 16) // R_RISCV_BRANCH
			le.PutUint64(r[16:], 1<<30)
		}, "is out of its range"},
		{"a low part without its high one", func(r []byte) { le.PutUint32(r[8:], 24) }, "there is no auipc with a relocation at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := read(t, unlinked)
			h := header(t, b, ".rela.text")
			c.change(b[le.Uint64(h[shOffset:]):][:24])
			_, err := elf.Open("bad.o", bytes.NewReader(b), int64(len(b)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

// use asks an object everything, so that a fuzzer sees what breaks.
func use(t *testing.T, o *elf.Object) {
	for i, s := range o.Sections {
		if s.Size == 0 || uint64(len(s.Bytes)) > s.Size || i > 0 && o.Sections[i-1].Addr+ir.Addr(o.Sections[i-1].Size) > s.Addr {
			t.Fatalf("section %d: %+v", i, s)
		}
		if o.SectionAt(s.Addr) != &o.Sections[i] {
			t.Fatalf("%s isn't at its address", s.Name)
		}
	}
	for _, at := range o.Pointers {
		if _, ok := o.Bytes(at, 8); !ok {
			t.Fatalf("no pointer at %#x", uint64(at))
		}
	}
	for _, d := range o.CS {
		ip := ir.Addr(d.CS.StartIP)
		o.SymbolContaining(ip)
		o.SymbolAt(ip)
		o.Line(ip)
		o.Where(ip)
		o.Code(ip)
		o.Bytes(ir.Addr(d.CS.AbortIP)-4, 4)
	}
	for _, s := range o.Symbols {
		if _, ok := o.Lookup(s.Name); !ok {
			t.Fatalf("no symbol %q", s.Name)
		}
	}
}

// A file that is cut off, or has a byte of it changed, is an error or a file.
// With -long it is each byte.
func TestDamagedFilesAreErrorsOrFiles(t *testing.T) {
	step := 11
	if *long {
		step = 1
	}
	for _, file := range []string{"../testdata/slab.amd64.gcc-O2.o", "../testdata/slab.riscv64.clang-O1.o", "../testdata/percpu.amd64.clang-O2.pie"} {
		whole := read(t, file)
		try := func(b []byte) {
			if o, err := elf.Open("f", bytes.NewReader(b), int64(len(b))); err == nil {
				use(t, o)
			}
		}
		for n := 0; n < len(whole); n += 13 * step {
			try(whole[:n])
		}
		for at := 0; at < len(whole); at += step {
			for _, v := range []byte{0, 1, 0x7f, 0xff} {
				b := bytes.Clone(whole)
				b[at] = v
				try(b)
			}
		}
	}
}

func TestAFileTakesNoMoreMemoryThanItJustifies(t *testing.T) {
	for _, file := range fixtures(t) {
		b := read(t, file)
		for _, name := range []string{".text", ".tbss", ".bss", ".symtab", "__rseq_cs"} {
			for _, size := range []uint64{1 << 24, 1 << 31, 1 << 47, 1 << 60} {
				changed := bytes.Clone(b)
				if !bytes.Contains(changed, []byte(name+"\x00")) {
					continue
				}
				h := header(t, changed, name)
				le.PutUint32(h[shType:], 8)
				le.PutUint64(h[shSize:], size)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				elf.Open("f", bytes.NewReader(changed), int64(len(changed)))
				runtime.ReadMemStats(&after)
				if got := after.TotalAlloc - before.TotalAlloc; got > 20*uint64(len(b))+1<<20 {
					t.Errorf("%s with %#x bytes in %s: %d bytes allocated for a file of %d", filepath.Base(file), size, name, got, len(b))
				}
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, file := range []string{
		"slab.amd64.gcc-O2.o", "slab.arm64.clang-O2.o", "slab.riscv64.clang-O1.o", "percpu.amd64.clang-O2.pie", "percpu.arm64.clang-O3.so", "percpu.riscv64.gcc-O3.exe",
	} {
		f.Add(read(f, "../testdata/"+file))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := elf.Open("f", bytes.NewReader(b), int64(len(b)))
		if (err == nil) == (o == nil) {
			t.Fatal("an error and an object, or neither")
		}
		if err == nil {
			use(t, o)
		}
	})
}
