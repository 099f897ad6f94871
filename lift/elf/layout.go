package elf

import (
	"debug/elf"
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

const (
	objectBase = 0x10000 // where the first section of a relocatable object goes
	page       = 0x1000
	// maxSpan bounds the addresses of a relocatable object: code reaches what it
	// names by 32 bits.
	maxSpan  = uint64(1) << 31
	maxAlign = 1 << 24
	// maxTLS bounds the thread's part, which each thread has a copy of.
	maxTLS = 1 << 24
)

func alignUp(n, align uint64) uint64 {
	if align <= 1 {
		return n
	}
	return (n + align - 1) &^ (align - 1)
}

// isTBSS says that a section is only in the thread's part: it has an address in
// a linked file, but no memory there.
func isTBSS(s *elf.Section) bool { return s.Type == elf.SHT_NOBITS && s.Flags&elf.SHF_TLS != 0 }

// place gives the sections their addresses and reads their bytes.
func (f *file) place() error {
	n := len(f.elf.Sections)
	f.at, f.data, f.placed, f.tls = make([]ir.Addr, n), make([][]byte, n), make([]bool, n), make([]int64, n)
	for i, s := range f.elf.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		if s.Type != elf.SHT_NOBITS {
			b, err := s.Data()
			if err != nil {
				return fmt.Errorf("section %d (%s): %w", i, s.Name, err)
			}
			f.data[i] = b
		}
		if a := s.Addralign; a&(a-1) != 0 || a > maxAlign {
			return fmt.Errorf("section %d (%s) has an alignment of %#x; it is a power of two up to %#x", i, s.Name, a, maxAlign)
		}
	}
	end := uint64(objectBase)
	if f.Relocatable {
		var err error
		if end, err = f.layOut(); err != nil {
			return err
		}
	}
	for i, s := range f.elf.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 || isTBSS(s) {
			continue
		}
		if !f.Relocatable {
			f.at[i] = ir.Addr(s.Addr)
			if top := f.Arch.TaskSize(); s.Addr > top || top-s.Addr < s.Size {
				return fmt.Errorf("section %d (%s), at %#x with %#x bytes, isn't in the addresses that %v programs have (up to %#x)", i, s.Name, s.Addr, s.Size, f.Arch, top)
			}
			end = max(end, s.Addr+s.Size)
		}
		f.placed[i] = true
		f.Sections = append(f.Sections, Section{
			Name: s.Name, Addr: f.at[i], Size: s.Size, Bytes: f.data[i],
			Exec: s.Flags&elf.SHF_EXECINSTR != 0, Write: s.Flags&elf.SHF_WRITE != 0,
		})
	}
	f.extern = &externals{at: ir.Addr(alignUp(end, page) + page), byName: map[string]ir.Addr{}}
	return f.placeTLS()
}

// layOut gives the sections of a relocatable object addresses, as a linker
// does: code, what is only read, what is written. It returns the end.
func (f *file) layOut() (uint64, error) {
	end := uint64(objectBase)
	for _, want := range []elf.SectionFlag{elf.SHF_EXECINSTR, 0, elf.SHF_WRITE} {
		for i, s := range f.elf.Sections {
			if s.Flags&elf.SHF_ALLOC == 0 || isTBSS(s) || s.Flags&(elf.SHF_EXECINSTR|elf.SHF_WRITE) != want &&
				!(want == elf.SHF_EXECINSTR && s.Flags&elf.SHF_EXECINSTR != 0) {
				continue
			}
			end = alignUp(end, s.Addralign)
			f.at[i] = ir.Addr(end)
			if s.Size > maxSpan || end+s.Size > maxSpan {
				return 0, fmt.Errorf("section %d (%s) with %#x bytes: a relocatable object has %#x at most", i, s.Name, s.Size, maxSpan)
			}
			end += s.Size
		}
		end = alignUp(end, page)
	}
	return end, nil
}

// placeTLS decides where the thread's part is, from the thread pointer. x86's
// ends there; arm64's begins behind two words that are the C library's, and
// riscv64's at it.
func (f *file) placeTLS() error {
	size, align := uint64(0), uint64(1)
	var begin uint64 // a linked file's address of it
	if f.Relocatable {
		for _, bss := range []bool{false, true} {
			for i, s := range f.elf.Sections {
				if s.Flags&elf.SHF_TLS == 0 || s.Flags&elf.SHF_ALLOC == 0 || isTBSS(s) != bss {
					continue
				}
				if s.Size > maxTLS || alignUp(size, s.Addralign)+s.Size > maxTLS {
					return fmt.Errorf("section %d (%s) with %#x bytes: the thread's part has %#x at most", i, s.Name, s.Size, maxTLS)
				}
				size, align = alignUp(size, s.Addralign), max(align, s.Addralign)
				f.tls[i] = int64(size)
				size += s.Size
			}
		}
	} else {
		for i, p := range f.elf.Progs {
			if p.Type != elf.PT_TLS {
				continue
			}
			if p.Memsz > maxTLS || p.Filesz > p.Memsz || p.Align&(p.Align-1) != 0 || p.Align > maxAlign {
				return fmt.Errorf("segment %d (TLS) with %#x bytes, %#x in the file, aligned to %#x: it has %#x at most", i, p.Memsz, p.Filesz, p.Align, maxTLS)
			}
			begin, size, align = p.Vaddr, p.Memsz, max(p.Align, 1)
			break
		}
		for i, s := range f.elf.Sections {
			f.tls[i] = int64(s.Addr - begin)
		}
	}
	switch f.Arch {
	case abi.AMD64:
		f.TLS.Offset = -int64(alignUp(size, align))
	case abi.ARM64:
		f.TLS.Offset = int64(alignUp(16, align))
	}
	f.TLS.Size = size
	for i := range f.tls {
		f.tls[i] += f.TLS.Offset
	}
	f.extern.tls = f.TLS.Offset
	if f.Arch != abi.AMD64 {
		f.extern.tls += int64(alignUp(size, externTLS))
	}
	return nil
}

// fillTLS reads the thread's part after its relocation. What others define has
// its place below it on x86, and above it elsewhere.
func (f *file) fillTLS() {
	below := uint64(0)
	if n := f.extern.tlsCount; n > 0 {
		if f.Arch == abi.AMD64 {
			below = uint64(f.TLS.Offset - f.extern.tls)
			f.TLS.Offset = f.extern.tls
		}
		f.TLS.Size = max(f.TLS.Size+below, uint64(f.extern.tls-f.TLS.Offset))
	}
	for i, s := range f.elf.Sections {
		if s.Flags&elf.SHF_TLS == 0 || s.Flags&elf.SHF_ALLOC == 0 || s.Type == elf.SHT_NOBITS {
			continue
		}
		at := uint64(f.tls[i] - f.TLS.Offset)
		if at > f.TLS.Size || f.TLS.Size-at < uint64(len(f.data[i])) {
			continue // outside of the segment that says what each thread gets
		}
		if end := at + uint64(len(f.data[i])); end > uint64(len(f.TLS.Init)) {
			f.TLS.Init = append(f.TLS.Init, make([]byte, end-uint64(len(f.TLS.Init)))...)
		}
		copy(f.TLS.Init[at:], f.data[i])
	}
}
