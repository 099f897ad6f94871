package main

import (
	"fmt"
	"os"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/spf13/cobra"
)

// addObject adds the flag for compiled code to a command that reads programs.
func (a *app) addObject(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.object, "object", "", "ELF file with the functions that the program calls and doesn't define")
}

// openObject reads a file of compiled code.
func openObject(name string) (*elf.Object, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, cause(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, cause(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", name)
	}
	return elf.Open(name, f, info.Size())
}

// lifted completes a program with compiled code. The result is read from its
// text, so that what is printed, saved and replayed is one program.
func (p *program) lifted(object string) (*program, error) {
	o, err := openObject(object)
	if err != nil {
		return nil, err
	}
	whole, err := lift.Complete(p.Program, o)
	if err != nil {
		return nil, p.bad(err)
	}
	return reread(p.arg, whole)
}

// reread parses the text of a program that was made.
func reread(arg string, whole *ir.Program) (*program, error) {
	name := whole.File
	if name == "" {
		name = whole.Name
	}
	return parseText(arg, name, []byte(whole.String()))
}
