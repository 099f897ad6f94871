package abi_test

import (
	"encoding/binary"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

func TestArch(t *testing.T) {
	little, big := binary.ByteOrder(binary.LittleEndian), binary.ByteOrder(binary.BigEndian)
	tests := []struct {
		arch     abi.Arch
		name     string
		order    binary.ByteOrder
		ptr      int
		sig      uint32
		taskSize uint64
	}{
		{abi.AMD64, "amd64", little, 8, 0x53053053, 0x7ffffffff000},
		{abi.I386, "386", little, 4, 0x53053053, 0xc0000000},
		{abi.ARM, "arm", little, 4, 0xe7f5def3, 0xbf000000},
		{abi.ARMBE, "armbe", big, 4, 0xf3def5e7, 0xbf000000},
		{abi.ARM64, "arm64", little, 8, 0xd428bc00, 0x1000000000000},
		{abi.ARM64BE, "arm64be", big, 8, 0x00bc28d4, 0x1000000000000},
		{abi.LoongArch64, "loong64", little, 8, 0, 0x800000000000},
		{abi.MIPS, "mips", big, 4, 0x0350000d, 0x80000000},
		{abi.MIPSLE, "mipsle", little, 4, 0x0350000d, 0x80000000},
		{abi.MIPS64, "mips64", big, 8, 0x0350000d, 0x10000000000},
		{abi.MIPS64LE, "mips64le", little, 8, 0x0350000d, 0x10000000000},
		{abi.OpenRISC, "openrisc", big, 4, 0x15000035, 0x80000000},
		{abi.PPC64, "ppc64", big, 8, 0x0fe5000b, 0x10000000000000},
		{abi.PPC64LE, "ppc64le", little, 8, 0x0fe5000b, 0x10000000000000},
		{abi.RISCV64, "riscv64", little, 8, 0xf1401073, 0x4000000000},
		{abi.S390X, "s390x", big, 8, 0xb2ff0fff, 0xfffffffffffff000},
	}
	if got, want := len(abi.Arches()), len(tests); got != want {
		t.Errorf("got %d architectures, the test has %d", got, want)
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := abi.Arches()[i]; got != tt.arch {
				t.Errorf("Arches()[%d]: got %v, want %v", i, got, tt.arch)
			}
			if got := tt.arch.String(); got != tt.name {
				t.Errorf("got name %q, want %q", got, tt.name)
			}
			if got := tt.arch.ByteOrder(); got != tt.order {
				t.Errorf("got order %v, want %v", got, tt.order)
			}
			if got := tt.arch.PointerSize(); got != tt.ptr {
				t.Errorf("got pointer size %d, want %d", got, tt.ptr)
			}
			if got := tt.arch.Signature(); got != tt.sig {
				t.Errorf("got signature %#08x, want %#08x", got, tt.sig)
			}
			if got := tt.arch.TaskSize(); got != tt.taskSize {
				t.Errorf("got task size %#x, want %#x", got, tt.taskSize)
			}
			if !tt.arch.Valid() {
				t.Error("not valid")
			}
			if got, err := abi.ParseArch(tt.name); err != nil || got != tt.arch {
				t.Errorf("ParseArch: got %v, %v", got, err)
			}
		})
	}
}

// TestArchBigEndianSignature holds that ARM's two byte orders have the same
// signature in memory: their code has the same byte order.
func TestArchBigEndianSignature(t *testing.T) {
	for _, pair := range [][2]abi.Arch{{abi.ARM, abi.ARMBE}, {abi.ARM64, abi.ARM64BE}} {
		var le, be [abi.RSeqSigSize]byte
		pair[0].ByteOrder().PutUint32(le[:], pair[0].Signature())
		pair[1].ByteOrder().PutUint32(be[:], pair[1].Signature())
		if le != be {
			t.Errorf("%v has % x before abort_ip, %v has % x", pair[0], le, pair[1], be)
		}
	}
}

func TestParseArch(t *testing.T) {
	for name, want := range map[string]abi.Arch{
		"x86_64":      abi.AMD64,
		"i386":        abi.I386,
		"i686":        abi.I386,
		"aarch64":     abi.ARM64,
		"aarch64_be":  abi.ARM64BE,
		"loongarch64": abi.LoongArch64,
		"mips64el":    abi.MIPS64LE,
		"or1k":        abi.OpenRISC,
	} {
		if got, err := abi.ParseArch(name); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "AMD64", "amd64 ", "sparc64", "arch 200"} {
		got, err := abi.ParseArch(name)
		if err == nil {
			t.Errorf("%q: got %v, want an error", name, got)
		}
	}
	_, err := abi.ParseArch("vax")
	if got, want := err.Error(), `abi: unknown architecture "vax"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestArchesCopy holds that the list is the caller's to change.
func TestArchesCopy(t *testing.T) {
	abi.Arches()[0] = abi.S390X
	if got := abi.Arches()[0]; got != abi.AMD64 {
		t.Errorf("a caller changed the list: got %v first", got)
	}
}

func TestArchInvalid(t *testing.T) {
	a := abi.Arch(200)
	if a.Valid() {
		t.Error("valid")
	}
	if got, want := a.String(), "arch 200"; got != want {
		t.Errorf("got name %q, want %q", got, want)
	}
	if a.ByteOrder() == nil {
		t.Error("no byte order")
	}
	if a.PointerSize() != 0 || a.Signature() != 0 || a.TaskSize() != 0 {
		t.Errorf("got pointer size %d, signature %#x, task size %#x, want 0", a.PointerSize(), a.Signature(), a.TaskSize())
	}
	if nr, ok := a.Nr(abi.SysRSeq); ok {
		t.Errorf("got number %d for rseq", nr)
	}
	for _, nr := range []int{-1, 0, 1, 334} {
		if s, ok := a.Syscall(nr); ok {
			t.Errorf("got %v for number %d", s, nr)
		}
	}
}
