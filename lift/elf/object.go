package elf

import (
	"debug/elf"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Object is a file as it is in memory before its first instruction: relocated,
// every section at an address. What a relocatable object leaves undefined is
// given an address in a section of its own, External.
type Object struct {
	Name     string // of the file, for messages
	Arch     abi.Arch
	Sections []Section // with the allocated ones alone, by address
	Symbols  []Symbol  // by address, then by name
	CS       []Descriptor
	TLS      TLS
	// Pointers are the places in the sections' bytes that hold an address, since
	// a relocation wrote it; sorted. A file without relocations has none.
	Pointers []ir.Addr

	// Relocatable says that the file isn't linked, so that the addresses are ours.
	Relocatable bool
	// PtrArray has the addresses in __rseq_cs_ptr_array, in their order, and Exits
	// the pairs in __rseq_exit_point_array. Both are nil without such a section.
	PtrArray []ir.Addr
	Exits    []Exit

	byAddr []int            // of Symbols that aren't TLS
	byName map[string][]int // of Symbols
	lines  *lines
}

// Section is a piece of memory.
type Section struct {
	Name  string
	Addr  ir.Addr
	Size  uint64 // in memory; behind Bytes are zeros
	Bytes []byte
	Exec  bool
	Write bool
	// External: nothing is here but names that the file doesn't define.
	External bool
}

// Contains reports whether addr lies in the section.
func (s *Section) Contains(addr ir.Addr) bool { return uint64(addr-s.Addr) < s.Size }

// Symbol is a name for an address, or for an offset in the thread's area.
type Symbol struct {
	Name   string
	Addr   ir.Addr // TLS: the offset from the thread pointer, as a two's complement number
	Size   uint64
	Func   bool
	TLS    bool
	Local  bool
	Extern bool
}

// Descriptor is a struct rseq_cs of the file.
type Descriptor struct {
	Addr ir.Addr // of the descriptor; 0 if only its triple was given
	Name string  // of the symbol at Addr, if there is one
	CS   abi.RSeqCS
}

// Exit is an entry of __rseq_exit_point_array: a way out of the section that
// begins at Start, to Exit.
type Exit struct{ Start, Exit ir.Addr }

// TLS is the thread-local part of the file.
type TLS struct {
	Init []byte
	Size uint64
	// Offset is where it begins, from the thread pointer.
	Offset int64
}

// file is an Object while it is being made.
type file struct {
	*Object
	elf *elf.File
	// at and data are the address and the bytes of each of the file's sections;
	// placed says which have an address.
	at     []ir.Addr
	data   [][]byte
	placed []bool
	tls    []int64 // of each thread-local section, its offset from the thread pointer

	tables map[uint32]*symtab // by section
	got    got
	extern *externals
}
