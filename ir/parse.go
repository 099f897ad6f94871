package ir

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on a source text.
const (
	// MaxSource is the greatest size of a source text, in bytes.
	MaxSource = 1 << 20
	// MaxName is the greatest length of a name, in bytes.
	MaxName = 64
	// MaxLines is the number of lines of code (instructions, labels, signatures)
	// that a program has, in all functions together.
	MaxLines = 1 << 14
	// MaxArgs is the number of arguments that an operation takes: r0..r5.
	MaxArgs = 6
	// MaxCPUs is the number of CPUs that an affinity mask has room for.
	MaxCPUs = 64
)

// blank stands for an empty line between two comments in a list of comment
// lines.
const blank = "\n"

// Parse reads a program from its text. The name is that of the file, for
// messages; it need not exist. The error is a [*SyntaxError], the first there
// is. Whether names are defined is for [Link] to say.
func Parse(name string, src []byte) (*Program, error) {
	p := &parser{file: name, prog: &Program{Name: baseName(name), File: name}}
	if err := p.refuse(src); err != nil {
		return nil, err
	}
	text := strings.TrimPrefix(string(src), "\ufeff")
	for more := true; more && p.err == nil; {
		var line string
		line, text, more = strings.Cut(text, "\n")
		p.lineNo++
		p.oneLine(strings.TrimSuffix(line, "\r"))
	}
	p.finish()
	if p.err != nil {
		return nil, p.err
	}
	return p.prog, nil
}

// baseName is a file's name without directory and ending.
func baseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		name = name[:dot]
	}
	return name
}

// refuse looks at the source as a whole: a binary file or one of megabytes is
// no program, and a message about its first line would not help.
func (p *parser) refuse(src []byte) error {
	if len(src) > MaxSource {
		return &SyntaxError{File: p.file, Msg: fmt.Sprintf("a source of %d bytes is too large (at most %d)", len(src), MaxSource)}
	}
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		what := ""
		switch {
		case r == utf8.RuneError && n == 1:
			what = "this is no text: invalid UTF-8"
		case r == 0:
			what = "this is no text: a zero byte"
		case r < ' ' && r != '\t' && r != '\n' && !(r == '\r' && i+1 < len(src) && src[i+1] == '\n') || r == 0x7f:
			what = fmt.Sprintf("this is no text: control character %U", r)
		}
		if what != "" {
			begin := strings.LastIndexByte(string(src[:i]), '\n') + 1
			line, _, _ := strings.Cut(string(src[begin:]), "\n")
			return &SyntaxError{
				File: p.file, Pos: Pos{Line: strings.Count(string(src[:i]), "\n") + 1, Col: i - begin + 1},
				Msg: what, Line: strings.ToValidUTF8(strings.Map(printable, line), "?"),
			}
		}
		i += n
	}
	return nil
}

// printable replaces what would upset a terminal.
func printable(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7f {
		return '?'
	}
	return r
}

// parser reads a program, line by line.
type parser struct {
	lexer
	file   string
	prog   *Program
	lineNo int
	err    *SyntaxError // the first

	fn      *Func // the function that the line belongs to, or nil
	prev    declKind
	trail   string // the comment of the current line
	pending []pendingLine
	terms   int // of the current expression
	lines   int // of code
}

// pendingLine is a comment line, or a blank one, whose owner is still to come.
type pendingLine struct {
	text     string
	indented bool
}

// fail reports the first error, and makes the rest of the line look empty, so
// that whoever is reading it comes to an end.
func (p *parser) fail(col int, format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{
			File: p.file, Pos: Pos{Line: p.lineNo, Col: col},
			Msg: fmt.Sprintf(format, args...), Line: p.line,
		}
	}
	p.off = len(p.code)
	p.tok = token{kind: tokEnd, col: len(p.code) + 1}
}

// expected reports that something else was expected than the current token.
func (p *parser) expected(what string) {
	if p.tok.kind == tokBad {
		p.fail(p.tok.col, "%s", p.bad)
		return
	}
	p.fail(p.tok.col, "expected %s, found %v", what, p.tok)
}

// pos is the position of the current token.
func (p *parser) pos() Pos { return Pos{Line: p.lineNo, Col: p.tok.col} }

// accept takes the punctuation if it is there.
func (p *parser) accept(punct string) bool {
	if !p.tok.is(punct) {
		return false
	}
	p.next()
	return true
}

// need takes the punctuation, which must be there.
func (p *parser) need(punct string) {
	if !p.accept(punct) {
		p.expected(quote(punct))
	}
}

// name takes a name: a word that is no register. What it names is for messages.
func (p *parser) name(what string) string {
	t := p.tok
	switch {
	case t.kind != tokWord:
		p.expected(what)
		return ""
	case strings.Contains(t.text, "."):
		p.fail(t.col+strings.IndexByte(t.text, '.'), "a name has no dot")
		return ""
	case len(t.text) > MaxName:
		p.fail(t.col, "a name has at most %d characters, not %d", MaxName, len(t.text))
		return ""
	case registerLike(t.text):
		p.fail(t.col, "%q is a register; expected %s", clip(t.text), what)
		return ""
	}
	p.next()
	return t.text
}

// registerLike reports whether a word is a register's name or would be that of
// a greater machine's; such a word names nothing else.
func registerLike(word string) bool {
	if _, ok := ParseReg(word); ok {
		return true
	}
	return word[0] == 'r' && len(word) > 1 && strings.Trim(word[1:], "0123456789") == ""
}

// number takes a number with an optional sign: -1<<63 to 1<<64-1.
func (p *parser) number(what string) int64 {
	if p.tok.is("-") {
		p.next()
		u, col := p.tok.num, p.tok.col
		if p.tok.kind == tokNumber && u > 1<<63 {
			p.fail(col, "number -%s does not fit into 64 bits", clip(p.tok.text))
		}
		p.unsigned(what)
		return -int64(u)
	}
	return int64(p.unsigned(what))
}

// unsigned takes a number without a sign.
func (p *parser) unsigned(what string) uint64 {
	t := p.tok
	if t.kind != tokNumber {
		p.expected(what)
		return 0
	}
	p.next()
	return t.num
}

// count takes a number between two bounds.
func (p *parser) count(what string, low, high int) int {
	col, neg := p.tok.col, p.tok.is("-")
	n := p.number(what)
	if p.err == nil && (neg || n < int64(low) || n > int64(high)) {
		p.fail(col, "%s is %d to %d", strings.TrimPrefix(what, "a "), low, high)
	}
	return int(n)
}

// oneLine reads a line.
func (p *parser) oneLine(line string) {
	comment, has := p.start(line)
	p.trail = comment
	switch {
	case p.tok.kind != tokEnd:
		p.statement()
		if p.err == nil && p.tok.kind != tokEnd {
			p.expected("the end of the line")
		}
	case has:
		indented := line[0] == ' ' || line[0] == '\t'
		p.pending = append(p.pending, pendingLine{comment, indented})
	case len(p.pending) == 0 || p.pending[len(p.pending)-1].text != blank:
		p.pending = append(p.pending, pendingLine{blank, true})
	}
}

// statement reads a label, a declaration or an instruction.
func (p *parser) statement() {
	t := p.tok
	if t.kind == tokWord {
		if p.before(':') && t.text != "thread" {
			p.label()
			return
		}
		if d, ok := declarations[t.text]; ok {
			d.parse(p, p.declare(d.kind))
			return
		}
		if d, ok := functionLines[t.text]; ok {
			if p.fn == nil {
				p.fail(t.col, "%s outside of a function", t.text)
				return
			}
			d(p)
			return
		}
	}
	if t.kind == tokWord || t.is("{") {
		p.code1(t)
		return
	}
	p.expected("a declaration, a label or an instruction")
}

// code1 reads an instruction, if it can be one.
func (p *parser) code1(t token) {
	if p.fn != nil {
		p.instrLine()
		return
	}
	base, _, _ := strings.Cut(t.text, ".")
	if t.kind == tokWord && t.text != "lock" && byMnemonic[base] == nil {
		p.fail(t.col, "unknown declaration %s%s", quote(t.text), didYouMean(t.text, declarationWords))
		return
	}
	p.fail(t.col, "an instruction outside of a function")
}

// notes takes the comments that belong to what begins at the current token.
func (p *parser) notes() Notes {
	n := Notes{Trail: p.trail, Pos: p.pos()}
	if len(p.pending) > 0 && p.pending[0].text == blank {
		n.Gap = true
		p.pending = p.pending[1:]
	}
	n.Lead = p.takePending(len(p.pending))
	return n
}

// takePending takes the first n pending lines.
func (p *parser) takePending(n int) []string {
	if n == 0 {
		return nil
	}
	text := make([]string, n)
	for i, l := range p.pending[:n] {
		text[i] = l.text
	}
	p.pending = p.pending[n:]
	if len(p.pending) == 0 {
		p.pending = nil
	}
	return text
}

// declare begins a declaration: it ends the function before, and takes the
// keyword and the comments.
func (p *parser) declare(kind declKind) Notes {
	p.endFunc()
	n := p.notes()
	if !p.prev.keepsGap(kind) {
		n.Gap = false
	}
	p.prev = kind
	if kind != declSetup { // whose word is read with what follows
		p.next()
	}
	return n
}

// endFunc ends the current function: comments behind its last line that are
// indented are its own, the others belong to what follows.
func (p *parser) endFunc() {
	if p.fn == nil {
		return
	}
	n := 0
	for i, l := range p.pending {
		if l.text == blank {
			continue
		}
		if !l.indented {
			break
		}
		n = i + 1
	}
	p.fn.Tail = p.takePending(n)
	p.fn = nil
}

// finish ends the program.
func (p *parser) finish() {
	p.endFunc()
	lines := p.takePending(len(p.pending))
	for len(lines) > 0 && lines[0] == blank {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == blank {
		lines = lines[:len(lines)-1]
	}
	p.prog.Foot = slices.Clip(lines)
	if len(lines) == 0 {
		p.prog.Foot = nil
	}
}
