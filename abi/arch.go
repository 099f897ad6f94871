package abi

import (
	"encoding/binary"
	"fmt"
)

// Arch is an architecture, in one byte order, that has restartable sequences.
// The zero value is [AMD64].
type Arch uint8

// The architectures. Where one has both byte orders it counts as two, because
// the layouts differ in memory.
const (
	AMD64       Arch = iota // x86-64
	I386                    // 32-bit x86
	ARM                     // 32-bit ARM (EABI), little endian
	ARMBE                   // 32-bit ARM (EABI), big endian data and little endian code (BE8)
	ARM64                   // AArch64, little endian
	ARM64BE                 // AArch64, big endian data and little endian code
	LoongArch64             // 64-bit LoongArch
	MIPS                    // 32-bit MIPS (o32), big endian
	MIPSLE                  // 32-bit MIPS (o32), little endian
	MIPS64                  // 64-bit MIPS (n64), big endian
	MIPS64LE                // 64-bit MIPS (n64), little endian
	OpenRISC                // 32-bit OpenRISC 1000, big endian
	PPC64                   // 64-bit POWER, big endian
	PPC64LE                 // 64-bit POWER, little endian
	RISCV64                 // 64-bit RISC-V
	S390X                   // 64-bit z/Architecture

	archCount = iota
)

// archInfo is one architecture's row of the table below.
type archInfo struct {
	name     string
	alias    []string // other names that ParseArch takes: uname -m and kernel directory names
	order    binary.ByteOrder
	ptrSize  int
	sig      uint32
	taskSize uint64
	nr       *[syscallCount]uint16
}

// archs is indexed by Arch.
//
// A task size is the kernel's TASK_SIZE (arch/*/include/asm/processor.h,
// task_size.h or memory.h) in the configuration that distributions build:
//
//   - amd64: four levels of page tables, less a guard page
//   - 386, arm: the 3 GiB split; arm keeps 16 MiB below the kernel for modules
//   - arm64: 48-bit addresses
//   - loong64: three levels and 16 KiB pages
//   - mips, openrisc: the lower half, which the architecture fixes
//   - mips64: the R4000's 40 bits
//   - ppc64: 64 KiB pages
//   - riscv64: Sv39, which every implementation has
//   - s390x: the whole address space but its last page: the kernel has its own
var archs = [archCount]archInfo{
	AMD64:       {"amd64", []string{"x86_64", "x86-64"}, binary.LittleEndian, 8, 0x53053053, 1<<47 - 4096, &nrAMD64},
	I386:        {"386", []string{"i386", "i686", "x86"}, binary.LittleEndian, 4, 0x53053053, 0xc000_0000, &nrI386},
	ARM:         {"arm", []string{"armv7l"}, binary.LittleEndian, 4, 0xe7f5def3, 0xbf00_0000, &nrARM},
	ARMBE:       {"armbe", []string{"armv7b"}, binary.BigEndian, 4, 0xf3def5e7, 0xbf00_0000, &nrARM},
	ARM64:       {"arm64", []string{"aarch64"}, binary.LittleEndian, 8, 0xd428bc00, 1 << 48, &nrGeneric},
	ARM64BE:     {"arm64be", []string{"aarch64_be"}, binary.BigEndian, 8, 0x00bc28d4, 1 << 48, &nrGeneric},
	LoongArch64: {"loong64", []string{"loongarch64"}, binary.LittleEndian, 8, 0, 1 << 47, &nrGeneric},
	MIPS:        {"mips", nil, binary.BigEndian, 4, 0x0350000d, 0x8000_0000, &nrMIPS},
	MIPSLE:      {"mipsle", []string{"mipsel"}, binary.LittleEndian, 4, 0x0350000d, 0x8000_0000, &nrMIPS},
	MIPS64:      {"mips64", nil, binary.BigEndian, 8, 0x0350000d, 1 << 40, &nrMIPS64},
	MIPS64LE:    {"mips64le", []string{"mips64el"}, binary.LittleEndian, 8, 0x0350000d, 1 << 40, &nrMIPS64},
	OpenRISC:    {"openrisc", []string{"or1k"}, binary.BigEndian, 4, 0x15000035, 0x8000_0000, &nrGeneric},
	PPC64:       {"ppc64", nil, binary.BigEndian, 8, 0x0fe5000b, 1 << 52, &nrPPC64},
	PPC64LE:     {"ppc64le", []string{"powerpc64le"}, binary.LittleEndian, 8, 0x0fe5000b, 1 << 52, &nrPPC64},
	RISCV64:     {"riscv64", nil, binary.LittleEndian, 8, 0xf1401073, 1 << 38, &nrGeneric},
	S390X:       {"s390x", nil, binary.BigEndian, 8, 0xb2ff0fff, 1<<64 - 4096, &nrS390X},
}

// info returns a's row; that of an Arch that is none is empty but usable, so
// that a value from a file can be printed in an error.
func (a Arch) info() *archInfo {
	if int(a) < len(archs) {
		return &archs[a]
	}
	return &noArch
}

var noArch = archInfo{order: binary.LittleEndian, nr: new([syscallCount]uint16)}

// Arches returns every architecture, in the order of their values. The slice
// is the caller's.
func Arches() []Arch {
	all := make([]Arch, archCount)
	for i := range all {
		all[i] = Arch(i)
	}
	return all
}

// ParseArch returns the architecture that [Arch.String] calls name, or that
// uname -m does: amd64 and x86_64 are the same.
func ParseArch(name string) (Arch, error) {
	for i := range archs {
		if archs[i].name == name {
			return Arch(i), nil
		}
		for _, alias := range archs[i].alias {
			if alias == name {
				return Arch(i), nil
			}
		}
	}
	return 0, fmt.Errorf("abi: unknown architecture %q", name)
}

// String returns the architecture's name as GOARCH spells it (amd64, 386,
// arm64, loong64); openrisc, which Go doesn't know, as uname -m does.
func (a Arch) String() string {
	if name := a.info().name; name != "" {
		return name
	}
	return fmt.Sprintf("arch %d", uint8(a))
}

// Valid reports whether a is one of the architectures of [Arches].
func (a Arch) Valid() bool { return int(a) < archCount }

// ByteOrder returns the order of the bytes of data, which is that of the
// layouts. Code can have another one: ARM's is always little endian.
func (a Arch) ByteOrder() binary.ByteOrder { return a.info().order }

// PointerSize returns the size of an address, in bytes: 4 or 8. The layouts
// don't depend on it: addresses in them take eight bytes everywhere.
func (a Arch) PointerSize() int { return a.info().ptrSize }

// Signature returns the signature that libraries register on a, by
// convention: the 32-bit value that a load in a's [Arch.ByteOrder] finds in the
// four bytes before abort_ip, and that rseq(2) gets as its fourth argument. The
// kernel takes any value.
//
// It is the code of an instruction that traps or does nothing and that no
// compiler emits. On [ARMBE] and [ARM64BE] the bytes are those of a little
// endian instruction, so that the value is the byte-swapped one. MIPS has
// further ones for its other encodings, which this package doesn't tell apart.
// It returns 0 for [LoongArch64], for which no signature is agreed on.
func (a Arch) Signature() uint32 { return a.info().sig }

// TaskSize returns the first address that can't belong to user space: rseq_cs,
// and the addresses in a descriptor, must be below it. It is the kernel's
// TASK_SIZE in the configuration that distributions ship. A kernel that was
// built or booted with more or fewer levels of page tables has another one, and
// so has a 32-bit task under a 64-bit kernel (0xffffe000 on x86).
func (a Arch) TaskSize() uint64 { return a.info().taskSize }

// Nr returns the number of the system call s on a, and false if a doesn't have
// it: the architectures that came late (arm64, riscv64, …) have no fork, vfork
// or pause. A number is valid only from the release that brought the call.
func (a Arch) Nr(s Syscall) (nr int, ok bool) {
	if int(s) >= syscallCount {
		return 0, false
	}
	n := a.info().nr[s]
	return int(n), n != 0
}

// Syscall returns the system call that has the number nr on a, and false if it
// is none that this package names.
func (a Arch) Syscall(nr int) (Syscall, bool) {
	if nr <= 0 {
		return 0, false
	}
	for s, n := range a.info().nr {
		if int(n) == nr {
			return Syscall(s), true
		}
	}
	return 0, false
}
