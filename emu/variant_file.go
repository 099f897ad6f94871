package emu

import (
	"bytes"
	"errors"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// MaxProposal bounds the text of a proposal, in bytes.
const MaxProposal = 64 << 10

// ParseProposal reads a variant from a text, a line for each thing:
//
//	# What is proposed, and by whom.
//	name = v2-by-flag
//	base = 7.3
//	V2   = flag    # RSEQ_FLAG_V2 in rseq()'s flags
//
// The name is made of small letters, digits and -, begins with a letter, and is how
// the kernel prints; the base is a name that [ParseKernel] reads; the others are
// [Change]s. Each is given once, name and base first. The file's name is for errors,
// which are [*ir.SyntaxError]s.
func ParseProposal(file string, src []byte) (Kernel, error) {
	p := proposal{file: file}
	if len(src) > MaxProposal {
		return Kernel{}, p.fail(0, 0, "a proposal of more than 64 KiB")
	}
	p.lines = strings.Split(string(bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))), "\n")
	for i := range p.lines {
		if err := p.line(i); err != nil {
			return Kernel{}, err
		}
	}
	switch {
	case p.name == "":
		return Kernel{}, p.fail(0, 0, "the proposal has no name: add a line such as name = v2-by-flag")
	case p.base.Release == "":
		return Kernel{}, p.fail(0, 0, "the proposal has no base: add a line such as base = 7.3")
	case len(p.changes) == 0:
		return Kernel{}, p.fail(0, 0, "the proposal changes nothing: add a line such as V2 = flag ("+ruleNames()+")")
	}
	k, err := Variant(p.base, p.changes...)
	var bad *ChangeError
	if errors.As(err, &bad) {
		at := p.at[bad.I]
		col := at.rule
		if bad.Value {
			col = at.value
		}
		return Kernel{}, p.fail(at.line, col, bad.Msg)
	}
	k.Proposal = p.name
	return k, nil
}

// proposal is a text as far as it was read.
type proposal struct {
	file    string
	lines   []string
	name    string
	base    Kernel
	changes []Change
	at      []changePlace
}

// changePlace is where a change is, in lines from 0 and columns from 1.
type changePlace struct{ line, rule, value int }

// fail is an error at a line, from 0, and a column, from 1; of column 0 at no place.
func (p *proposal) fail(line, col int, msg string) error {
	e := &ir.SyntaxError{File: p.file, Msg: msg}
	if col > 0 {
		e.Pos, e.Line = ir.Pos{Line: line + 1, Col: col}, p.lines[line]
	}
	return e
}

func (p *proposal) line(i int) error {
	text, _, _ := strings.Cut(p.lines[i], "#")
	key, value, ok := strings.Cut(text, "=")
	keyCol := 1 + len(key) - len(strings.TrimLeft(key, " \t"))
	valueCol := 1 + len(key) + 1 + len(value) - len(strings.TrimLeft(value, " \t"))
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case key == "" && !ok:
		return nil
	case !ok:
		return p.fail(i, keyCol, "want a line such as V2 = flag, not "+quoted(key))
	case value == "":
		return p.fail(i, keyCol, "there is no value behind "+quoted(key)+" =")
	}
	switch key {
	case "name":
		switch {
		case p.name != "":
			return p.fail(i, keyCol, "there is a name already")
		case !properName(value):
			return p.fail(i, valueCol, quoted(value)+" is no name: want small letters, digits and -, a letter first, at most 40")
		}
		p.name = value
	case "base":
		if p.base.Release != "" {
			return p.fail(i, keyCol, "there is a base already")
		}
		var err error
		if p.base, err = ParseKernel(value); err != nil {
			return p.fail(i, valueCol, err.Error())
		}
		if len(p.base.Changes()) > 0 {
			return p.fail(i, valueCol, "a base is a release, not one with changes")
		}
	default:
		if p.name == "" || p.base.Release == "" {
			return p.fail(i, keyCol, "name and base come before the changes")
		}
		p.changes = append(p.changes, Change{key, value})
		p.at = append(p.at, changePlace{i, keyCol, valueCol})
	}
	return nil
}

func quoted(s string) string { return `"` + clip(s) + `"` }

func properName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 40
}
