package elf

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The sections by which tools find critical sections. A relocatable object may
// have several of one name.
const (
	csSection   = "__rseq_cs"
	ptrSection  = "__rseq_cs_ptr_array"
	exitSection = "__rseq_exit_point_array"
)

// readDescriptors reads what the file says about its critical sections.
func (f *file) readDescriptors() error {
	order := f.Arch.ByteOrder()
	for _, s := range f.Sections {
		var each int
		switch s.Name {
		case csSection:
			each = abi.RSeqCSSize
		case ptrSection:
			each = 8
			f.PtrArray = append(f.PtrArray, []ir.Addr{}...)
		case exitSection:
			each = 16
		default:
			continue
		}
		if uint64(len(s.Bytes)) != s.Size || len(s.Bytes)%each != 0 {
			return fmt.Errorf("section %s at %#x has %#x bytes, which is no whole number of entries (%d bytes each)", s.Name, uint64(s.Addr), s.Size, each)
		}
		for off := 0; off < len(s.Bytes); off += each {
			b := s.Bytes[off:]
			at := s.Addr + ir.Addr(off)
			switch s.Name {
			case csSection:
				cs, err := abi.DecodeRSeqCS(b, order)
				if err != nil {
					return err
				}
				d := Descriptor{Addr: at, CS: cs}
				if sym, ok := f.SymbolAt(at); ok {
					d.Name = sym.Name
				}
				f.CS = append(f.CS, d)
			case ptrSection:
				f.PtrArray = append(f.PtrArray, ir.Addr(order.Uint64(b)))
			case exitSection:
				f.Exits = append(f.Exits, Exit{Start: ir.Addr(order.Uint64(b)), Exit: ir.Addr(order.Uint64(b[8:]))})
			}
		}
	}
	return nil
}
