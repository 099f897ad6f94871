// Package lift makes programs of compiled code: it finds the critical sections
// of an ELF file, collects the machine code that belongs to one, and turns it,
// instruction by instruction, into the text and Go forms of package ir.
//
// The rooms below it are [github.com/rseqemu/rseqemu/lift/elf], which reads a
// file and gives it addresses, and one decoder for each instruction set, all
// with the result that [github.com/rseqemu/rseqemu/lift/isa] describes.
package lift
