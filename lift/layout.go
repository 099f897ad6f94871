package lift

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// run is code of a unit without a gap: each instruction begins where the one
// before it ends.
type run []isa.Instr

func (r run) end() ir.Addr { return r[len(r)-1].Next() }

// runs cuts a unit into its runs, by address, but for the one that begins with
// the entry, which a function of package ir begins with: what precedes the
// entry without a gap is a run of its own.
func (u *codeUnit) runs() []run {
	var all []run
	for _, in := range u.Instrs {
		n := len(all)
		if n == 0 || all[n-1].end() != in.Addr || in.Addr == u.Entry {
			all = append(all, run{in})
			continue
		}
		all[n-1] = append(all[n-1], in)
	}
	i := slices.IndexFunc(all, func(r run) bool { return r[0].Addr == u.Entry })
	entry := all[i]
	return append([]run{entry}, slices.Delete(all, i, i+1)...)
}

// falls reports whether control can leave the instruction to the next one.
func falls(in isa.Instr) bool {
	switch in.Flow {
	case isa.Falls, isa.Branches, isa.Calls, isa.CallsReg, isa.Syscalls:
		return true
	}
	return false
}

// layout names the places of a unit that code or descriptors mean.
type layout struct {
	labels map[ir.Addr]string
	sigs   map[ir.Addr]uint32 // abort handler → the four bytes before it
}

// layout names a unit's labels: the parts of its sections by what they are,
// other targets by their address.
func (b *builder) layout(u *codeUnit) (layout, error) {
	l := layout{labels: map[ir.Addr]string{}, sigs: map[ir.Addr]uint32{}}
	name := func(a ir.Addr, what string, n int) {
		if l.labels[a] != "" {
			return
		}
		if n > 0 {
			what = fmt.Sprintf("%s%d", what, n+1)
		}
		l.labels[a] = b.unique(u.Name, what)
	}
	for n, d := range u.CS {
		start, abort := ir.Addr(d.CS.StartIP), ir.Addr(d.CS.AbortIP)
		if start < u.Entry && uint64(u.Entry-start) < d.CS.PostCommitOffset {
			// The entry comes first, and what is before it elsewhere.
			return l, codeError(b.o, start, errors.New("the critical section begins before the function that it is part of, and goes on in it"))
		}
		name(abort, "abort", n)
		name(start, "start", n)
		if commit, ok := u.commit(d); ok {
			name(commit, "commit", n)
		}
		sig, err := b.signature(u, abort)
		if err != nil {
			return l, codeError(b.o, abort, err)
		}
		l.sigs[abort] = sig
	}
	for _, in := range u.Instrs {
		if in.Next() == u.Entry && falls(in) {
			name(u.Entry, "entry", 0)
		}
		switch in.Flow {
		case isa.Branches, isa.Jumps:
			name(in.Target, fmt.Sprintf("L%x", uint64(in.Target)), 0)
		case isa.Calls:
			if b.arch.stacked {
				name(in.Next(), fmt.Sprintf("L%x", uint64(in.Next())), 0)
			}
		}
	}
	return l, nil
}

// commit returns the address where a section's end can have a label: its own; or,
// if it is in a gap, which the program doesn't have, the end of the code before it.
// There is none in the middle of an instruction and behind all code.
func (u *codeUnit) commit(d elf.Descriptor) (ir.Addr, bool) {
	at := ir.Addr(d.CS.StartIP + d.CS.PostCommitOffset)
	n, ok := slices.BinarySearchFunc(u.Instrs, at, func(in isa.Instr, a ir.Addr) int { return cmp.Compare(in.Addr, a) })
	if ok || n == 0 || at < ir.Addr(d.CS.StartIP) {
		return at, ok
	}
	end := u.Instrs[n-1].Next()
	return end, end == at || end < at && n < len(u.Instrs)
}

// signature reads the word before an abort handler. It is data that lies in the
// code, so that code that runs can't be lifted if it holds one.
func (b *builder) signature(u *codeUnit, abort ir.Addr) (uint32, error) {
	word, ok := b.o.Bytes(abort-4, 4)
	if !ok {
		return 0, errors.New("there is nothing before the abort handler, where the signature should be")
	}
	for _, in := range u.Instrs {
		if in.Addr < abort && in.Next() > abort-4 {
			return 0, errors.New("the four bytes before the abort handler, the signature, are part of code that runs")
		}
	}
	return binary.LittleEndian.Uint32(word), nil
}

// section writes the i-th descriptor of a unit by its labels.
func (l *layout) section(name string, u *codeUnit, i int) ir.Section {
	d := u.CS[i]
	s := ir.Section{
		Name: name, Version: d.CS.Version, Flags: d.CS.Flags,
		StartIP: ir.Sym(l.labels[ir.Addr(d.CS.StartIP)]),
		AbortIP: ir.Sym(l.labels[ir.Addr(d.CS.AbortIP)]),
	}
	if commit, ok := u.commit(d); ok {
		s.PostCommitIP = ir.Sym(l.labels[commit])
	} else {
		s.HasOffset, s.Offset = true, d.CS.PostCommitOffset
	}
	return s
}
