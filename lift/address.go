package lift

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// span is a piece of the file's data that the program gets: addresses from, up
// to but not including, to.
type span struct {
	from, to ir.Addr
	name     string
	write    bool
}

// want notes that code or data means [from, to), and merges it with what it
// touches: data that one register's value reaches must stay as far apart as it
// was.
func (b *builder) want(s span) error {
	kept := b.spans[:0]
	for _, o := range b.spans {
		if o.from < s.to && s.from < o.to {
			s.from, s.to = min(s.from, o.from), max(s.to, o.to)
			s.write = s.write || o.write
			continue
		}
		kept = append(kept, o)
	}
	if uint64(s.to-s.from) > ir.MaxArea { // also of a symbol whose end wraps
		return fmt.Errorf("the data at %s has %d bytes (at most %d): declare it in the program, as large as it needs", b.o.Where(s.from), s.to-s.from, ir.MaxArea)
	}
	b.spans = append(kept, s)
	slices.SortFunc(b.spans, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	return nil
}

// symbol returns the symbol that an access of so many bytes is in, or that a
// pointer, of 0 bytes, leads into or just behind. One without a size goes on to the
// next; data that lies behind one with a size is somebody else's.
func (b *builder) symbol(a ir.Addr, width uint64) (elf.Symbol, bool) {
	sym, ok := b.o.SymbolContaining(a)
	if d := uint64(a - sym.Addr); ok && sym.Size > 0 && !sym.Extern && d >= sym.Size && (d > sym.Size || width > 0) {
		return elf.Symbol{}, false
	}
	return sym, ok
}

// object returns what lies at an address, as far as an access of so many bytes
// reaches: the symbol that holds it, or the bytes themselves; 0 bytes, if a
// pointer is formed that may go anywhere in the section, the section.
func (b *builder) object(a ir.Addr, width uint64) (span, error) {
	if sym, ok := b.symbol(a, width); ok && sym.Size > 0 {
		s := b.o.SectionAt(a)
		return span{from: sym.Addr, to: sym.Addr + ir.Addr(sym.Size), write: s.Write}, nil
	}
	s := b.o.SectionAt(a)
	if s == nil {
		return span{}, fmt.Errorf("nothing is at %#x", uint64(a))
	}
	if width > 0 {
		// The linkage table is written by the loader alone, before the program runs.
		return span{from: a, to: a + ir.Addr(width), write: s.Write && !strings.HasPrefix(s.Name, ".got")}, nil
	}
	return span{from: s.Addr, to: s.Addr + ir.Addr(s.Size), write: s.Write}, nil
}

// claim finds what an address stands for and, if that is data of the file, has
// the program get it; width is of the access, or 0 if a pointer is formed.
func (b *builder) claim(a ir.Addr, width uint64) error {
	if _, ok := b.descriptor(a); ok {
		return nil
	}
	if s := b.o.SectionAt(a); s != nil && s.Exec {
		return nil // a label, or an error when it is named
	}
	if sym, ok := b.symbol(a, width); ok {
		if b.declared[sym.Name] {
			return nil
		}
		if sym.Extern && !b.plant(sym.Name) {
			return fmt.Errorf("%q is not in %s, and the program doesn't declare it", sym.Name, b.o.Name)
		}
		if _, planted := b.planted[sym.Name]; planted || sym.Extern {
			return nil
		}
		if b.plant(sym.Name) {
			return nil
		}
	}
	s, err := b.object(a, width)
	if err != nil {
		return err
	}
	return b.want(s)
}

// value names an address that was claimed for an access of so many bytes; u is the
// unit whose labels may be meant, or nil in data.
func (b *builder) value(u *codeUnit, l *layout, a ir.Addr, width uint64) (ir.Value, error) {
	if i, ok := b.descriptor(a); ok {
		d := b.o.CS[i]
		for _, v := range b.units {
			same := func(o elf.Descriptor) bool { return o.Addr == d.Addr }
			if j := slices.IndexFunc(v.CS, same); j >= 0 && (u == nil || u == v.codeUnit) {
				return ir.Sym(b.sectionName(v.codeUnit, j)).Plus(int64(a - d.Addr)), nil
			}
		}
		return ir.Value{}, fmt.Errorf("the descriptor of a critical section that begins elsewhere, at %s, is used", b.o.Where(ir.Addr(d.CS.StartIP)))
	}
	if s := b.o.SectionAt(a); s != nil && s.Exec {
		if l != nil && l.labels[a] != "" {
			return ir.Sym(l.labels[a]), nil
		}
		if name, ok := b.names[a]; ok {
			return ir.Sym(name), nil
		}
		return ir.Value{}, fmt.Errorf("the address of code, %s, is used, and nothing was lifted there", b.o.Where(a))
	}
	if sym, ok := b.symbol(a, width); ok && b.known(sym) {
		return ir.Sym(b.dataName(sym.Name)).Plus(int64(a - sym.Addr)), nil
	}
	for _, s := range b.spans {
		if a >= s.from && a < s.to {
			return ir.Sym(s.name).Plus(int64(a - s.from)), nil
		}
	}
	return ir.Value{}, errors.New("its address leads nowhere")
}

// known reports whether the program or the loader has the symbol's data.
func (b *builder) known(sym elf.Symbol) bool {
	_, planted := b.planted[sym.Name]
	return planted || b.declared[sym.Name]
}

// descriptor returns the index of the descriptor that holds an address.
func (b *builder) descriptor(a ir.Addr) (int, bool) {
	for i, d := range b.o.CS {
		if d.Addr != 0 && a >= d.Addr && a < d.Addr+32 {
			return i, true
		}
	}
	return 0, false
}

// addresses claims what the operands of a unit's instructions mean.
func (b *builder) addresses(u *codeUnit) error {
	for i := range u.Instrs {
		in := &u.Instrs[i]
		for _, r := range in.Refs {
			if err := b.reference(u, in, r); err != nil {
				return codeError(b.o, in.Addr, fmt.Errorf("%s: %w", in.Text, err))
			}
		}
	}
	return nil
}

// reference claims what one operand means. A number that may be an address is
// one if it points at something in the file.
func (b *builder) reference(u *codeUnit, in *isa.Instr, r isa.Ref) error {
	a := address(in, r)
	if r.Page {
		return b.page(u, in, r)
	}
	if r.Guess && !b.meant(a) {
		return nil // a number after all
	}
	return b.claim(a, accessed(in, r))
}

// accessed is how many bytes are accessed at what a reference holds; 0 if it is
// the beginning of an address, or a pointer.
func accessed(in *isa.Instr, r isa.Ref) uint64 {
	if op := &in.IR.Ops[r.Op]; r.Mem && op.Mem.Index == ir.None && op.Code != ir.La {
		return uint64(op.Width.Bytes())
	}
	return 0
}

// lowestLinked is where the code of programs that have fixed addresses begins,
// on all of Linux's architectures: no number that isn't an address is as large
// and hits something.
const lowestLinked = 0x10000

// meant reports whether a number that may be an address is one. Code that can be
// anywhere has none; elsewhere it is if it leads to data, or to the beginning
// of a function.
func (b *builder) meant(a ir.Addr) bool {
	s := b.o.SectionAt(a)
	if s == nil || a < lowestLinked {
		return false
	}
	if _, ok := b.descriptor(a); ok {
		return true
	}
	sym, ok := b.o.SymbolAt(a)
	if s.Exec || b.o.Relocatable {
		return ok && (sym.Func || !s.Exec)
	}
	return true
}

// address returns what a reference holds.
func address(in *isa.Instr, r isa.Ref) ir.Addr {
	if r.Mem {
		return ir.Addr(in.IR.Ops[r.Op].Mem.Disp)
	}
	return ir.Addr(in.IR.Ops[r.Op].Imm)
}

// name replaces an instruction's addresses by names.
func (b *builder) name(u *codeUnit, l *layout, in isa.Instr) (ir.Instr, error) {
	out := in.IR
	for _, r := range in.Refs {
		a, base := address(&in, r), ir.Addr(0)
		if r.Page {
			p, ok := b.pages[in.Addr]
			if !ok {
				continue // a number after all
			}
			a, base = p, p-a
		} else if r.Guess && !b.meant(a) {
			continue
		}
		v, err := b.value(u, l, a, accessed(&in, r))
		if err != nil {
			return out, codeError(b.o, in.Addr, fmt.Errorf("%s: %w", in.Text, err))
		}
		v.Off -= int64(base)
		if op := &out.Ops[r.Op]; r.Mem {
			op.Mem.Sym, op.Mem.Disp = v.Sym, v.Off
		} else {
			op.Sym, op.Imm = v.Sym, v.Off
		}
	}
	return out, nil
}
