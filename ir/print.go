package ir

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rseqemu/rseqemu/abi"
)

// Format reads a program and returns its canonical text. What it changes is
// space, the spelling of numbers and blank lines; declarations keep their
// order, comments their place. The error is that of [Parse].
func Format(name string, src []byte) ([]byte, error) {
	p, err := Parse(name, src)
	if err != nil {
		return nil, err
	}
	return p.append(nil), nil
}

// Format prints the program's text, for %v and %s.
func (p *Program) Format(f fmt.State, verb rune) {
	if p == nil {
		io.WriteString(f, "<nil>")
		return
	}
	if text(f, verb) {
		f.Write(p.append(nil))
		return
	}
	type plain Program
	fmt.Fprintf(f, fmt.FormatString(f, verb), (*plain)(p))
}

// String returns the program's text. Parsing it gives the program again. A
// program that was parsed keeps the order of its declarations; one from Go has
// them by kind: constants and data, functions, handlers and threads, the setup,
// what must hold.
func (p *Program) String() string { return string(p.append(nil)) }

// declRef is a declaration to print: the i-th of its kind, or directive i.
type declRef struct {
	kind declKind
	i    int
	pos  Pos
}

// declarations returns all of the program in the order to print them in: that
// of their positions, if all have one and they agree with the order in the
// slices, and by kind otherwise.
func (p *Program) declarations() []declRef {
	var all []declRef
	add := func(kind declKind, n int, notes func(i int) *Notes) {
		for i := range n {
			all = append(all, declRef{kind, i, notes(i).Pos})
		}
	}
	add(declConst, len(p.Consts), func(i int) *Notes { return &p.Consts[i].Notes })
	add(declData, len(p.Data), func(i int) *Notes { return &p.Data[i].Notes })
	add(declFunc, len(p.Funcs), func(i int) *Notes { return &p.Funcs[i].Notes })
	add(declHandler, len(p.Handlers), func(i int) *Notes { return &p.Handlers[i].Notes })
	add(declThread, len(p.Threads), func(i int) *Notes { return &p.Threads[i].Notes })
	for d := range Directive(NumDirectives) {
		if p.Setup.has(d) {
			all = append(all, declRef{declSetup, int(d), p.Setup.Places[d]})
		}
	}
	add(declSpec, len(p.Specs), func(i int) *Notes { return &p.Specs[i].Notes })
	add(declCheck, len(p.Checks), func(i int) *Notes { return &p.Checks[i].Notes })
	add(declNoRace, len(p.NoRaces), func(i int) *Notes { return &p.NoRaces[i].Notes })
	add(declBlocks, len(p.Blocks), func(i int) *Notes { return &p.Blocks[i].Notes })

	for i, d := range all {
		if d.pos == (Pos{}) || i > 0 && d.kind != declSetup && d.kind == all[i-1].kind && d.pos.Line < all[i-1].pos.Line {
			return all
		}
	}
	slices.SortStableFunc(all, func(a, b declRef) int { return a.pos.Line - b.pos.Line })
	return all
}

// has reports whether the directive is to be printed.
func (s *Setup) has(d Directive) bool {
	return s.Places[d] != (Pos{}) || s.note(d) != nil || [...]bool{
		ArchDirective:     s.Arch != abi.AMD64,
		CPUsDirective:     s.CPUs != 0,
		NodesDirective:    s.Nodes != 0,
		StackDirective:    s.StackSize != 0,
		RegisterDirective: s.Register != RegisterFull,
		BudgetDirective:   len(s.Budget) != 0,
		KernelsDirective:  len(s.Kernels) != 0,
	}[d]
}

// note returns the directive's comments, or nil.
func (s *Setup) note(d Directive) *Notes {
	for i := range s.Notes {
		if s.Notes[i].Directive == d.String() {
			return &s.Notes[i].Notes
		}
	}
	return nil
}

func (p *Program) append(b []byte) []byte {
	w := printer{out: b}
	prev := noDecl
	for _, d := range p.declarations() {
		n := p.notesOf(d)
		gap := prev != noDecl && (n.Gap || !prev.keepsGap(d.kind))
		w.begin(gap, n, "")
		w.buf = p.appendDecl(w.buf, d)
		w.end(n)
		if d.kind == declFunc {
			w.body(&p.Funcs[d.i])
		}
		prev = d.kind
	}
	if len(p.Foot) > 0 {
		w.comments(prev != noDecl, p.Foot, "")
	}
	w.flush()
	return w.out
}

var noNotes Notes

func (p *Program) notesOf(d declRef) *Notes {
	switch d.kind {
	case declConst:
		return &p.Consts[d.i].Notes
	case declData:
		return &p.Data[d.i].Notes
	case declFunc:
		return &p.Funcs[d.i].Notes
	case declHandler:
		return &p.Handlers[d.i].Notes
	case declThread:
		return &p.Threads[d.i].Notes
	case declSetup:
		if n := p.Setup.note(Directive(d.i)); n != nil {
			return n
		}
		return &noNotes
	case declSpec:
		return &p.Specs[d.i].Notes
	case declCheck:
		return &p.Checks[d.i].Notes
	case declNoRace:
		return &p.NoRaces[d.i].Notes
	case declBlocks:
		return &p.Blocks[d.i].Notes
	}
	panic("ir: BUG: no such declaration")
}

// printer lays out lines. Lines that follow each other without a blank or a
// comment line in between have their trailing comments in one column, unless
// they are wide.
type printer struct {
	out  []byte
	buf  []byte // the text of the current lines
	rows []row
}

// row is a line that waits for its comment's column.
type row struct {
	end   int // of its text in buf
	width int // of its text, in characters
	trail string
}

// begin begins a line: what stands before it, and its indentation.
func (w *printer) begin(gap bool, n *Notes, indent string) {
	w.comments(gap, n.Lead, indent)
	w.buf = append(w.buf, indent...)
}

// end ends the line that buf got since begin.
func (w *printer) end(n *Notes) {
	w.rows = append(w.rows, row{end: len(w.buf), trail: oneLine(n.Trail)})
}

// oneLine keeps a comment on its line and makes it text, whatever a Go program puts
// into it: a name that a compiled file gives may have any bytes.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case r < ' ' && r != '\t', r == 0x7f:
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// comments prints whole comment lines.
func (w *printer) comments(gap bool, lines []string, indent string) {
	if gap || len(lines) > 0 {
		w.flush()
	}
	if gap {
		w.out = append(w.out, '\n')
	}
	for _, l := range lines {
		if l != blank {
			w.out = append(w.out, indent...)
			w.out = append(appendComment(w.out, oneLine(l)), '\n')
			continue
		}
		w.out = append(w.out, '\n')
	}
}

func appendComment(b []byte, text string) []byte {
	b = append(b, '#')
	if text != "" {
		b = append(append(b, ' '), text...)
	}
	return b
}

// wide is the width from which on a line doesn't take part in the column of
// comments: one long line would push all others to the right.
const wide = 72

// flush prints the waiting lines.
func (w *printer) flush() {
	column, start := 0, 0
	for i := range w.rows {
		r := &w.rows[i]
		r.width = utf8.RuneCount(w.buf[start:r.end])
		if r.trail != "" && r.width <= wide {
			column = max(column, r.width+2)
		}
		start = r.end
	}
	start = 0
	for _, r := range w.rows {
		w.out = append(w.out, w.buf[start:r.end]...)
		if r.trail != "" {
			for n := r.width; n < max(column, r.width+2); n++ {
				w.out = append(w.out, ' ')
			}
			w.out = appendComment(w.out, r.trail)
		}
		w.out = append(w.out, '\n')
		start = r.end
	}
	w.buf, w.rows = w.buf[:0], w.rows[:0]
}

// body prints the lines of a function.
func (w *printer) body(f *Func) {
	const indent = "    "
	first := true
	line := func(n *Notes, indent string) {
		w.begin(n.Gap && !first, n, indent)
		first = false
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		line(&s.Notes, indent)
		w.buf = s.append(w.buf)
		w.end(&s.Notes)
	}
	for i := range f.Body {
		it := &f.Body[i]
		if it.Kind == Label {
			line(&it.Notes, "")
		} else {
			line(&it.Notes, indent)
		}
		w.buf = it.append(w.buf)
		w.end(&it.Notes)
	}
	if len(f.Tail) > 0 {
		w.comments(false, f.Tail, indent)
	}
}
