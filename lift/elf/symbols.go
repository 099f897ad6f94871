package elf

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

const (
	symSize = 24 // of an ELF64 symbol
	// externSize is the room that a name gets which the file leaves undefined: its
	// size isn't known, and its 16th element must not be another's first. More would
	// put the last of many names out of the reach of arm64's calls.
	externSize = 4096
	// externTLS is the same in the thread's part, which is small.
	externTLS = 64
)

// externals gives out the places of what the file leaves undefined.
type externals struct {
	at       ir.Addr // where the section begins
	size     uint64
	byName   map[string]ir.Addr
	tls      int64 // the last place given out below, or the next above
	tlsCount int
}

// place returns the place of a name.
func (e *externals) place(name string) ir.Addr {
	if at, ok := e.byName[name]; ok {
		return at
	}
	at := e.at + ir.Addr(e.size)
	e.size += externSize
	e.byName[name] = at
	return at
}

// placeTLS returns the offset from the thread pointer of a thread-local name.
func (e *externals) placeTLS(arch abi.Arch, name string) ir.Addr {
	if at, ok := e.byName["tls "+name]; ok {
		return at
	}
	e.tlsCount++
	at := e.tls
	if arch == abi.AMD64 {
		e.tls = (e.tls - externTLS) &^ (externTLS - 1)
		at = e.tls
	} else {
		e.tls += externTLS
	}
	e.byName["tls "+name] = ir.Addr(at)
	return ir.Addr(at)
}

// symtab is one of the file's symbol tables, by index.
type symtab struct {
	syms []symbol
}

// symbol is an entry: what a relocation needs of it.
type symbol struct {
	Symbol
	// section is the index of the one that it is in; 0 for none.
	section int
	// none: the first entry, which stands for no symbol.
	none bool
}

// readSymbols reads every table, and collects what has a name.
func (f *file) readSymbols() error {
	for i, s := range f.elf.Sections {
		if s.Type != elf.SHT_SYMTAB && s.Type != elf.SHT_DYNSYM {
			continue
		}
		t, err := f.readTable(s)
		if err != nil {
			return fmt.Errorf("section %d (%s): %w", i, s.Name, err)
		}
		f.tables[uint32(i)] = t
		for _, sym := range t.syms {
			if sym.Name != "" {
				f.Symbols = append(f.Symbols, sym.Symbol)
			}
		}
	}
	if f.extern.size > maxSpan {
		return fmt.Errorf("%#x bytes of undefined and common symbols; there is room for %#x", f.extern.size, maxSpan)
	}
	if f.extern.size > 0 {
		f.Sections = append(f.Sections, Section{Name: "*undefined*", Addr: f.extern.at, Size: f.extern.size, Write: true, External: true})
	}
	return nil
}

func (f *file) readTable(s *elf.Section) (*symtab, error) {
	b, err := s.Data()
	if err != nil {
		return nil, err
	}
	if s.Link == 0 || int64(s.Link) >= int64(len(f.elf.Sections)) || f.elf.Sections[s.Link].Type != elf.SHT_STRTAB {
		return nil, fmt.Errorf("its names are in section %d, which is no string table", s.Link)
	}
	names, err := f.elf.Sections[s.Link].Data()
	if err != nil {
		return nil, err
	}
	if len(b)%symSize != 0 {
		return nil, fmt.Errorf("%#x bytes are no whole number of symbols", len(b))
	}
	t := &symtab{syms: make([]symbol, len(b)/symSize)}
	for i := range t.syms {
		if i == 0 {
			t.syms[0].none = true
			continue
		}
		sym, err := f.readSymbol(b[i*symSize:], names, i, s)
		if err != nil {
			return nil, fmt.Errorf("symbol %d: %w", i, err)
		}
		t.syms[i] = sym
	}
	return t, nil
}

func (f *file) readSymbol(b, names []byte, i int, table *elf.Section) (symbol, error) {
	le := binary.LittleEndian
	name, info, index := le.Uint32(b), b[4], elf.SectionIndex(le.Uint16(b[6:]))
	value, size := le.Uint64(b[8:]), le.Uint64(b[16:])
	if int64(name) > int64(len(names)) {
		return symbol{}, fmt.Errorf("its name is at %#x of %#x bytes", name, len(names))
	}
	end := bytes.IndexByte(names[name:], 0)
	if end < 0 {
		end = len(names) - int(name)
	}
	typ, bind := elf.ST_TYPE(info), elf.ST_BIND(info)
	sym := symbol{Symbol: Symbol{
		Name: string(names[name:][:end]), Addr: ir.Addr(value), Size: size,
		Func: typ == elf.STT_FUNC || typ == elf.STT_GNU_IFUNC, TLS: typ == elf.STT_TLS, Local: bind == elf.STB_LOCAL,
	}}
	if typ == elf.STT_SECTION || typ == elf.STT_FILE || isMapping(sym.Name) {
		sym.Name = ""
	}

	// 1. No section: undefined, absolute, or the common block of old C.
	switch index {
	case elf.SHN_UNDEF:
		sym.Extern = true
		if sym.Name == "" {
			return sym, nil
		}
		if sym.TLS {
			sym.Addr = f.extern.placeTLS(f.Arch, sym.Name)
		} else if f.Relocatable || table.Type == elf.SHT_DYNSYM {
			sym.Addr = f.extern.place(sym.Name)
		} else {
			sym.Name = "" // .dynsym says the same, or the linker made it 0
		}
		return sym, nil
	case elf.SHN_ABS:
		return sym, nil
	case elf.SHN_COMMON:
		sym.Addr = f.extern.place(sym.Name)
		if size > maxSpan || f.extern.size > maxSpan {
			return sym, fmt.Errorf("%s has %#x bytes; there is room for %#x", sym.Name, size, maxSpan)
		}
		f.extern.size += alignUp(size, externSize)
		return sym, nil
	case elf.SHN_XINDEX:
		n, err := f.extendedIndex(i, table)
		if err != nil {
			return sym, err
		}
		index = elf.SectionIndex(n)
	default:
		if index >= elf.SHN_LORESERVE {
			return sym, fmt.Errorf("%s is in the reserved section %#x", sym.Name, int(index))
		}
	}

	// 2. In a section: its address, or its offset in the thread's part.
	if index < 0 || int(index) >= len(f.elf.Sections) {
		return sym, fmt.Errorf("%s is in section %d of %d", sym.Name, int(index), len(f.elf.Sections))
	}
	sym.section = int(index)
	in := f.elf.Sections[index]
	switch {
	case in.Flags&elf.SHF_TLS != 0 && (sym.TLS || typ == elf.STT_SECTION):
		sym.TLS = true
		if f.Relocatable {
			sym.Addr += ir.Addr(f.tls[index])
		} else {
			sym.Addr += ir.Addr(f.TLS.Offset)
		}
	case f.Relocatable:
		sym.Addr += f.at[index]
	}
	if in.Flags&elf.SHF_ALLOC == 0 {
		sym.Name = "" // in debugging information
	}
	return sym, nil
}

// extendedIndex is the section of symbol i of a file with very many of them.
func (f *file) extendedIndex(i int, table *elf.Section) (uint32, error) {
	for _, s := range f.elf.Sections {
		if s.Type != elf.SHT_SYMTAB_SHNDX || int64(s.Link) >= int64(len(f.elf.Sections)) || f.elf.Sections[s.Link] != table {
			continue
		}
		var b [4]byte
		if _, err := s.ReadAt(b[:], int64(i)*4); err != nil {
			break
		}
		return binary.LittleEndian.Uint32(b[:]), nil
	}
	return 0, fmt.Errorf("its section is in a table that the file doesn't have")
}

// isMapping reports whether a symbol only tells code from data ($x, $d.1), or is
// a label that the assembler made for itself.
func isMapping(name string) bool {
	return strings.HasPrefix(name, ".L") ||
		len(name) >= 2 && name[0] == '$' && (name[1] == 'x' || name[1] == 'd' || name[1] == 't')
}

// sortSymbols brings them into order, each once, and makes the indices.
func (f *file) sortSymbols() {
	slices.SortStableFunc(f.Symbols, func(a, b Symbol) int {
		return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.Name, b.Name))
	})
	f.Symbols = slices.CompactFunc(f.Symbols, func(a, b Symbol) bool {
		return a.Addr == b.Addr && a.Name == b.Name && a.TLS == b.TLS
	})
	f.byName = make(map[string][]int, len(f.Symbols))
	for i, s := range f.Symbols {
		if !s.TLS {
			f.byAddr = append(f.byAddr, i)
		}
		f.byName[s.Name] = append(f.byName[s.Name], i)
	}
}

// target is what a relocation's symbol stands for.
func (f *file) target(table, index uint32) (*symbol, error) {
	t := f.tables[table]
	if t == nil {
		if index == 0 {
			return &symbol{none: true}, nil
		}
		return nil, fmt.Errorf("its symbols are in section %d, which is no symbol table", table)
	}
	if int64(index) >= int64(len(t.syms)) {
		return nil, fmt.Errorf("symbol %d of %d", index, len(t.syms))
	}
	return &t.syms[index], nil
}
