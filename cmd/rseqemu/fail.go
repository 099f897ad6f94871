package main

import (
	"errors"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitHolds    = 0
	exitBroken   = 1
	exitNoAnswer = 2
)

// exit is the error of a command that has said everything and ends with a code
// other than 0 and 2.
type exit int

func (e exit) Error() string { return "exit" }

// badInput is an error with the program's text at hand, to show the line.
type badInput struct {
	error
	src []byte
}

func (e badInput) Unwrap() error { return e.error }

// failure is what --json prints instead of a result.
type failure struct {
	Error struct {
		Message string `json:"message"` // as on standard error
		File    string `json:"file,omitempty"`
		Line    int    `json:"line,omitempty"`
		Column  int    `json:"column,omitempty"`
	} `json:"error"`
}

// report prints the error, in one line, and returns the exit code. On a terminal
// the line of the program follows.
func (a *app) report(cmd *cobra.Command, err error) int {
	var code exit
	switch {
	case err == nil:
		return exitHolds
	case errors.As(err, &code):
		return int(code)
	}
	msg := oneLine(err.Error())
	a.err.printf("rseqemu: %s\n", msg)
	file, pos, snippet := placeOf(err)
	if a.err.tty {
		a.err.printf("%s", snippet)
	}
	if a.asJSON && a.out.err == nil {
		f := failure{}
		f.Error.Message, f.Error.File, f.Error.Line, f.Error.Column = msg, file, pos.Line, pos.Col
		a.out.json(f)
	}
	return exitNoAnswer
}

// oneLine makes sure that an error is one line and has nothing that upsets a
// terminal, whatever a file was called or had in it.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return '?'
		}
		return r
	}, strings.TrimSpace(s))
}

// placeOf returns where the error is, with the line and a caret under it if it
// is known.
func placeOf(err error) (file string, pos ir.Pos, snippet string) {
	var at *ir.SyntaxError
	if link := new(ir.LinkError); errors.As(err, &link) {
		at = &ir.SyntaxError{File: link.File, Pos: link.Pos}
		if bad := new(badInput); errors.As(err, bad) && link.Pos.Line > 0 {
			if lines := strings.Split(string(bad.src), "\n"); link.Pos.Line <= len(lines) {
				at.Line = strings.TrimSuffix(lines[link.Pos.Line-1], "\r")
			}
		}
	} else if !errors.As(err, &at) {
		return "", ir.Pos{}, ""
	}
	if snippet = at.Snippet(); snippet != "" {
		snippet = "    " + strings.ReplaceAll(snippet, "\n", "\n    ") + "\n"
	}
	return at.File, at.Pos, snippet
}
