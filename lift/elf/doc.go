// Package elf reads ELF files for package lift: it gives every section an
// address, applies the relocations as a linker or loader would, and finds the
// symbols, the critical sections' descriptors and the source lines.
//
//	o, err := elf.Open("libfoo.so", file, size)
//	for _, d := range o.CS {
//		file, line, _ := o.Line(ir.Addr(d.CS.StartIP))
//		fmt.Println(o.Where(ir.Addr(d.CS.StartIP)), file, line)
//	}
//
// It takes 64-bit little-endian executables, shared objects and relocatable
// objects of x86-64, arm64 and riscv64, whatever the system it runs on.
//
// # Addresses
//
// A linked file keeps its addresses; one that is position-independent is at
// zero, as the file says. The sections of a relocatable object are laid out
// from 0x10000 on, those with code first. What is undefined has a place of its
// own behind everything else, in a [Section] that is External; so has a weak
// symbol, as if somebody defined it. A position-dependent GOT is made where code
// asks for one.
//
// The thread's part (TLS) is that of the main program, whatever the file is: x86
// has it below the thread pointer, the others above it.
//
// # Bad files
//
// Whatever is wrong with a file is an error that begins with the file's name and
// says the place. What is allocated is bounded by the size of the file; a
// section of zeros is a number. Debugging information is only read when [Object.Line]
// asks for it, and if it is broken there are no lines.
//
// # Non-goals
//
// It is no loader: it runs no constructors and no resolvers of indirect functions
// (IRELATIVE), copies nothing from other files (COPY), and doesn't resolve
// a name in another file.
package elf
