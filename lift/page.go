package lift

import (
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// An adrp (arm64) or auipc (riscv64) gives a register the beginning of a page,
// and what uses the register adds the rest. The page itself is no address of
// anything, and two variables in one page needn't be together once they are
// data of a program. So its uses are followed, and all that they reach is kept
// together, with the page at its old distance.

// page claims what is reached through a register that holds the beginning of a
// page.
func (b *builder) page(u *codeUnit, in *isa.Instr, r isa.Ref) error {
	reg := in.IR.Ops[r.Op].Dst
	uses, err := pageUses(u, in.Addr, reg, address(in, r))
	if err != nil {
		if r.Guess {
			return nil // a number after all
		}
		return err
	}
	if len(uses) == 0 {
		return nil
	}
	var all span
	for i, use := range uses {
		s := b.o.SectionAt(use.at)
		if s == nil {
			if r.Guess {
				return nil
			}
			return fmt.Errorf("it leads to %#x, where nothing is", uint64(use.at))
		}
		if i == 0 {
			b.pages[in.Addr] = use.at
		} else if uses[0].at == use.at {
			continue
		}
		if len(uses) > 1 && (s.Exec || s.External) {
			if b.o.SectionAt(uses[0].at) != s {
				return errors.New("the page is used for things that can't stay together")
			}
		}
		if err := b.claim(use.at, use.width); err != nil {
			return err
		}
		if o, err := b.object(use.at, use.width); err == nil && b.isData(use.at) {
			if all.to == 0 {
				all = o
			}
			all.from, all.to, all.write = min(all.from, o.from), max(all.to, o.to), all.write || o.write
		}
	}
	if all.from &^= 7; all.to != 0 { // its pointers are elements
		return b.want(all)
	}
	return nil
}

// isData reports whether an address is of data that the file brings.
func (b *builder) isData(a ir.Addr) bool {
	if _, ok := b.descriptor(a); ok {
		return false
	}
	if sym, ok := b.symbol(a, 0); ok && b.known(sym) {
		return false
	}
	s := b.o.SectionAt(a)
	return s != nil && !s.Exec && !s.External
}

// pageUse is an address that a register's page leads to, and how many bytes are
// accessed there, 0 if a pointer is formed.
type pageUse struct {
	at    ir.Addr
	width uint64
}

// pageUses follows a register that was given the beginning of a page at an
// instruction, up to where it is written again.
func pageUses(u *codeUnit, from ir.Addr, reg ir.Reg, page ir.Addr) ([]pageUse, error) {
	var uses []pageUse
	seen := map[ir.Addr]bool{}
	in, _ := u.At(from)
	todo := after(in)
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		in, ok := u.At(at)
		if !ok || seen[at] {
			continue
		}
		seen[at] = true
		written := false
		for i := range in.IR.Micro() {
			op := &in.IR.Ops[i]
			switch {
			case written:
			case op.Mem.Base == reg && op.Mem.Index == ir.None && (op.A != reg && op.B != reg || op.Code == ir.La):
				width := uint64(op.Width.Bytes())
				if op.Code == ir.La {
					width = 0
				}
				uses = append(uses, pageUse{page + ir.Addr(op.Mem.Disp), width})
			case op.Code == ir.Mov && op.A == reg:
				uses = append(uses, pageUse{page, 0}) // an add of 0
			case op.Code == ir.Add && op.A == reg && op.B == ir.None && op.Width.Bytes() == 8:
				uses = append(uses, pageUse{page + ir.Addr(op.Imm), 0})
			case op.A == reg || op.B == reg || op.Mem.Base == reg || op.Mem.Index == reg || op.Dst == reg && op.Code == ir.Ins:
				return nil, fmt.Errorf("%s uses the page in a way that isn't followed", in.Text)
			}
			written = written || op.Dst == reg
		}
		// A call leaves what a callee may clobber, which no compiler uses
		// afterwards; following it on is harmless.
		if !written {
			todo = append(todo, after(in)...)
		}
	}
	return uses, nil
}

// after returns where control goes on inside the function.
func after(in isa.Instr) []ir.Addr {
	switch in.Flow {
	case isa.Branches:
		return []ir.Addr{in.Target, in.Next()}
	case isa.Jumps:
		return []ir.Addr{in.Target}
	}
	if falls(in) {
		return []ir.Addr{in.Next()}
	}
	return nil
}
