package main

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/vet"
	"github.com/spf13/cobra"
)

const vetLong = `Vet reports what looks wrong in a program without running it: a section without a
store before its commit point, a system call inside, a missing check of cpu_id, a
descriptor that can't work, and so on. It exits with 1 if it reports anything.`

func (a *app) vetCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "vet FILE...",
		Short:             "Report what looks wrong without running it",
		Long:              vetLong + "\n\n" + exitCodes,
		Example:           "  rseqemu vet list.rseq\n  rseqemu vet *.rseq --json",
		Args:              atLeast(1, "a program"),
		ValidArgsFunction: completePrograms,
		RunE:              func(_ *cobra.Command, args []string) error { return a.vet(args) },
	}
	a.code.add(cmd)
	return cmd
}

// vetDocument is what vet --json prints.
type vetDocument struct {
	Findings []vetFinding `json:"findings"`
}

type vetFinding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Check   string `json:"check"`
	Message string `json:"message"`
	Func    string `json:"func,omitempty"`
	Section string `json:"section,omitempty"`
}

func (a *app) vet(args []string) error {
	doc := vetDocument{Findings: []vetFinding{}}
	for _, arg := range args {
		p, err := a.loadOne(arg)
		if err != nil {
			return err
		}
		im, err := ir.Link(p.Program, abi.AMD64)
		if err != nil {
			return p.bad(err)
		}
		for _, f := range vet.Program(im) {
			doc.Findings = append(doc.Findings, vetFinding{p.File, f.Pos.Line, f.Pos.Col, f.Check, f.Msg, f.Func, f.Section})
		}
	}
	if a.asJSON {
		a.out.json(doc)
	} else {
		for _, f := range doc.Findings {
			a.out.printf("%s:%d:%d: %s %s\n", f.File, f.Line, f.Column, f.Message, a.out.style.Dim("["+f.Check+"]"))
		}
	}
	if len(doc.Findings) > 0 {
		return exit(exitBroken)
	}
	return nil
}
