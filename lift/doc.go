// Package lift makes programs of compiled code: it collects the machine code of
// functions and critical sections in an ELF file, and turns it, instruction by
// instruction, into the text and Go forms of package ir.
//
//	o, err := elf.Open("list.o", file, size)
//	p, err := ir.Parse("list.rseq", source) // its threads call functions that it lacks
//	whole, err := lift.Complete(p, o)       // … and here they are
//
// The rooms below it are [github.com/rseqemu/rseqemu/lift/elf], which reads a
// file and gives it addresses, and one decoder for each instruction set, all
// with the result that [github.com/rseqemu/rseqemu/lift/isa] describes. Package
// trial beside it runs sections alone, package lint looks at them without
// running them.
//
// # Code
//
// A function is what control reaches from its entry, and, since only the kernel
// goes there, from the abort handler of each section that it enters.
// Each instruction is one of package ir's, of the same length, with the machine's
// own words and the source line behind it as a comment. A jump whose target no one
// can tell is an error, as is an instruction that no decoder knows.
//
// # Names for addresses
//
// A program has an address map of its own. So every address that code or data
// mean becomes a name: a label, a descriptor, a variable of the program, or one
// that is brought over with its initial value. Which numbers are addresses is
// known from relocations and from the operands that can be nothing else; in files
// that were linked to fixed addresses, a number is one that leads to something.
//
// Accesses to the thread's struct rseq, for which compiled code adds a distance
// from libc to the thread pointer, are named where it is certain that they are
// (area.go), so that a reader and a search know them for what they are.
//
// # Registers
//
// Lifted code has its own registers under the names of package ir
// ([RegisterName]); arguments and results are where package ir's calls have them.
//
// # Non-goals
//
// It is no decompiler: nothing is simplified but those names. It links nothing:
// what the file doesn't have the program must define. Floating point, vectors that
// compute, and x86-64's and riscv64's system calls are not lifted.
package lift
