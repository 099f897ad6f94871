package abi_test

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// TestSyscallNumbers holds the tables against testdata/syscalls.txt: a line for
// every call, a column for every architecture.
func TestSyscallNumbers(t *testing.T) {
	text, err := os.ReadFile("testdata/syscalls.txt")
	if err != nil {
		t.Fatal(err)
	}
	var arches []abi.Arch
	seen := make(map[abi.Syscall]bool)
	for i, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
			continue
		case fields[0] == "call":
			for _, name := range fields[1:] {
				a, err := abi.ParseArch(name)
				if err != nil {
					t.Fatalf("line %d: %v", i+1, err)
				}
				arches = append(arches, a)
			}
			continue
		}
		s, ok := abi.ParseSyscall(fields[0])
		if !ok || len(fields) != 1+len(arches) {
			t.Fatalf("line %d: not a call and %d numbers: %q", i+1, len(arches), line)
		}
		seen[s] = true
		for j, a := range arches {
			nr, ok := a.Nr(s)
			if fields[1+j] == "-" {
				if ok {
					t.Errorf("%v on %v: got %d, want none", s, a, nr)
				}
				continue
			}
			want, err := strconv.Atoi(fields[1+j])
			if err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			if !ok || nr != want {
				t.Errorf("%v on %v: got %d, %v, want %d", s, a, nr, ok, want)
			}
			if back, ok := a.Syscall(want); !ok || back != s {
				t.Errorf("number %d on %v: got %v, %v, want %v", want, a, back, ok, s)
			}
		}
	}
	if got, want := len(arches), len(abi.Arches()); got != want {
		t.Errorf("the file has %d architectures, the package %d", got, want)
	}
	if got, want := len(seen), len(abi.Syscalls()); got != want {
		t.Errorf("the file has %d calls, the package %d", got, want)
	}
}

// TestRSeqNumbers restates the numbers of the ABI's own calls.
func TestRSeqNumbers(t *testing.T) {
	rseq := map[abi.Arch]int{
		abi.AMD64: 334, abi.I386: 386, abi.ARM: 398, abi.ARMBE: 398,
		abi.ARM64: 293, abi.ARM64BE: 293, abi.RISCV64: 293, abi.LoongArch64: 293, abi.OpenRISC: 293,
		abi.PPC64: 387, abi.PPC64LE: 387, abi.S390X: 383,
		abi.MIPS: 4367, abi.MIPSLE: 4367, abi.MIPS64: 5327, abi.MIPS64LE: 5327,
	}
	base := map[abi.Arch]int{abi.MIPS: 4000, abi.MIPSLE: 4000, abi.MIPS64: 5000, abi.MIPS64LE: 5000}
	for _, a := range abi.Arches() {
		if got, ok := a.Nr(abi.SysRSeq); !ok || got != rseq[a] {
			t.Errorf("rseq on %v: got %d, %v, want %d", a, got, ok, rseq[a])
		}
		if got, ok := a.Nr(abi.SysRSeqSliceYield); !ok || got != base[a]+471 {
			t.Errorf("rseq_slice_yield on %v: got %d, %v, want %d", a, got, ok, base[a]+471)
		}
	}
}

// TestSyscallRoundTrip holds that no table has a number twice, and that a
// number that is none finds nothing.
func TestSyscallRoundTrip(t *testing.T) {
	for _, a := range abi.Arches() {
		known := make(map[int]bool)
		for _, s := range abi.Syscalls() {
			nr, ok := a.Nr(s)
			if !ok {
				if nr != 0 {
					t.Errorf("%v on %v: got number %d and not ok", s, a, nr)
				}
				continue
			}
			if known[nr] {
				t.Errorf("%v has number %d twice", a, nr)
			}
			known[nr] = true
			if got, ok := a.Syscall(nr); !ok || got != s {
				t.Errorf("number %d on %v: got %v, %v, want %v", nr, a, got, ok, s)
			}
		}
		for nr := range 6000 {
			if s, ok := a.Syscall(nr); ok != known[nr] {
				t.Errorf("number %d on %v: got %v, %v", nr, a, s, ok)
			}
		}
		// Numbers are compared whole, not modulo the width of a table's entry.
		for _, nr := range []int{math.MinInt32, -1, 1<<16 + 334, math.MaxInt32} {
			if s, ok := a.Syscall(nr); ok {
				t.Errorf("number %d on %v: got %v", nr, a, s)
			}
		}
	}
}

func TestSyscallNames(t *testing.T) {
	for _, s := range abi.Syscalls() {
		name := s.String()
		if name == "" || strings.ToLower(name) != name || strings.Contains(name, " ") {
			t.Errorf("call %d: got name %q", uint8(s), name)
		}
		if got, ok := abi.ParseSyscall(name); !ok || got != s {
			t.Errorf("%q: got %v, %v, want %v", name, got, ok, s)
		}
		if !s.Valid() {
			t.Errorf("%v is not valid", s)
		}
	}
	for _, name := range []string{"", "RSEQ", "rseq ", "syscall 0", "open"} {
		if s, ok := abi.ParseSyscall(name); ok {
			t.Errorf("%q: got %v", name, s)
		}
	}
	for s, want := range map[abi.Syscall]string{
		0:                       "syscall 0",
		abi.SysRSeq:             "rseq",
		abi.SysSchedSetaffinity: "sched_setaffinity",
		abi.SysMunmap:           "munmap",
		200:                     "syscall 200",
	} {
		if got := s.String(); got != want {
			t.Errorf("call %d: got %q, want %q", uint8(s), got, want)
		}
	}
	for _, s := range []abi.Syscall{0, abi.SysMunmap + 1, 255} {
		if s.Valid() {
			t.Errorf("%v is valid", s)
		}
		if nr, ok := abi.AMD64.Nr(s); ok {
			t.Errorf("%v has number %d", s, nr)
		}
	}
}

func BenchmarkArchSyscall(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if s, _ := abi.AMD64.Syscall(11); s != abi.SysMunmap {
			b.Fatal(s)
		}
	}
}
