package native

import (
	"bytes"
	"debug/elf"
	"encoding/binary"

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

// pageSize is x86-64's; a segment's offset in the file and its address are the
// same within a page.
const pageSize = 4096

// executableFile writes a static executable for x86-64 without sections: what
// execve needs and no more. Empty segments are left out.
func executableFile(entry ir.Addr, segments []segment) []byte {
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Entry: uint64(entry), Phoff: 64, Ehsize: 64, Phentsize: 56,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)

	// The stack is not executable.
	progs := []elf.Prog64{{Type: uint32(elf.PT_GNU_STACK), Flags: uint32(readable | writable)}}
	var body []byte
	for _, s := range segments {
		if len(s.data) == 0 {
			continue
		}
		progs = append(progs, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(s.perm), Off: uint64(pageSize + len(body)),
			Vaddr: uint64(s.at), Paddr: uint64(s.at), Filesz: uint64(len(s.data)), Memsz: uint64(len(s.data)), Align: pageSize,
		})
		body = append(body, s.data...)
		body = append(body, make([]byte, -len(body)&(pageSize-1))...)
	}
	header.Phnum = uint16(len(progs))

	var head bytes.Buffer
	for _, v := range []any{header, progs} {
		if err := binary.Write(&head, binary.LittleEndian, v); err != nil {
			panic("native: BUG: " + err.Error())
		}
	}
	file := make([]byte, pageSize, pageSize+len(body))
	copy(file, head.Bytes())
	return append(file, body...)
}
