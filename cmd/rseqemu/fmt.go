package main

import (
	"bytes"
	"errors"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/spf13/cobra"
)

const fmtLong = `Fmt prints programs in their canonical form: one spelling of numbers, one layout.
Without a file it reads standard input.

With -l or -d it exits with 1 if a file isn't in that form. If one of the files is
no program, none is written.`

type fmtFlags struct{ write, list, diff bool }

func (a *app) fmtCmd() *cobra.Command {
	f := &fmtFlags{}
	cmd := &cobra.Command{
		Use:   "fmt [FILE...]",
		Short: "Print programs in their canonical form",
		Long:  fmtLong + "\n\n" + exitCodes,
		Example: `  rseqemu fmt -w list.rseq
  rseqemu fmt -l *.rseq
  rseqemu fmt percpu:list >list.rseq`,
		ValidArgsFunction: completePrograms,
		RunE:              func(_ *cobra.Command, args []string) error { return a.fmt(f, args) },
	}
	cmd.Flags().BoolVarP(&f.write, "write", "w", false, "write the result to the file instead")
	cmd.Flags().BoolVarP(&f.list, "list", "l", false, "list the files that would change")
	cmd.Flags().BoolVarP(&f.diff, "diff", "d", false, "show what would change")
	return cmd
}

// formatted is a program's text before and after.
type formatted struct {
	arg      string
	src, out []byte
}

// fmtDocument is what fmt --json prints.
type fmtDocument struct {
	Files []fmtFile `json:"files"`
}

type fmtFile struct {
	File    string `json:"file"`
	Changed bool   `json:"changed"`
	Text    string `json:"text,omitempty"` // unless -l, -d or -w
	Diff    string `json:"diff,omitempty"` // with -d
}

func (a *app) fmt(f *fmtFlags, args []string) error {
	if len(args) == 0 {
		args = []string{"-"}
	}
	var files []formatted
	for _, arg := range args {
		_, isBuiltIn := builtIn(arg)
		if f.write && (arg == "-" || isBuiltIn) {
			return errors.New("-w needs a file to write to, not " + arg)
		}
		name, src, err := a.text(arg)
		if err != nil {
			return err
		}
		out, err := ir.Format(name, src)
		if err != nil {
			return badInput{err, src}
		}
		files = append(files, formatted{arg, src, out})
	}
	doc := fmtDocument{}
	changed := false
	for _, file := range files {
		d := fmtFile{File: file.arg, Changed: !bytes.Equal(file.src, file.out)}
		changed = changed || d.Changed
		if f.write && d.Changed {
			if err := save(file.arg, file.out); err != nil {
				return err
			}
		}
		if f.diff {
			d.Diff = string(diff.Diff(file.arg+".orig", file.src, file.arg, file.out))
		}
		if !f.write && !f.list && !f.diff {
			d.Text = string(file.out)
		}
		if !a.asJSON {
			if f.list && d.Changed {
				a.out.printf("%s\n", file.arg)
			}
			a.out.printf("%s%s", d.Diff, d.Text)
		}
		doc.Files = append(doc.Files, d)
	}
	if a.asJSON {
		a.out.json(doc)
	}
	if changed && (f.list || f.diff) && !f.write {
		return exit(exitBroken)
	}
	return nil
}
