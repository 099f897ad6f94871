package lift

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
)

// data declares bytes as a variable: of 8-byte elements if they are a whole
// number of those, and so on. pointers are the elements that are addresses, by
// offset.
func data(name string, b []byte, pointers map[int]ir.Value) ir.Data {
	width := ir.W8
	for len(b)%width.Bytes() != 0 {
		width /= 2
	}
	if len(pointers) > 0 {
		width = ir.W8
		b = append(b, make([]byte, -len(b)&7)...)
	}
	d := ir.Data{Kind: ir.Global, Name: name, Width: width, Count: len(b) / width.Bytes()}
	used := 0
	for i := range d.Count {
		at := i * width.Bytes()
		v, ok := pointers[at]
		if !ok {
			var word [8]byte
			copy(word[:], b[at:at+width.Bytes()])
			v = ir.Num(int64(binary.LittleEndian.Uint64(word[:])))
		}
		if d.Init = append(d.Init, v); v != (ir.Value{}) {
			used = i + 1
		}
	}
	d.Init = d.Init[:used]
	return d
}

// pointed claims what the pointers in the spans' bytes lead to, until nothing
// new comes up.
func (b *builder) pointed() error {
	for n := -1; n != b.extent(); {
		n = b.extent()
		for _, s := range b.spans {
			for _, p := range b.pointers(s) {
				a, _ := word(b.o, p)
				if sec := b.o.SectionAt(a); sec == nil || sec.Exec {
					continue
				}
				if err := b.claim(a, 0); err != nil {
					return fmt.Errorf("%s: %w", b.o.Where(p), err)
				}
			}
		}
	}
	return nil
}

// extent is the number of bytes that the spans have.
func (b *builder) extent() int {
	n := 0
	for _, s := range b.spans {
		n += int(s.to - s.from)
	}
	return n
}

// pointers returns the places in a span that hold addresses: where a relocation
// wrote one, or, in a file that was linked to fixed addresses and needs no
// relocations, where an aligned word is one.
func (b *builder) pointers(s span) []ir.Addr {
	var in []ir.Addr
	first, _ := slices.BinarySearch(b.o.Pointers, s.from)
	for _, p := range b.o.Pointers[first:] {
		if p+8 > s.to {
			break
		}
		in = append(in, p)
	}
	if len(b.o.Pointers) > 0 || b.o.Relocatable {
		return in
	}
	for p := (s.from + 7) &^ 7; p+8 <= s.to; p += 8 {
		if a, ok := word(b.o, p); ok && b.meant(a) {
			in = append(in, p)
		}
	}
	return in
}

// word reads eight bytes of a file's memory as an address.
func word(o *elf.Object, a ir.Addr) (ir.Addr, bool) {
	w, ok := o.Bytes(a, 8)
	if !ok {
		return 0, false
	}
	return ir.Addr(binary.LittleEndian.Uint64(w)), true
}

// spanData declares what was claimed, and what the loader plants.
func (b *builder) spanData() error {
	for i := range b.spans {
		s := &b.spans[i]
		what := ""
		if sym, ok := b.o.SymbolAt(s.from); ok {
			what = sym.Name
		} else if sec := b.o.SectionAt(s.from); sec != nil {
			what = fmt.Sprintf("%s_%x", strings.TrimPrefix(sec.Name, "."), uint64(s.from))
		}
		s.name = b.fresh(what) // several may be called the same, each its file's own
	}
	for _, s := range b.spans {
		bytes, ok := b.o.Bytes(s.from, uint64(s.to-s.from))
		if !ok {
			return fmt.Errorf("%s: the data isn't all in the file", b.o.Where(s.from))
		}
		values := map[int]ir.Value{}
		for _, p := range b.pointers(s) {
			a, _ := word(b.o, p)
			v, err := b.value(nil, nil, a, 0)
			if sec := b.o.SectionAt(a); err != nil && (sec == nil || sec.Exec) {
				continue // of code that isn't lifted, so that nobody jumps there: a number
			}
			if err == nil && (p-s.from)%8 != 0 {
				err = errors.New("a pointer lies across words")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", b.o.Where(p), err)
			}
			values[int(p-s.from)] = v
		}
		d := data(s.name, bytes, values)
		if !s.write {
			d.Kind = ir.ReadOnly
		}
		b.out.Data = append(b.out.Data, d)
	}
	for _, sym := range b.o.Symbols {
		if p, ok := b.planted[sym.Name]; ok && !b.declared[sym.Name] {
			b.declared[sym.Name] = true
			b.out.Var(ir.ReadOnly, b.dataName(sym.Name), p.width, 1, ir.Num(p.value))
		}
	}
	return nil
}
