package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/lint"
	"github.com/spf13/cobra"
)

const lintLong = `Lint looks at every compiled critical section of an ELF file, on any operating system:
x86-64, arm64 and riscv64; executables, shared objects and relocatable objects. It says
what looks wrong in each, without running it: a section that commits nothing or goes on
behind its commit, an abort_ip without its signature, a store before cpu_id is compared,
a system call inside, and so on. ` + "`rseqemu lint --rules`" + ` lists all with the reasons.

Sections are found in __rseq_cs. --section names others: the symbol of a struct rseq_cs,
or the numbers start_ip,post_commit_offset,abort_ip.

It exits with 1 if it has found an error or a warning; notes alone are 0. A file without
a section is no answer.`

type lintFlags struct {
	format    string
	rules     bool
	verbose   bool
	signature string
	budget    int
	sections  []string
}

var lintFormats = []string{"text", "json", "sarif", "ktap"}

func (a *app) lintCmd() *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Report what looks wrong in compiled critical sections",
		Long:  lintLong + "\n\n" + exitCodes,
		Example: `  rseqemu lint libfoo.so
  rseqemu lint *.o --format sarif > lint.sarif     for code-review tools
  rseqemu lint libfoo.so --verbose                 a line for each section, with findings or not
  rseqemu lint vdso.so --section my_rseq_cs        a descriptor outside of __rseq_cs
  rseqemu lint --rules                             what is looked for, and why it is wrong`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.rules {
				return exactly(0, "no file with --rules")(cmd, args)
			}
			return atLeast(1, "an ELF file")(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.lint(f, args) },
	}
	fl := c.Flags()
	fl.StringVar(&f.format, "format", "text", "text, json, sarif (2.1.0, for code-review tools) or ktap")
	fl.BoolVar(&f.rules, "rules", false, "list what is looked for")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "in text, name the sections without findings too")
	fl.StringVar(&f.signature, "signature", "", "what has to be before abort_ip, if it isn't the architecture's usual")
	fl.IntVar(&f.budget, "max-instructions", lint.DefaultMaxInstrs, "more than these make a section long")
	fl.StringArrayVar(&f.sections, "section", nil, "a further descriptor: a symbol, or start_ip,post_commit_offset,abort_ip")
	complete(c, "format", lintFormats...)
	return c
}

// lint reads every file before it prints anything.
func (a *app) lint(f lintFlags, files []string) error {
	if a.asJSON {
		f.format = "json"
	}
	switch {
	case !slices.Contains(lintFormats, f.format):
		return fmt.Errorf("--format is %s, not %q", strings.Join(lintFormats, ", "), f.format)
	case f.budget <= 0:
		return fmt.Errorf("--max-instructions is at least 1, not %d", f.budget)
	case len(f.sections) > 0 && len(files) > 1:
		return errors.New("--section is for one file, and there are several")
	case f.rules:
		a.lintRules()
		return nil
	}
	opt := lint.Options{MaxInstrs: f.budget}
	if f.signature != "" {
		n, err := strconv.ParseUint(f.signature, 0, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("--signature is a number of 32 bits such as 0x53053053, not %q", f.signature)
		}
		opt.Signature = uint32(n)
	}
	var reports []*lint.Report
	sections := 0
	for _, file := range files {
		o, err := openObject(file)
		if err != nil {
			return err
		}
		opt.Descriptors = nil
		for _, s := range f.sections {
			d, err := describe(o, s)
			if err != nil {
				return err
			}
			opt.Descriptors = append(opt.Descriptors, d)
		}
		r := lint.File(o, opt)
		sections += len(r.Sections)
		reports = append(reports, r)
	}
	if sections == 0 {
		return fmt.Errorf("%s: no critical sections (__rseq_cs); --section names one that is elsewhere", strings.Join(files, ", "))
	}
	switch f.format {
	case "text":
		a.lintText(reports, f.verbose)
	case "json":
		a.out.json(lintJSON(reports))
	case "sarif":
		a.out.json(sarifOf(reports))
	case "ktap":
		a.lintKTAP(reports)
	}
	for _, r := range reports {
		if n := r.Count(); n[lint.Error]+n[lint.Warning] > 0 {
			return exit(exitBroken)
		}
	}
	return nil
}

// describe is the descriptor that --section names.
func describe(o *elf.Object, s string) (elf.Descriptor, error) {
	words := strings.Split(s, ",")
	if len(words) == 1 {
		return o.Describe(s)
	}
	var n [3]uint64
	for i, w := range words {
		v, err := strconv.ParseUint(strings.TrimSpace(w), 0, 64)
		if err != nil || len(words) != len(n) {
			return elf.Descriptor{}, fmt.Errorf("--section is a symbol or the numbers start_ip,post_commit_offset,abort_ip, not %q", s)
		}
		n[i] = v
	}
	return elf.Descriptor{CS: abi.RSeqCS{StartIP: n[0], PostCommitOffset: n[1], AbortIP: n[2]}}, nil
}

// lintRule is a rule in what lint --rules --json prints.
type lintRule struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Why      string `json:"why"`
}

// lintRules lists what is looked for.
func (a *app) lintRules() {
	if a.asJSON {
		doc := struct {
			Rules []lintRule `json:"rules"`
		}{}
		for _, r := range lint.Rules() {
			doc.Rules = append(doc.Rules, lintRule{r.ID, r.Severity.String(), r.Doc})
		}
		a.out.json(doc)
		return
	}
	for _, r := range lint.Rules() {
		a.out.printf("%s (%s)\n    %s\n", r.ID, r.Severity, r.Doc)
	}
}
