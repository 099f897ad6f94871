package main

import (
	"context"
	"fmt"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const kernelsDiffLong = `Diff says what changes between two kernels, or a kernel and a proposal: the rules;
the programs that hold under one and are broken under the other, or by something
else; and the cases of the conformance suite that they answer differently.

The programs are the built-in ones that claim to be right (rseqemu list) and the
debates (rseqemu list --debates), or those that are named. Each is searched under
both kernels as rseqemu check does, whatever kernels it claims. It exits with 0
whether anything changes or not.`

func (a *app) kernelsDiffCmd() *cobra.Command {
	states, shown := 0, 0
	cmd := &cobra.Command{
		Use:   "diff FROM TO [PROGRAM...]",
		Short: "Which programs and cases two kernels, or a proposal, change",
		Long:  kernelsDiffLong,
		Example: `  rseqemu kernels diff 7.3 ./proposal.kernel       (rseqemu help proposals)
  rseqemu kernels diff 6.18 6.19
  rseqemu kernels diff 7.3/v1 7.3/v2 mine.rseq`,
		Args: atLeast(2, "two kernels"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.kernelsDiff(cmd.Context(), args[0], args[1], args[2:], states, shown)
		},
	}
	cmd.Flags().IntVar(&states, "states", 1_000_000, "states that the search of a program may take")
	cmd.Flags().IntVar(&shown, "cases", 20, "how many lines of cases are printed")
	return cmd
}

// kernelsDiffDocument is what kernels diff --json prints.
type kernelsDiffDocument struct {
	From     string             `json:"from"`
	To       string             `json:"to"`
	Rules    []report.KernelRow `json:"rules"`
	Programs []programDiff      `json:"programs"` // that change
	Same     int                `json:"same"`     // programs that don't
	Cases    []caseDiff         `json:"cases"`    // that change
	Answered int                `json:"answered"` // cases in all, each point a case
}

// programDiff is a program whose verdict changes.
type programDiff struct {
	Program string `json:"program"`
	From    string `json:"from"`
	To      string `json:"to"`
}

type caseDiff struct {
	Case   string   `json:"case"`
	Points []string `json:"points,omitempty"`
	text   string
}

func (a *app) kernelsDiff(ctx context.Context, from, to string, names []string, states, shown int) error {
	var ks [2]emu.Kernel
	for i, name := range []string{from, to} {
		var err error
		if ks[i], err = a.kernel(name); err != nil {
			return err
		}
	}
	if states < 1 {
		return fmt.Errorf("--states %d is out of range (1 and up)", states)
	}
	if len(names) == 0 {
		for _, b := range builtIns() {
			if b.Bug == "" {
				names = append(names, b.Name)
			}
		}
	}
	var programs []*program
	for _, name := range names {
		p, err := a.load(name)
		if err != nil {
			return err
		}
		programs = append(programs, p)
	}
	doc := kernelsDiffDocument{From: ks[0].String(), To: ks[1].String(), Rules: report.CompareKernels(ks[:], true).Rows,
		Programs: []programDiff{}, Cases: []caseDiff{}, Answered: len(conform.Cases())}
	if len(doc.Rules) == 0 {
		doc.Same = len(programs)
		return a.kernelsDiffEnd(&doc, ks, shown) // nothing can change
	}
	for _, p := range programs {
		d, err := changed(ctx, p, ks, states)
		switch {
		case err != nil:
			return err
		case d == nil:
			doc.Same++
		default:
			doc.Programs = append(doc.Programs, *d)
		}
	}
	rows, err := conform.Compare(ctx, conform.Cases(), []conform.Target{conform.Emulator(ks[0]), conform.Emulator(ks[1])})
	if err != nil {
		return err
	}
	for i := range rows {
		if row := &rows[i]; len(row.Answers) > 1 {
			c := caseDiff{Case: row.Name(), text: row.Name() + pointsOf(row)}
			for _, p := range row.Points {
				c.Points = append(c.Points, p.String())
			}
			doc.Cases = append(doc.Cases, c)
		}
	}
	return a.kernelsDiffEnd(&doc, ks, shown)
}

func (a *app) kernelsDiffEnd(doc *kernelsDiffDocument, ks [2]emu.Kernel, shown int) error {
	if a.asJSON {
		a.out.json(doc)
	} else {
		a.tellKernelsDiff(doc, ks, shown)
	}
	return nil
}

// changed searches a program under both kernels; nil if the verdict is the same.
func changed(ctx context.Context, p *program, ks [2]emu.Kernel, states int) (*programDiff, error) {
	s := &explore.Sweep{Program: p.Program, Options: explore.Options{Properties: p.properties, Kernels: ks[:], Limits: explore.Limits{States: states}}}
	var verdicts []string
	err := s.Run(ctx, func(_ emu.Kernel, f *explore.Finding) {
		v := string(report.Kind(f.Result))
		if f.Result.Failure != nil {
			v += ": " + f.Result.Failure.Property
		}
		verdicts = append(verdicts, v)
	})
	switch {
	case err != nil:
		return nil, p.bad(err)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case verdicts[0] == verdicts[1]:
		return nil, nil
	}
	return &programDiff{p.arg, verdicts[0], verdicts[1]}, nil
}

func (a *app) tellKernelsDiff(doc *kernelsDiffDocument, ks [2]emu.Kernel, shown int) {
	st := a.out.style
	if len(doc.Rules) == 0 {
		a.out.printf("The same rules: %s and %s.\n", doc.From, doc.To)
	} else {
		report.CompareKernels(ks[:], true).Text(a.out, st)
	}
	a.out.printf("\nPrograms, %d changed, %d not:\n", len(doc.Programs), doc.Same)
	for _, p := range doc.Programs {
		a.out.printf("  %s\n    %s: %s\n    %s: %s\n", p.Program, doc.From, p.From, doc.To, p.To)
	}
	changed := 0
	for _, c := range doc.Cases {
		changed += max(1, len(c.Points))
	}
	a.out.printf("\nCases, %d changed, %d not:\n", changed, doc.Answered-changed)
	for i, c := range doc.Cases {
		if i == max(shown, 0) {
			a.out.printf("  … (%d lines more: --cases %d)\n", len(doc.Cases)-i, len(doc.Cases))
			break
		}
		a.out.printf("  %s\n", c.text)
	}
	if len(doc.Cases) > 0 {
		a.out.printf("rseqemu conform --kernel %s,%s CASE shows the answers.\n", shell(ks[0].Spec()), shell(ks[1].Spec()))
	}
}
