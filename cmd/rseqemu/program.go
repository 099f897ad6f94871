package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// program is a program with its text and what it declares to hold.
type program struct {
	*ir.Program
	arg        string // as the user named it
	flags      string // that made it of compiled code, as a shell reads them
	src        []byte
	properties []explore.Factory
}

// load reads a program and its declarations.
func (a *app) load(arg string) (*program, error) {
	p, err := a.parse(arg)
	if err != nil {
		return nil, err
	}
	if a.code.object != "" {
		if p, err = a.lifted(p); err != nil {
			return nil, err
		}
	}
	return p.declared()
}

// declared reads what the program declares to hold.
func (p *program) declared() (_ *program, err error) {
	if p.properties, err = props.Of(p.Program); err != nil {
		return nil, p.bad(err)
	}
	for _, t := range p.Threads {
		if len(t.Calls) == 0 {
			return nil, p.bad(&ir.LinkError{File: p.File, Pos: t.Notes.Pos, Msg: "the thread calls no function"})
		}
	}
	return p, nil
}

// parse reads a program: a file, - for standard input, or one that is built in.
func (a *app) parse(arg string) (*program, error) {
	name, src, err := a.text(arg)
	if err != nil {
		return nil, err
	}
	return parseText(arg, name, src)
}

// parseText is parse of a text that was read.
func parseText(arg, name string, src []byte) (_ *program, err error) {
	p := &program{arg: arg, src: src}
	if p.Program, err = ir.Parse(name, src); err != nil {
		return nil, p.bad(err)
	}
	return p, nil
}

// text returns a program's text and the name that messages give it.
func (a *app) text(arg string) (name string, src []byte, err error) {
	if b, ok := builtIn(arg); ok {
		return arg, []byte(b.text), nil
	}
	src, err = a.read(arg, ir.MaxSource, "source")
	if errors.Is(err, fs.ErrNotExist) && strings.Contains(arg, ":") {
		err = fmt.Errorf("%s: no such program (rseqemu list has the built-in ones)", arg)
	}
	if name = arg; arg == "-" {
		name = "<stdin>"
	}
	return name, src, err
}

// read reads a file that may be of at most so many bytes, or standard input.
func (a *app) read(name string, most int, what string) ([]byte, error) {
	f := a.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, cause(name, err)
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > int64(most) {
			return nil, fmt.Errorf("%s: a %s of %d bytes is too large (at most %d)", name, what, info.Size(), most)
		}
		f = file
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, cause(name, err)
	}
	if len(b) > most {
		return nil, fmt.Errorf("%s: the %s is too large (at most %d bytes)", name, what, most)
	}
	return b, nil
}

// bad is an error of this program: with its name if the error has no place, and
// with its text to show the place.
func (p *program) bad(err error) error {
	if err == nil {
		return nil
	}
	var syntax *ir.SyntaxError
	var link *ir.LinkError
	if !errors.As(err, &syntax) && !errors.As(err, &link) {
		err = fmt.Errorf("%s: %w", p.File, err)
	}
	return badInput{err, p.src}
}

// maxSchedule is the size of a schedule's text, for one choice a line.
const maxSchedule = 32 << 20

// schedule reads a schedule.
func (a *app) schedule(name string) (s *explore.Schedule, src []byte, err error) {
	if src, err = a.read(name, maxSchedule, "schedule"); err != nil {
		return nil, nil, err
	}
	s, err = explore.ParseSchedule(name, src)
	return s, src, err
}

// follow is an error of following a schedule, with the line of its text.
func follow(file string, src []byte, err error) error {
	var f *explore.FollowError
	if errors.As(err, &f) {
		return fmt.Errorf("%s:%d: %w", file, explore.ChoiceLine(src, f.I), err)
	}
	return err
}
