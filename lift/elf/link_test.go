package elf_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/amd64"
	"github.com/rseqemu/rseqemu/lift/arm64"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/lift/riscv64"
)

var matrix = flag.Bool("matrix", false, "build the fixtures with every compiler and level, and link each object")

// An object is what a linker makes of it: where one linked it without changing
// instructions, each function has the same instructions, and each address in
// them or in data means the same thing.
func TestAnObjectIsWhatTheLinkerMakesOfIt(t *testing.T) {
	dir := "testdata"
	if *matrix {
		dir = t.TempDir()
		if out, err := exec.Command("../testdata/build.sh", "all", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	linked, err := filepath.Glob(filepath.Join(dir, "*.linked"))
	if err != nil || len(linked) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range linked {
		object := strings.TrimSuffix(file, "linked") + "o"
		if _, err := os.Stat(object); err != nil {
			object = filepath.Join("../testdata", filepath.Base(object))
		}
		t.Run(filepath.Base(object), func(t *testing.T) {
			x, y := open(t, object), open(t, file)
			funcs := 0
			for _, s := range x.Symbols {
				if !s.Func || s.Extern {
					continue
				}
				funcs++
				z, ok := y.Lookup(s.Name)
				if !ok {
					t.Fatalf("no %s in %s", s.Name, file)
				}
				if diff := cmp.Diff(meaning(t, y, z), meaning(t, x, s)); diff != "" {
					t.Errorf("%s: -linked +object:\n%s", s.Name, diff)
				}
			}
			if funcs < 2 {
				t.Errorf("only %d functions", funcs)
			}
			if diff := cmp.Diff(descriptors(y), descriptors(x)); diff != "" {
				t.Errorf("-linked +object:\n%s", diff)
			}
			if x.TLS.Size != y.TLS.Size || x.TLS.Offset != y.TLS.Offset {
				t.Errorf("TLS %d at %d, linked %d at %d", x.TLS.Size, x.TLS.Offset, y.TLS.Size, y.TLS.Offset)
			}
		})
	}
}

// meaning lists the instructions of a function, with its addresses as names.
func meaning(t *testing.T, o *elf.Object, f elf.Symbol) []string {
	t.Helper()
	decode := map[abi.Arch]func([]byte, ir.Addr) (isa.Instr, error){abi.AMD64: amd64.Decode, abi.ARM64: arm64.Decode, abi.RISCV64: riscv64.Decode}[o.Arch]
	code, ok := o.Bytes(f.Addr, f.Size)
	if !ok {
		t.Fatalf("no code of %s", f.Name)
	}
	var all []string
	pages := map[ir.Reg]int64{} // of adrp and auipc, until their low part comes
	for at := f.Addr; at < f.Addr+ir.Addr(f.Size); {
		in, err := decode(code[at-f.Addr:], at)
		if err != nil {
			// A signature, or one that isn't lifted: of four bytes here.
			all = append(all, fmt.Sprintf("% x", code[at-f.Addr:][:4]))
			at += 4
			continue
		}
		line := fmt.Sprintf("+%#x %d", uint64(at-f.Addr), in.IR.N)
		if in.Target != 0 {
			line += " to " + name(o, in.Target)
		}
		for k, op := range in.IR.Micro() {
			if _, low := pages[op.A]; low && op.Code == ir.Mov {
				op.Code, op.Width = ir.Add, ir.W8 // a low part of 0
			}
			line += fmt.Sprintf("; %d.%d %v %v %v %v", op.Code, op.Width, op.Dst, op.A, op.B, op.Cond)
			page, low := false, int64(0)
			before, had := pages[op.A]
			if op.Loads() || op.Stores() {
				before, had = pages[op.Mem.Base]
			}
			delete(pages, op.Dst)
			for _, ref := range in.Refs {
				switch {
				case ref.Op != k:
				case ref.Page:
					page = true
					pages[op.Dst] = op.Imm
				case ref.Mem:
					line += " at " + name(o, ir.Addr(op.Mem.Disp))
					page = true
				case !ref.Guess || o.SectionAt(ir.Addr(op.Imm)) != nil:
					line += " of " + name(o, ir.Addr(op.Imm))
					page = true
				}
			}
			if page {
				continue
			}
			switch {
			case had && op.Code == ir.Add && op.B == ir.None:
				low = before + op.Imm
			case had && (op.Loads() || op.Stores()):
				low = before + op.Mem.Disp
			default:
				line += fmt.Sprintf(" %d [%v %v %d %d]", op.Imm, op.Mem.Base, op.Mem.Index, op.Mem.Scale, op.Mem.Disp)
				continue
			}
			line += " low " + name(o, ir.Addr(low))
		}
		all = append(all, line)
		at = in.Next()
	}
	return all
}

// name says what an address means: a symbol, a place in a section that tools
// look for, or what a word of the GOT points at.
func name(o *elf.Object, at ir.Addr) string {
	s := o.SectionAt(at)
	switch {
	case s == nil:
		return "nowhere"
	case s.Name == ".got":
		b, ok := o.Bytes(at, 8)
		if !ok {
			return "the GOT's end"
		}
		return "the GOT's " + name(o, ir.Addr(o.Arch.ByteOrder().Uint64(b)))
	case strings.HasPrefix(s.Name, "__rseq"):
		return fmt.Sprintf("%s+%#x", s.Name, uint64(at-s.Addr))
	}
	if sym, ok := o.SymbolContaining(at); ok && (uint64(at-sym.Addr) < sym.Size || sym.Size == 0 && sym.Addr == at || s.External) {
		return fmt.Sprintf("%s+%#x", sym.Name, uint64(at-sym.Addr))
	}
	if s.Exec {
		return "code without a name"
	}
	return s.Name
}

func descriptors(o *elf.Object) (all []string) {
	for i, d := range o.CS {
		all = append(all, fmt.Sprintf("%s +%d abort %s, listed %s", name(o, ir.Addr(d.CS.StartIP)), d.CS.PostCommitOffset, name(o, ir.Addr(d.CS.AbortIP)), name(o, o.PtrArray[i])))
	}
	for _, e := range o.Exits {
		all = append(all, name(o, e.Start)+" exit "+name(o, e.Exit))
	}
	return all
}

// The script makes the binaries that are checked in, where its compilers are.
func TestTheFixturesAreWhatTheScriptMakes(t *testing.T) {
	if !*matrix {
		t.Skip("with -matrix: it needs Debian 12's compilers")
	}
	dir := filepath.Join(t.TempDir(), "testdata")
	for _, d := range []string{dir, filepath.Join(dir, "../elf/testdata")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"build.sh", "rseq.h", "percpu.c", "slab.c", "wrong.c", "tls.c", "start.c"} {
		b := read(t, "../testdata/"+file)
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("./build.sh")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, file := range fixtures(t) {
		if diff := cmp.Diff(read(t, file), read(t, filepath.Join(dir, "../elf", file))); diff != "" {
			t.Errorf("%s isn't what the script makes", file)
		}
	}
}

// Code that may be in a shared object takes the offset of thread-local data from
// the GOT.
func TestTheGOTHasOffsetsOfThreadLocalData(t *testing.T) {
	for _, file := range []string{"tls.amd64.clang-O2ie.o", "tls.arm64.gcc-O2ie.o", "tls.riscv64.gcc-O2ie.o"} {
		o := open(t, "testdata/"+file)
		want := map[int64]string{}
		for _, name := range []string{"one", "zero"} {
			s, ok := o.Lookup(name)
			if !ok || !s.TLS {
				t.Fatalf("%s: %s is %+v", file, name, s)
			}
			want[int64(s.Addr)] = name
		}
		got := map[int64]string{}
		for _, s := range o.Sections {
			for off := 0; s.Name == ".got" && off < len(s.Bytes); off += 8 {
				v := int64(o.Arch.ByteOrder().Uint64(s.Bytes[off:]))
				got[v] = want[v]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", file, diff)
		}
	}
}

// The thread's part has the initial values where the symbols say, and is below
// the thread pointer on x86 and above it elsewhere.
func TestThreadLocalDataIsWhereItsSymbolsSay(t *testing.T) {
	for _, file := range fixtures(t) {
		if !strings.HasPrefix(filepath.Base(file), "tls.") {
			continue
		}
		o := open(t, file)
		one, ok1 := o.Lookup("one")
		zero, ok2 := o.Lookup("zero")
		if !ok1 || !ok2 {
			t.Fatalf("%s: no symbols", file)
		}
		at := int64(one.Addr) - o.TLS.Offset
		if at < 0 || at+8 > int64(len(o.TLS.Init)) || o.Arch.ByteOrder().Uint64(o.TLS.Init[at:]) != 1 {
			t.Errorf("%s: one is at %d of % x", file, at, o.TLS.Init)
		}
		if at := int64(zero.Addr) - o.TLS.Offset; at < 0 || uint64(at)+20 > o.TLS.Size || int64(zero.Addr)%32 != 0 {
			t.Errorf("%s: zero is at %d of %d bytes, %d from the thread pointer", file, at, o.TLS.Size, int64(zero.Addr))
		}
		if below := o.TLS.Offset < 0; below != (o.Arch == abi.AMD64) {
			t.Errorf("%s: the thread's part is at %d", file, o.TLS.Offset)
		}
	}
}
