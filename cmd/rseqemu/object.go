package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/trial"
	"github.com/spf13/cobra"
)

// objectFlags are the flags for compiled code of commands that read programs.
type objectFlags struct {
	object   string // of the functions that the program lacks
	function string // of an object that takes a program's place
	sections []string
}

func (f *objectFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.object, "object", "", "ELF file with the functions that the program calls and doesn't define")
	cmd.Flags().StringVar(&f.function, "func", "", "of an ELF file in the place of a program: the function whose critical\nsections run, each alone (default: all)")
	cmd.RegisterFlagCompletionFunc("func", cobra.NoFileCompletions)
	f.addSections(cmd)
}

// addSections adds the flag for descriptors that aren't where they are looked for.
func (f *objectFlags) addSections(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.sections, "section", nil, "of an ELF file: a further descriptor, a symbol or start_ip,post_commit_offset,abort_ip")
	cmd.RegisterFlagCompletionFunc("section", cobra.NoFileCompletions)
}

// compiled reads a file of compiled code, with the descriptors that --section names.
func (a *app) compiled(name string) (*elf.Object, error) {
	o, err := openObject(name)
	if err != nil {
		return nil, err
	}
	for _, s := range a.code.sections {
		d, err := describe(o, s)
		if err != nil {
			return nil, err
		}
		o.CS = append(o.CS, d)
	}
	return o, nil
}

// openObject reads a file of compiled code.
func openObject(name string) (*elf.Object, error) {
	o, err := elf.OpenFile(name)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return nil, cause(name, err)
	}
	return o, err
}

// isObject reports whether a file begins as ELF files do.
func isObject(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = f.Read(magic[:])
	return err == nil && bytes.Equal(magic[:], []byte("\x7fELF"))
}

// lifted completes a program with compiled code. The result is read from its
// text, so that what is printed, saved and replayed is one program.
func (a *app) lifted(p *program) (*program, error) {
	object := a.code.object
	o, err := a.compiled(object)
	if err != nil {
		return nil, err
	}
	whole, err := lift.Complete(p.Program, o)
	if err != nil {
		return nil, p.bad(err)
	}
	q, err := reread(p.arg, p.File, whole)
	if err == nil {
		q.flags = " --object " + shell(object)
	}
	return q, err
}

// shell is the program as an argument of rseqemu, for a shell.
func (p *program) shell() string { return shell(p.arg) + p.flags }

// reread parses the text of a program that was made.
func reread(arg, name string, whole *ir.Program) (*program, error) {
	return parseText(arg, name, []byte(whole.String()))
}

// trials makes a program of each critical section of a file; notRun are those that
// can't run, and why. That none can is an error.
func (a *app) trials(file string) (programs []*program, notRun []string, err error) {
	o, err := a.compiled(file)
	if err != nil {
		return nil, nil, err
	}
	found, err := trial.Of(o, a.code.function)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range found {
		if t.Err != nil {
			notRun = append(notRun, fmt.Sprintf("%s:%s: %v", file, t.Name, t.Err))
			continue
		}
		p, err := reread(file, file+":"+t.Name, t.Program)
		if err == nil {
			p.flags = " --func " + shell(t.Name)
			p, err = p.declared()
		}
		if err != nil {
			return nil, nil, err
		}
		programs = append(programs, p)
	}
	if len(programs) == 0 {
		return nil, nil, errors.New(strings.Join(notRun, "; "))
	}
	return programs, notRun, nil
}

// loadAll reads what an argument names: a program, or the critical sections of
// an ELF file.
func (a *app) loadAll(arg string) (programs []*program, notRun []string, err error) {
	if isObject(arg) {
		return a.trials(arg)
	}
	if a.code.function != "" {
		return nil, nil, fmt.Errorf("--func is for an ELF file, and %s is none", arg)
	}
	p, err := a.load(arg)
	return []*program{p}, nil, err
}

// loadOne reads the program of a command that runs one.
func (a *app) loadOne(arg string) (*program, error) {
	programs, notRun, err := a.loadAll(arg)
	switch {
	case err != nil:
		return nil, err
	case len(programs)+len(notRun) > 1:
		var names []string
		for _, p := range programs {
			names = append(names, strings.TrimPrefix(p.File, arg+":"))
		}
		return nil, fmt.Errorf("%s has %d critical sections: say which with --func (%s)", arg, len(programs)+len(notRun), strings.Join(names, ", "))
	}
	return programs[0], nil
}
