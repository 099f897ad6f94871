package elf

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// OpenFile opens the file of that name.
func OpenFile(name string) (*Object, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	return Open(name, f, info.Size())
}

// Open reads an ELF file of size bytes. The name is for messages. Nothing is
// read from r after Open has returned.
func Open(name string, r io.ReaderAt, size int64) (*Object, error) {
	o, err := open(name, r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return o, nil
}

// open makes an Object:
//
//  1. the headers, checked before debug/elf trusts them
//  2. an address for each section, and for what the file leaves undefined
//  3. the symbols
//  4. the relocations, which may ask for a GOT
//  5. the thread's part, and the critical sections' descriptors
func open(name string, r io.ReaderAt, size int64) (*Object, error) {
	arch, err := checkHeader(r, size)
	if err != nil {
		return nil, err
	}
	ef, err := newFile(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	f := &file{
		Object: &Object{Name: name, Arch: arch, Relocatable: ef.Type == elf.ET_REL},
		elf:    ef, tables: map[uint32]*symtab{},
	}
	if err := f.checkSections(size); err != nil {
		return nil, err
	}
	if err := f.place(); err != nil {
		return nil, err
	}
	if err := f.readSymbols(); err != nil {
		return nil, err
	}
	f.sortSections()
	if f.Relocatable {
		err = f.link()
	} else {
		err = f.load()
	}
	if err != nil {
		return nil, err
	}
	if err := f.finish(); err != nil {
		return nil, err
	}
	if f.lines, err = f.debugSections(); err != nil {
		return nil, err
	}
	return f.Object, nil
}

// newFile is elf.NewFile, which warns that it may panic on a malformed file.
func newFile(r io.ReaderAt) (f *elf.File, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("malformed: %v", v)
		}
	}()
	return elf.NewFile(r)
}

// checkSections holds the section headers against the file's size: nothing is
// past its end, and nothing is there twice, since that is how a small file
// would become large.
func (f *file) checkSections(size int64) error {
	var inFile []int
	for i, s := range f.elf.Sections {
		if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL || s.FileSize == 0 {
			continue
		}
		if s.Offset > uint64(size) || uint64(size)-s.Offset < s.FileSize {
			return fmt.Errorf("section %d (%s), at %#x with %#x bytes, is past the end of the file (%#x bytes)", i, s.Name, s.Offset, s.FileSize, size)
		}
		if s.Flags&elf.SHF_COMPRESSED != 0 && (s.Flags&elf.SHF_ALLOC != 0 || s.Type != elf.SHT_PROGBITS) {
			return fmt.Errorf("section %d (%s) is compressed, which only debugging information may be", i, s.Name)
		}
		inFile = append(inFile, i)
	}
	slices.SortStableFunc(inFile, func(a, b int) int {
		return cmp.Compare(f.elf.Sections[a].Offset, f.elf.Sections[b].Offset)
	})
	for k := 1; k < len(inFile); k++ {
		a, b := f.elf.Sections[inFile[k-1]], f.elf.Sections[inFile[k]]
		if a.Offset+a.FileSize > b.Offset {
			return fmt.Errorf("sections %d (%s) and %d (%s) share bytes of the file, at %#x", inFile[k-1], a.Name, inFile[k], b.Name, b.Offset)
		}
	}
	return nil
}

// sortSections brings the sections into the order of their addresses, without
// those that have nothing.
func (f *file) sortSections() {
	f.Sections = slices.DeleteFunc(f.Sections, func(s Section) bool { return s.Size == 0 })
	slices.SortStableFunc(f.Sections, func(a, b Section) int { return cmp.Compare(a.Addr, b.Addr) })
}

// finish brings the parts into their order, and reads what describes the
// critical sections.
func (f *file) finish() error {
	f.sortSections()
	for i := 1; i < len(f.Sections); i++ {
		a, b := &f.Sections[i-1], &f.Sections[i]
		if a.Addr+ir.Addr(a.Size) > b.Addr {
			return fmt.Errorf("sections %s and %s overlap at %#x", a.Name, b.Name, uint64(b.Addr))
		}
	}
	slices.Sort(f.Pointers)
	f.Pointers = slices.Compact(f.Pointers)
	f.sortSymbols()
	return f.readDescriptors()
}
