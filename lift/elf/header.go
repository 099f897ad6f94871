package elf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/rseqemu/rseqemu/abi"
)

const (
	headerSize  = 64 // of an ELF64 file header
	sectionSize = 64 // of an ELF64 section header
)

// magics name what a file is that begins so and is no ELF file.
var magics = []struct{ magic, name string }{
	{"\xcf\xfa\xed\xfe", "a Mach-O file (macOS), and Linux's restartable sequences are in ELF files: compile for Linux"},
	{"\xce\xfa\xed\xfe", "a Mach-O file (macOS), and Linux's restartable sequences are in ELF files: compile for Linux"},
	{"\xfe\xed\xfa", "a Mach-O file (macOS), and Linux's restartable sequences are in ELF files: compile for Linux"},
	{"\xca\xfe\xba\xbe", "a universal Mach-O file (macOS) or a Java class, and Linux's restartable sequences are in ELF files"},
	{"MZ", "a PE file (Windows), and Linux's restartable sequences are in ELF files: compile for Linux"},
	{"!<arch>\n", "an archive: extract its members (ar x) and name those"},
	{"!<thin>\n", "a thin archive: name its members"},
	{"\x00asm", "a WebAssembly module"},
	{"BC\xc0\xde", "LLVM bitcode, as clang -flto makes it: name what was linked of it"},
	{"\x1f\x8b", "compressed (gzip): uncompress it first"},
	{"(\xb5/\xfd", "compressed (zstd): uncompress it first"},
	{"\xfd7zXZ\x00", "compressed (xz): uncompress it first"},
	{"PK\x03\x04", "a zip archive: extract it first"},
	{"#!", "a script"},
}

// notELF says what a file is that doesn't begin as an ELF file does.
func notELF(begin []byte) string {
	if len(begin) == 0 {
		return "an empty file"
	}
	for _, m := range magics {
		if bytes.HasPrefix(begin, []byte(m.magic)) {
			return m.name
		}
	}
	for len(begin) > 0 && !utf8.Valid(begin) && len(begin) > headerSize-utf8.UTFMax {
		begin = begin[:len(begin)-1] // a character may be cut in two
	}
	if utf8.Valid(begin) && bytes.IndexByte(begin, 0) < 0 {
		return "text, not an ELF file"
	}
	return "not an ELF file"
}

// checkHeader looks at what debug/elf would read without looking: the file
// header and where the section headers are. It says what is wrong, or the
// architecture.
func checkHeader(r io.ReaderAt, size int64) (abi.Arch, error) {
	// 1. An ELF file of 64 bits and little endian.
	begin := make([]byte, min(max(size, 0), headerSize))
	if _, err := r.ReadAt(begin, 0); err != nil && err != io.EOF {
		return 0, err
	}
	if !bytes.HasPrefix(begin, []byte(elf.ELFMAG)) {
		return 0, fmt.Errorf("%s", notELF(begin))
	}
	if len(begin) > elf.EI_CLASS && elf.Class(begin[elf.EI_CLASS]) == elf.ELFCLASS32 {
		return 0, fmt.Errorf("a 32-bit ELF file; only those of 64 bits are read")
	}
	if len(begin) > elf.EI_DATA && elf.Data(begin[elf.EI_DATA]) == elf.ELFDATA2MSB {
		return 0, fmt.Errorf("a big-endian ELF file; only little-endian ones are read")
	}
	if len(begin) < headerSize {
		return 0, fmt.Errorf("cut off: an ELF header has %d bytes, the file %d", headerSize, len(begin))
	}
	if c := elf.Class(begin[elf.EI_CLASS]); c != elf.ELFCLASS64 {
		return 0, fmt.Errorf("unknown ELF class %d", c)
	}
	if d := elf.Data(begin[elf.EI_DATA]); d != elf.ELFDATA2LSB {
		return 0, fmt.Errorf("unknown ELF byte order %d", d)
	}
	le := binary.LittleEndian

	// 2. Of an architecture and a kind that has code for us.
	var arch abi.Arch
	switch m := elf.Machine(le.Uint16(begin[18:])); m {
	case elf.EM_X86_64:
		arch = abi.AMD64
	case elf.EM_AARCH64:
		arch = abi.ARM64
	case elf.EM_RISCV:
		arch = abi.RISCV64
	default:
		return 0, fmt.Errorf("an ELF file for %v; only x86-64, arm64 and riscv64 are read", m)
	}
	switch t := elf.Type(le.Uint16(begin[16:])); t {
	case elf.ET_REL, elf.ET_EXEC, elf.ET_DYN:
	case elf.ET_CORE:
		return 0, fmt.Errorf("a core dump, not a program: name the file that was running")
	default:
		return 0, fmt.Errorf("unknown ELF file type %d", t)
	}

	// 3. The section headers lie in the file.
	off, each, n, names := le.Uint64(begin[40:]), le.Uint16(begin[58:]), uint64(le.Uint16(begin[60:])), uint64(le.Uint16(begin[62:]))
	if off == 0 {
		return 0, fmt.Errorf("no section headers, by which the critical sections are found (were they stripped with sstrip?)")
	}
	if each != sectionSize {
		return 0, fmt.Errorf("section headers of %d bytes, and %d are right", each, sectionSize)
	}
	header := func(i uint64) ([]byte, error) {
		b := make([]byte, sectionSize)
		if at := off + i*sectionSize; at < off || at > uint64(size) || uint64(size)-at < sectionSize {
			return nil, fmt.Errorf("section header %d, at %#x, is past the end of the file (%#x bytes)", i, at, size)
		}
		_, err := r.ReadAt(b, int64(off+i*sectionSize))
		if err == io.EOF {
			err = nil
		}
		return b, err
	}
	first, err := header(0)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		n = le.Uint64(first[32:])
	}
	if names == uint64(elf.SHN_XINDEX) {
		names = uint64(le.Uint32(first[40:]))
	}
	if n == 0 {
		return 0, fmt.Errorf("no section headers, by which the critical sections are found")
	}
	if n > uint64(size)/sectionSize {
		return 0, fmt.Errorf("%d section headers don't fit into a file of %#x bytes", n, size)
	}
	if _, err := header(n - 1); err != nil {
		return 0, err
	}

	// 4. So do the sections' names, and they are no bomb.
	if names == 0 || names >= n {
		return 0, fmt.Errorf("the names of the sections are in section %d, and there are %d", names, n)
	}
	table, err := header(names)
	if err != nil {
		return 0, err
	}
	if elf.SectionFlag(le.Uint64(table[8:]))&elf.SHF_COMPRESSED != 0 {
		return 0, fmt.Errorf("the names of the sections are compressed")
	}
	if at, n := le.Uint64(table[24:]), le.Uint64(table[32:]); at > uint64(size) || uint64(size)-at < n {
		return 0, fmt.Errorf("the names of the sections, at %#x, are past the end of the file (%#x bytes)", at, size)
	}
	return arch, nil
}
