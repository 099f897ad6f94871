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

	// The stack is not executable.
	progs := []elf.Prog64{{Type: uint32(elf.PT_GNU_STACK), Flags: uint32(readable | writable)}}
	var body []byte
	// Old kernels make the pages that the file doesn't hold only if addresses
	// ascend.
	segments = slices.SortedFunc(slices.Values(segments), func(a, b segment) int { return cmp.Compare(a.at, b.at) })
	for _, g := range segments {
		if len(g.data) == 0 {
			continue
		}
		progs = append(progs, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(g.perm), Off: uint64(page + len(body)),
			Vaddr: uint64(g.at), Paddr: uint64(g.at), Filesz: uint64(g.filled()), Memsz: uint64(len(g.data)), Align: uint64(page),
		})
		body = append(body, g.data[:g.filled()]...)
		body = append(body, make([]byte, -len(body)&(page-1))...)
	}
	header.Phnum = uint16(len(progs))

	var head bytes.Buffer
	for _, v := range []any{header, progs} {
		if err := binary.Write(&head, binary.LittleEndian, v); err != nil {
			panic("native: BUG: " + err.Error())
		}
	}
	file := make([]byte, page, page+len(body))
	copy(file, head.Bytes())
	return append(file, body...)
}
