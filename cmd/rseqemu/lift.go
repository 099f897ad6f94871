package main

import (
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/spf13/cobra"
)

const liftLong = `Lift turns compiled code into programs. OBJECT is an ELF file of x86-64, arm64 or
riscv64: an executable, a shared object, or a .o.

Alone, it lists the critical sections and the functions they are in.

With a program, it prints the program with the functions of OBJECT that its
threads call and it doesn't define, and the data that they use. What the program
declares under the name of one of OBJECT's symbols takes that one's place. That
is what check, run, diff and replay do with --object, without printing it.

With --func, it prints the program that check makes of a function's critical
section to run it alone: a first draft of a program of one's own.`

// liftDocument is what lift --json prints without a program.
type liftDocument struct {
	File     string        `json:"file"`
	Arch     string        `json:"arch"`
	Sections []liftSection `json:"sections"`
}

type liftSection struct {
	Function   string `json:"function,omitempty"`
	Source     string `json:"source,omitempty"` // file:line of start_ip, where there is debugging information
	Descriptor uint64 `json:"descriptor,omitempty"`
	Start      uint64 `json:"start_ip"`
	Length     uint64 `json:"post_commit_offset"`
	Abort      uint64 `json:"abort_ip"`
}

func (a *app) liftCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lift OBJECT [PROGRAM]",
		Short: "Make programs of compiled critical sections",
		Long:  liftLong + "\n\n" + exitCodes,
		Example: `  rseqemu lift libfoo.so                         which critical sections are there?
  rseqemu lift libfoo.so --func foo_push         one of them, as a program that tries it
  rseqemu lift libfoo.so foo.rseq >whole.rseq    foo.rseq with the code that it calls
  rseqemu check foo.rseq --object libfoo.so      and that checked`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return errors.New("lift wants an ELF file, and a program or none (see rseqemu lift --help)")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.lift(args) },
	}
	cmd.Flags().StringVar(&a.code.function, "func", "", "print the program that runs this function's critical section alone")
	cmd.RegisterFlagCompletionFunc("func", cobra.NoFileCompletions)
	a.code.addSections(cmd)
	return cmd
}

func (a *app) lift(args []string) error {
	switch {
	case len(args) == 2 && a.code.function != "":
		return errors.New("a program or --func, not both")
	case len(args) == 2:
		a.code.object = args[0]
		p, err := a.load(args[1])
		if err != nil {
			return err
		}
		return a.printProgram(p)
	case a.code.function != "":
		p, err := a.loadOne(args[0])
		if err != nil {
			return err
		}
		return a.printProgram(p)
	}
	o, err := a.compiled(args[0])
	if err != nil {
		return err
	}
	return a.listSections(o)
}

func (a *app) printProgram(p *program) error {
	if a.asJSON {
		a.out.json(fmtDocument{[]fmtFile{{File: p.File, Text: p.String()}}})
		return nil
	}
	a.out.printf("%s", p.String())
	return nil
}

// listSections prints a file's critical sections.
func (a *app) listSections(o *elf.Object) error {
	doc := liftDocument{File: o.Name, Arch: o.Arch.String(), Sections: []liftSection{}}
	width := 0
	for _, d := range o.CS {
		s := liftSection{Descriptor: uint64(d.Addr), Start: d.CS.StartIP, Length: d.CS.PostCommitOffset, Abort: d.CS.AbortIP}
		start := ir.Addr(d.CS.StartIP)
		if sym, ok := o.SymbolContaining(start); ok && sym.Func {
			s.Function = sym.Name
		}
		if file, line, ok := o.Line(start); ok {
			s.Source = fmt.Sprintf("%s:%d", file, line)
		}
		width = max(width, len(s.Function))
		doc.Sections = append(doc.Sections, s)
	}
	if a.asJSON {
		a.out.json(doc)
		return nil
	}
	if len(doc.Sections) == 0 {
		return fmt.Errorf("%s: there are no critical sections in it", o.Name)
	}
	for _, s := range doc.Sections {
		a.out.printf("  %-*s  %#x, %3d bytes, abort_ip %#x  %s\n", width, s.Function, s.Start, s.Length, s.Abort, a.out.style.Dim(s.Source))
	}
	return nil
}
