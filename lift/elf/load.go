package elf

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

const (
	relaSize = 24 // of an ELF64 relocation with an addend
	shtRELR  = 19 // SHT_RELR
	noAddr   = ^uint64(0)
	mainTLS  = uint64(1) // the number of the main program's part, where a GOT asks for one
)

// load applies the relocations of a linked file as the dynamic loader does: it
// is at address zero, and defines what it names.
func (f *file) load() error {
	for i, s := range f.elf.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 || f.data[i] == nil {
			continue
		}
		var err error
		switch s.Type {
		case elf.SHT_RELA:
			err = f.eachRela(s, f.data[i], f.loadRela)
		case shtRELR:
			err = f.loadRelr(f.data[i])
		case elf.SHT_REL:
			err = fmt.Errorf("relocations without addends, which the architecture doesn't have")
		}
		if err != nil {
			return fmt.Errorf("section %d (%s): %w", i, s.Name, err)
		}
	}
	f.fillTLS()
	return nil
}

// rela is a relocation.
type rela struct {
	off    uint64
	typ    uint32
	sym    *symbol
	addend int64
}

// eachRela calls do with the relocations of a section.
func (f *file) eachRela(s *elf.Section, b []byte, do func(r rela) error) error {
	if len(b)%relaSize != 0 {
		return fmt.Errorf("%#x bytes are no whole number of relocations", len(b))
	}
	le := binary.LittleEndian
	for i := 0; i < len(b)/relaSize; i++ {
		e := b[i*relaSize:]
		info := le.Uint64(e[8:])
		r := rela{off: le.Uint64(e), typ: uint32(info), addend: int64(le.Uint64(e[16:]))}
		var err error
		if r.sym, err = f.target(s.Link, uint32(info>>32)); err == nil {
			err = do(r)
		}
		if err != nil {
			return fmt.Errorf("relocation %d at %#x: %w", i, r.off, err)
		}
	}
	return nil
}

// loadRela applies one dynamic relocation. What only a running loader can know
// is left as the file has it.
func (f *file) loadRela(r rela) error {
	s, a := uint64(r.sym.Addr), uint64(r.addend)
	switch f.Arch {
	case abi.AMD64:
		switch elf.R_X86_64(r.typ) {
		case elf.R_X86_64_NONE, elf.R_X86_64_COPY, elf.R_X86_64_IRELATIVE, elf.R_X86_64_TLSDESC:
			return nil
		case elf.R_X86_64_RELATIVE:
			return f.put64(r.off, a, true)
		case elf.R_X86_64_64:
			return f.put64(r.off, s+a, true)
		case elf.R_X86_64_GLOB_DAT, elf.R_X86_64_JMP_SLOT:
			return f.put64(r.off, s, true)
		case elf.R_X86_64_TPOFF64:
			return f.put64(r.off, f.tpoff(r), false)
		case elf.R_X86_64_DTPMOD64:
			return f.put64(r.off, mainTLS, false)
		case elf.R_X86_64_DTPOFF64:
			return f.put64(r.off, f.tpoff(r)-uint64(f.TLS.Offset), false)
		}
		return fmt.Errorf("%v isn't a relocation of linked files that is known", elf.R_X86_64(r.typ))
	case abi.ARM64:
		switch elf.R_AARCH64(r.typ) {
		case elf.R_AARCH64_NONE, elf.R_AARCH64_NULL, elf.R_AARCH64_COPY, elf.R_AARCH64_IRELATIVE, elf.R_AARCH64_TLSDESC:
			return nil
		case elf.R_AARCH64_RELATIVE:
			return f.put64(r.off, a, true)
		case elf.R_AARCH64_ABS64, elf.R_AARCH64_GLOB_DAT, elf.R_AARCH64_JUMP_SLOT:
			return f.put64(r.off, s+a, true)
		case elf.R_AARCH64_TLS_TPREL64:
			return f.put64(r.off, f.tpoff(r), false)
		case elf.R_AARCH64_TLS_DTPMOD64:
			return f.put64(r.off, mainTLS, false)
		case elf.R_AARCH64_TLS_DTPREL64:
			return f.put64(r.off, f.tpoff(r)-uint64(f.TLS.Offset), false)
		}
		return fmt.Errorf("%v isn't a relocation of linked files that is known", elf.R_AARCH64(r.typ))
	}
	switch elf.R_RISCV(r.typ) {
	case elf.R_RISCV_NONE, elf.R_RISCV_COPY, rRISCVIRelative, rRISCVTLSDesc:
		return nil
	case elf.R_RISCV_RELATIVE:
		return f.put64(r.off, a, true)
	case elf.R_RISCV_64, elf.R_RISCV_JUMP_SLOT:
		return f.put64(r.off, s+a, true)
	case elf.R_RISCV_TLS_TPREL64:
		return f.put64(r.off, f.tpoff(r), false)
	case elf.R_RISCV_TLS_DTPMOD64:
		return f.put64(r.off, mainTLS, false)
	case elf.R_RISCV_TLS_DTPREL64:
		return f.put64(r.off, f.tpoff(r)-uint64(f.TLS.Offset), false)
	}
	return fmt.Errorf("%v isn't a relocation of linked files that is known", elf.R_RISCV(r.typ))
}

// Relocations that debug/elf has no names for.
const (
	rRISCVTLSDesc   = elf.R_RISCV(12)
	rRISCVIRelative = elf.R_RISCV(58)
)

// tpoff is the offset from the thread pointer that a relocation means. Without a
// symbol the addend is the place in the file's own part.
func (f *file) tpoff(r rela) uint64 {
	if r.sym.none {
		return uint64(f.TLS.Offset) + uint64(r.addend)
	}
	return uint64(r.sym.Addr) + uint64(r.addend)
}

// loadRelr applies packed relative relocations: an even word is an address, an
// odd one says which of the 63 words behind the last address are meant. The
// addend is in its place, and the file is at zero: what they tell is where
// addresses are.
func (f *file) loadRelr(b []byte) error {
	if len(b)%8 != 0 {
		return fmt.Errorf("%#x bytes are no whole number of words", len(b))
	}
	next := noAddr
	for ; len(b) > 0; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		if w&1 == 0 {
			if err := f.pointer(w); err != nil {
				return err
			}
			next = w + 8
			continue
		}
		if next == noAddr {
			return fmt.Errorf("it begins with a word that isn't an address")
		}
		for i := uint64(0); i < 63; i++ {
			if w>>(i+1)&1 == 0 {
				continue
			}
			if err := f.pointer(next + 8*i); err != nil {
				return err
			}
		}
		next += 8 * 63
	}
	return nil
}

// pointer notes that there is an address.
func (f *file) pointer(at uint64) error {
	if _, err := f.bytesAt(at, 8); err != nil {
		return err
	}
	f.Pointers = append(f.Pointers, ir.Addr(at))
	return nil
}

func (f *file) put64(at, v uint64, pointer bool) error {
	b, err := f.bytesAt(at, 8)
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(b, v)
	if pointer {
		f.Pointers = append(f.Pointers, ir.Addr(at))
	}
	return nil
}

// bytesAt returns the n bytes at an address, to change.
func (f *file) bytesAt(at, n uint64) ([]byte, error) {
	i := sort.Search(len(f.Sections), func(i int) bool { return uint64(f.Sections[i].Addr) > at }) - 1
	if i >= 0 {
		s := &f.Sections[i]
		if off := at - uint64(s.Addr); off <= uint64(len(s.Bytes)) && uint64(len(s.Bytes))-off >= n {
			return s.Bytes[off:][:n], nil
		}
	}
	return nil, fmt.Errorf("no section has bytes at %#x", at)
}
