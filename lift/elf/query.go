package elf

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// SectionAt returns the section that addr lies in, or nil.
func (o *Object) SectionAt(addr ir.Addr) *Section {
	i := sort.Search(len(o.Sections), func(i int) bool { return o.Sections[i].Addr > addr }) - 1
	if i < 0 || !o.Sections[i].Contains(addr) {
		return nil
	}
	return &o.Sections[i]
}

// Bytes returns n bytes at addr, of one section. They are not to be changed.
// Where the file has none, there are zeros if the section is memory, up to 4096.
func (o *Object) Bytes(addr ir.Addr, n uint64) ([]byte, bool) {
	s := o.SectionAt(addr)
	if s == nil || s.External || s.Size-uint64(addr-s.Addr) < n {
		return nil, false
	}
	off := uint64(addr - s.Addr)
	if have := uint64(len(s.Bytes)); off <= have && have-off >= n {
		return s.Bytes[off:][:n:n], true
	}
	if n > page {
		return nil, false
	}
	b := make([]byte, n)
	if off < uint64(len(s.Bytes)) {
		copy(b, s.Bytes[off:])
	}
	return b, true
}

// Code returns what the file has from addr to the end of its section, if that
// is executable.
func (o *Object) Code(addr ir.Addr) ([]byte, bool) {
	s := o.SectionAt(addr)
	if s == nil || !s.Exec || uint64(addr-s.Addr) >= uint64(len(s.Bytes)) {
		return nil, false
	}
	return s.Bytes[addr-s.Addr:], true
}

// SymbolAt returns a symbol that stands for addr itself: a function sooner than
// data, one that others see sooner than a local one, then by name.
func (o *Object) SymbolAt(addr ir.Addr) (Symbol, bool) {
	i := sort.Search(len(o.byAddr), func(i int) bool { return o.Symbols[o.byAddr[i]].Addr >= addr })
	best := -1
	for ; i < len(o.byAddr) && o.Symbols[o.byAddr[i]].Addr == addr; i++ {
		if best < 0 || rank(&o.Symbols[o.byAddr[i]]) > rank(&o.Symbols[best]) {
			best = o.byAddr[i]
		}
	}
	if best < 0 {
		return Symbol{}, false
	}
	return o.Symbols[best], true
}

// rank says which of several names for an address is the best.
func rank(s *Symbol) (n int) {
	if s.Func {
		n += 2
	}
	if !s.Local {
		n++
	}
	return n
}

// maxLookBack bounds how many symbols before an address are looked at.
const maxLookBack = 256

// SymbolContaining returns the function that addr lies in; if no symbol's size
// says so, the nearest symbol before it in the same section.
func (o *Object) SymbolContaining(addr ir.Addr) (Symbol, bool) {
	sec := o.SectionAt(addr)
	if sec == nil {
		return Symbol{}, false
	}
	end := sort.Search(len(o.byAddr), func(i int) bool { return o.Symbols[o.byAddr[i]].Addr > addr })
	nearest, inside := -1, -1
	for k := end - 1; k >= 0 && k >= end-maxLookBack; k-- {
		i := o.byAddr[k]
		s := &o.Symbols[i]
		if s.Addr < sec.Addr || inside >= 0 && s.Addr < o.Symbols[inside].Addr {
			break
		}
		if uint64(addr-s.Addr) < s.Size && (inside < 0 || rank(s) >= rank(&o.Symbols[inside])) && (s.Func || !sec.Exec) {
			inside = i
		}
		if nearest < 0 || s.Addr == o.Symbols[nearest].Addr && rank(s) >= rank(&o.Symbols[nearest]) {
			nearest = i
		}
	}
	if inside < 0 {
		inside = nearest
	}
	if inside < 0 {
		return Symbol{}, false
	}
	return o.Symbols[inside], true
}

// Lookup returns the symbol of that name. One that the file defines goes before
// one that it doesn't, and one that others see before a local one.
func (o *Object) Lookup(name string) (Symbol, bool) {
	all := o.byName[name]
	if len(all) == 0 {
		return Symbol{}, false
	}
	best := slices.MaxFunc(all, func(a, b int) int {
		x, y := &o.Symbols[a], &o.Symbols[b]
		return cmp.Or(-compareBool(x.Extern, y.Extern), cmp.Compare(rank(x), rank(y)), cmp.Compare(b, a))
	})
	return o.Symbols[best], true
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// Where names an address for messages: "percpu.o:.text+0x41".
func (o *Object) Where(addr ir.Addr) string {
	if s := o.SectionAt(addr); s != nil {
		return fmt.Sprintf("%s:%s+%#x", o.Name, s.Name, uint64(addr-s.Addr))
	}
	return fmt.Sprintf("%s:%#x", o.Name, uint64(addr))
}

// Describe returns the descriptor that a symbol names, for code that keeps its
// own outside of __rseq_cs.
func (o *Object) Describe(name string) (Descriptor, error) {
	s, ok := o.Lookup(name)
	if !ok {
		return Descriptor{}, fmt.Errorf("%s: no symbol %q", o.Name, name)
	}
	if s.TLS || s.Extern {
		return Descriptor{}, fmt.Errorf("%s: %s is no struct rseq_cs of this file", o.Name, name)
	}
	b, ok := o.Bytes(s.Addr, abi.RSeqCSSize)
	if !ok {
		return Descriptor{}, fmt.Errorf("%s: %s at %#x isn't followed by the %d bytes of a struct rseq_cs", o.Name, name, uint64(s.Addr), abi.RSeqCSSize)
	}
	cs, err := abi.DecodeRSeqCS(b, o.Arch.ByteOrder())
	return Descriptor{Addr: s.Addr, Name: s.Name, CS: cs}, err
}
