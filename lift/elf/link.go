package elf

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// link applies the relocations of a relocatable object as a linker does.
func (f *file) link() error {
	f.got.at = f.extern.at + ir.Addr(alignUp(f.extern.size, page)+page)
	for i, s := range f.elf.Sections {
		if s.Type != elf.SHT_RELA {
			if s.Type == elf.SHT_REL {
				return fmt.Errorf("section %d (%s) has relocations without addends, which the architecture doesn't have", i, s.Name)
			}
			continue
		}
		if s.Info == 0 || int64(s.Info) >= int64(len(f.elf.Sections)) {
			return fmt.Errorf("section %d (%s) relocates section %d, and there are %d", i, s.Name, s.Info, len(f.elf.Sections))
		}
		to := f.elf.Sections[s.Info]
		if to.Flags&elf.SHF_ALLOC == 0 {
			continue // debugging information waits until somebody asks
		}
		if f.data[s.Info] == nil {
			return fmt.Errorf("section %d (%s) relocates section %d (%s), which has no bytes", i, s.Name, s.Info, to.Name)
		}
		b, err := s.Data()
		if err != nil {
			return fmt.Errorf("section %d (%s): %w", i, s.Name, err)
		}
		p := &patch{file: f, name: to.Name, at: f.at[s.Info], b: f.data[s.Info]}
		if err := p.apply(s, b); err != nil {
			return err
		}
	}
	f.fillTLS()
	f.placeGOT()
	return nil
}

// patch is a section that is being relocated.
type patch struct {
	*file
	name  string // of the section
	at    ir.Addr
	b     []byte
	debug bool // it isn't in memory

	relas []rela
	skip  int // relocations that the last one has dealt with
	// hi are the relocations that an auipc has, by its address: those of what is
	// added to it name the auipc.
	hi map[ir.Addr]uint64
}

// apply reads the relocations of the section and applies them.
func (p *patch) apply(s *elf.Section, b []byte) error {
	err := p.eachRela(s, b, func(r rela) error {
		p.relas = append(p.relas, r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("section %s: %w", s.Name, err)
	}
	if p.Arch == abi.RISCV64 {
		if err := p.findHi(); err != nil {
			return err
		}
	}
	for i, r := range p.relas {
		if p.skip > 0 {
			p.skip--
			continue
		}
		if err := p.one(i, r); err != nil {
			return p.fail(r, err)
		}
	}
	return nil
}

// fail says where a relocation failed.
func (p *patch) fail(r rela, err error) error {
	what := ""
	switch p.Arch {
	case abi.AMD64:
		what = elf.R_X86_64(r.typ).String()
	case abi.ARM64:
		what = elf.R_AARCH64(r.typ).String()
	case abi.RISCV64:
		what = elf.R_RISCV(r.typ).String()
	}
	if r.sym.Name != "" {
		what += " against " + r.sym.Name
	}
	return fmt.Errorf("%s+%#x: relocation %s: %w", p.name, r.off, what, err)
}

func (p *patch) one(i int, r rela) error {
	switch p.Arch {
	case abi.AMD64:
		return p.x86(i, r)
	case abi.ARM64:
		return p.aarch64(r)
	}
	return p.riscv(r)
}

// room returns the n bytes that a relocation changes.
func (p *patch) room(r rela, n uint64) ([]byte, error) {
	if r.off > uint64(len(p.b)) || uint64(len(p.b))-r.off < n {
		return nil, fmt.Errorf("past the end of the section (%#x bytes)", len(p.b))
	}
	return p.b[r.off:][:n], nil
}

// abs64 puts a whole address.
func (p *patch) abs64(r rela) error {
	b, err := p.room(r, 8)
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(b, uint64(r.sym.Addr)+uint64(r.addend))
	if !p.debug && !r.sym.TLS {
		p.Pointers = append(p.Pointers, p.at+ir.Addr(r.off))
	}
	return nil
}

// put puts v into n bytes, as a signed or an unsigned number, or as either.
func (p *patch) put(r rela, n uint64, v int64, signed, unsigned bool) error {
	b, err := p.room(r, n)
	if err != nil {
		return err
	}
	bits := 8 * n
	if bits < 64 && !(signed && v>>(bits-1) == v>>63 || unsigned && uint64(v)>>bits == 0) {
		return errRange(v)
	}
	putLE(b, uint64(v))
	return nil
}

func putLE(b []byte, v uint64) {
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
}

func getLE(b []byte) (v uint64) {
	for i := range b {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

func errRange(v int64) error { return fmt.Errorf("%#x is out of its range", v) }

var errUnsupported = fmt.Errorf("isn't supported")

// pc is the address that a relocation is at.
func (p *patch) pc(r rela) int64 { return int64(p.at) + int64(r.off) }

// value is the address that it means.
func (r rela) value() int64 { return int64(r.sym.Addr) + r.addend }

// got is the table of addresses that code of a relocatable object goes through.
type got struct {
	at    ir.Addr
	slots []gotSlot
	index map[gotSlot]ir.Addr
}

// gotSlot is what a word of it holds.
type gotSlot struct {
	value int64
	tls   bool // an offset from the thread pointer
}

// slot returns the place in the GOT that holds what r means, without its addend
// where that belongs to the code.
func (g *got) slot(value int64, tls bool) int64 {
	s := gotSlot{value, tls}
	if g.index == nil {
		g.index = map[gotSlot]ir.Addr{}
	}
	at, ok := g.index[s]
	if !ok {
		at = g.at + ir.Addr(8*len(g.slots))
		g.slots = append(g.slots, s)
		g.index[s] = at
	}
	return int64(at)
}

// placeGOT makes the GOT a section.
func (f *file) placeGOT() {
	if len(f.got.slots) == 0 {
		return
	}
	b := make([]byte, 8*len(f.got.slots))
	for i, s := range f.got.slots {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(s.value))
		if !s.tls {
			f.Pointers = append(f.Pointers, f.got.at+ir.Addr(8*i))
		}
	}
	f.Sections = append(f.Sections, Section{Name: ".got", Addr: f.got.at, Size: uint64(len(b)), Bytes: b})
}

// debugRelocated returns a section of debugging information with its
// relocations applied.
func (f *file) debugRelocated(d debugSection) ([]byte, error) {
	if len(d.relas) == 0 {
		return d.b, nil
	}
	b := slices.Clone(d.b)
	for i, s := range d.relas {
		p := &patch{file: f, name: f.elf.Sections[d.index].Name, b: b, debug: true}
		if err := p.apply(s, d.relaBytes[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}
