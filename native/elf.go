package native

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// segment is memory that the kernel maps before the process starts.
type segment struct {
	at   ir.Addr
	data []byte
	perm elf.ProgFlag
}

// The permissions of a segment.
const (
	readable   = elf.PF_R
	writable   = elf.PF_W
	executable = elf.PF_X
)

// filled is how much of a segment the file holds. Pages of zeros at the end of a
// writable one aren't in it: the kernel makes them when they are first touched.
func (g *segment) filled() int {
	const page = 4096
	n := len(g.data)
	if g.perm&writable == 0 {
		return n
	}
	for n > page && len(bytes.Trim(g.data[(n-1)/page*page:n], "\x00")) == 0 {
		n = (n - 1) / page * page
	}
	return n
}

// executable writes a static executable without sections: what execve needs and
// no more. A segment's offset in the file and its address are the same within a
// page. Empty segments are left out.
func (s *isa) executable(entry ir.Addr, segments []segment) []byte {
	page := s.align
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(s.machine), Version: uint32(elf.EV_CURRENT),
		Entry: uint64(entry), Phoff: 64, Ehsize: 64, Phentsize: 56,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)

	// Old kernels make the pages that the file doesn't hold only if addresses
	// ascend.
	segments = slices.SortedFunc(slices.Values(segments), func(a, b segment) int { return cmp.Compare(a.at, b.at) })
	segments = slices.DeleteFunc(segments, func(g segment) bool { return len(g.data) == 0 })
	// The stack is not executable.
	progs := []elf.Prog64{{Type: uint32(elf.PT_GNU_STACK), Flags: uint32(readable | writable)}}
	size := page
	for _, g := range segments {
		n := g.filled()
		progs = append(progs, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(g.perm), Off: uint64(size),
			Vaddr: uint64(g.at), Paddr: uint64(g.at), Filesz: uint64(n), Memsz: uint64(len(g.data)), Align: uint64(page),
		})
		size += (n + page - 1) &^ (page - 1)
	}
	header.Phnum = uint16(len(progs))

	file := make([]byte, size)
	n, err := binary.Encode(file, binary.LittleEndian, header)
	if err == nil {
		_, err = binary.Encode(file[n:page], binary.LittleEndian, progs)
	}
	if err != nil {
		panic("native: BUG: " + err.Error())
	}
	for i, g := range segments {
		in := &progs[1+i]
		copy(file[in.Off:], g.data[:in.Filesz])
	}
	return file
}
