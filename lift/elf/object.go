// Package elf reads ELF files for package lift: it gives every section an
// address, applies the relocations as a linker or loader would, and finds the
// symbols, the critical sections' descriptors and the source lines.
package elf

import (
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

// TLS is the thread-local part of the file.
type TLS struct {
	Init []byte
	Size uint64
	// Offset is where it begins, from the thread pointer.
	Offset int64
}
