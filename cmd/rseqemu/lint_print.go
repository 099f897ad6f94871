package main

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/lift/lint"
)

// lintText prints a line for each finding, in the form that editors know, and
// a line for each file.
func (a *app) lintText(reports []*lint.Report, verbose bool) {
	for _, r := range reports {
		for _, f := range r.Findings {
			a.lintFinding(f, "")
		}
		clean := 0
		for _, s := range r.Sections {
			if len(s.Findings) == 0 {
				clean++
				if verbose {
					a.out.printf("%s: fine: %s%s\n", placeOrWhere(s.Place, s.Where), sectionName(s), plural(", %d instruction", s.Instrs)+plural(", %d store", s.Stores))
				}
			}
			for _, f := range s.Findings {
				a.lintFinding(f, sectionName(s))
			}
		}
		n := r.Count()
		a.out.printf("%s: %v%s", r.File, r.Arch, plural(", %d critical section", len(r.Sections)))
		if n == [3]int{} {
			a.out.printf(", nothing found\n")
			continue
		}
		a.out.printf(", %d fine", clean)
		for sev, count := range n {
			if count > 0 {
				a.out.printf("%s", plural(", %d "+lint.Severity(sev).String(), count))
			}
		}
		a.out.printf("\n")
	}
}

// lintFinding prints a finding of the section of that name.
func (a *app) lintFinding(f lint.Finding, section string) {
	if section != "" {
		section = " in " + section
	}
	where := ""
	if f.Place.Line > 0 {
		where = ", at " + f.Where
	}
	a.out.printf("%s: %v%s: %s %s\n", placeOrWhere(f.Place, f.Where), f.Severity, section, f.Message, a.out.style.Dim("["+f.Rule+where+"]"))
}

// sectionName is the function that a section is in and how far from its
// beginning, or else its place in the file.
func sectionName(s lint.Section) string {
	if s.Func == "" {
		return s.Where
	}
	return fmt.Sprintf("%s+%#x", s.Func, s.Offset)
}

// placeOrWhere is the source line, or else the place in the file.
func placeOrWhere(p lint.Place, where string) string {
	if p.Line == 0 {
		return where
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

func plural(format string, n int) string {
	if n != 1 {
		format += "s"
	}
	return fmt.Sprintf(format, n)
}

// lintKTAP prints a test for each file, with its sections as subtests.
func (a *app) lintKTAP(reports []*lint.Report) {
	a.out.printf("KTAP version 1\n1..%d\n", len(reports))
	for i, r := range reports {
		a.out.printf("  KTAP version 1\n  # Subtest: %s\n  1..%d\n", r.File, len(r.Sections))
		good := true
		tell := func(all []lint.Finding) (bad bool) {
			for _, f := range all {
				a.out.printf("  # %s: %v: %s [%s]\n", placeOrWhere(f.Place, f.Where), f.Severity, f.Message, f.Rule)
				bad = bad || f.Severity != lint.Note
			}
			good = good && !bad
			return bad
		}
		tell(r.Findings)
		for j, s := range r.Sections {
			a.out.printf("  %s %d %s\n", okOrNot(!tell(s.Findings)), j+1, strings.ReplaceAll(sectionName(s), "#", "?"))
		}
		a.out.printf("%s %d %s\n", okOrNot(good), i+1, strings.ReplaceAll(r.File, "#", "?"))
	}
}

func okOrNot(ok bool) string {
	if ok {
		return "ok"
	}
	return "not ok"
}

// lintDocument is what lint --json prints.
type lintDocument struct {
	Files []lintFileJSON `json:"files"`
}

type lintFileJSON struct {
	File     string            `json:"file"`
	Arch     string            `json:"arch"`
	Errors   int               `json:"errors"`
	Warnings int               `json:"warnings"`
	Notes    int               `json:"notes"`
	Sections []lintSectionJSON `json:"sections"`
	Findings []lintFindingJSON `json:"findings"` // of no section
}

type lintSectionJSON struct {
	Where        string            `json:"where"`
	Func         string            `json:"func,omitempty"`
	Offset       uint64            `json:"offset"`
	Source       *sourceJSON       `json:"source,omitempty"`
	Descriptor   string            `json:"descriptor,omitempty"` // addresses as text: they have 64 bits
	StartIP      string            `json:"start_ip"`
	PostCommitIP string            `json:"post_commit_ip"`
	AbortIP      string            `json:"abort_ip"`
	Instructions int               `json:"instructions"`
	Stores       int               `json:"stores"`
	Findings     []lintFindingJSON `json:"findings"`
}

type lintFindingJSON struct {
	Rule     string      `json:"rule"`
	Severity string      `json:"severity"`
	Where    string      `json:"where"`
	Address  string      `json:"address"`
	Source   *sourceJSON `json:"source,omitempty"`
	Message  string      `json:"message"`
}

type sourceJSON struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

func lintJSON(reports []*lint.Report) lintDocument {
	doc := lintDocument{}
	source := func(p lint.Place) *sourceJSON {
		if p.Line == 0 {
			return nil
		}
		return &sourceJSON{p.File, p.Line}
	}
	hex := func(n uint64) string { return fmt.Sprintf("%#x", n) }
	findings := func(all []lint.Finding) []lintFindingJSON {
		list := []lintFindingJSON{}
		for _, f := range all {
			list = append(list, lintFindingJSON{f.Rule, f.Severity.String(), f.Where, hex(uint64(f.Addr)), source(f.Place), f.Message})
		}
		return list
	}
	for _, r := range reports {
		n := r.Count()
		file := lintFileJSON{
			File: r.File, Arch: r.Arch.String(), Errors: n[lint.Error], Warnings: n[lint.Warning], Notes: n[lint.Note],
			Sections: []lintSectionJSON{}, Findings: findings(r.Findings),
		}
		for _, s := range r.Sections {
			cs := s.Descriptor.CS
			sec := lintSectionJSON{
				Where: s.Where, Func: s.Func, Offset: s.Offset, Source: source(s.Place),
				StartIP: hex(cs.StartIP), PostCommitIP: hex(cs.PostCommitIP()), AbortIP: hex(cs.AbortIP),
				Instructions: s.Instrs, Stores: s.Stores, Findings: findings(s.Findings),
			}
			if s.Descriptor.Addr != 0 {
				sec.Descriptor = hex(uint64(s.Descriptor.Addr))
			}
			file.Sections = append(file.Sections, sec)
		}
		doc.Files = append(doc.Files, file)
	}
	return doc
}
