package ir

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lexer cuts a line into tokens, one at a time. The zero lexer has no line.
type lexer struct {
	line string // the whole line, without its end
	code string // the part of it before the comment
	off  int    // of the rest of code, behind tok
	tok  token  // the current one
	// bad says why tok is none; it is set together with tokBad.
	bad string
}

type tokenKind uint8

const (
	tokEnd    tokenKind = iota // the end of the line
	tokWord                    // a name, or a mnemonic with its suffixes
	tokNumber                  // without its sign
	tokPunct
	tokBad
)

// token is a token; col counts from 1, in bytes.
type token struct {
	kind tokenKind
	text string
	num  uint64
	col  int
}

// is reports whether the token is that punctuation.
func (t token) is(punct string) bool { return t.kind == tokPunct && t.text == punct }

// String describes the token in a message.
func (t token) String() string {
	if t.kind == tokEnd {
		return "the end of the line"
	}
	return quote(t.text)
}

// start begins a line, and reads its first token.
func (l *lexer) start(line string) (comment string, has bool) {
	cut := commentStart(line)
	*l = lexer{line: line, code: line[:cut]}
	l.next()
	if cut == len(line) {
		return "", false
	}
	comment = strings.TrimPrefix(line[cut+1:], " ")
	return strings.TrimRight(comment, " \t"), true
}

// commentStart returns where the comment of a line begins: at the first # that
// isn't a character constant.
func commentStart(line string) int {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '#':
			return i
		case '\'':
			if strings.HasPrefix(line[i:], `'#'`) {
				i += 2
			}
		}
	}
	return len(line)
}

// The punctuation of two characters.
var pairs = []string{"<<", "<=", "==", "!=", ">=", "&&", "||"}

// next reads the next token into l.tok.
func (l *lexer) next() {
	for l.off < len(l.code) && (l.code[l.off] == ' ' || l.code[l.off] == '\t') {
		l.off++
	}
	l.tok = token{col: l.off + 1}
	if l.off >= len(l.code) {
		return
	}
	rest := l.code[l.off:]
	switch c := rest[0]; {
	case isLetter(c):
		l.take(tokWord, wordLen(rest))
	case isDigit(c):
		n := 1
		for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
			n++
		}
		l.take(tokNumber, n)
		var err error
		if l.tok.num, err = parseUint(l.tok.text); err != nil {
			l.fail(err.Error())
		}
	case c == '\'':
		l.char(rest)
	case strings.IndexByte("()[]{}:;,=@+-*<>&!|", c) >= 0:
		for _, p := range pairs {
			if strings.HasPrefix(rest, p) {
				l.take(tokPunct, 2)
				return
			}
		}
		l.take(tokPunct, 1)
	default:
		r, n := utf8.DecodeRuneInString(rest)
		l.take(tokPunct, n)
		l.fail(fmt.Sprintf("unexpected character %q", r))
	}
}

// char reads a character constant, 'c'.
func (l *lexer) char(rest string) {
	r, _, tail, err := strconv.UnquoteChar(rest[1:], '\'')
	if err != nil || !strings.HasPrefix(tail, "'") {
		l.take(tokNumber, len(rest))
		l.fail("bad character constant: write 'c', or a number")
		return
	}
	l.take(tokNumber, len(rest)-len(tail)+1)
	l.tok.num = uint64(r)
}

func (l *lexer) take(kind tokenKind, n int) {
	l.tok.kind, l.tok.text = kind, l.code[l.off:l.off+n]
	l.off += n
}

func (l *lexer) fail(msg string) { l.tok.kind, l.bad = tokBad, msg }

// before reports whether c is the next character behind the current token.
func (l *lexer) before(c byte) bool {
	rest := strings.TrimLeft(l.code[l.off:], " \t")
	return rest != "" && rest[0] == c
}

// rest takes everything behind the current token, as words.
func (l *lexer) rest() []string {
	words := strings.Fields(l.code[l.off:])
	l.off = len(l.code)
	l.next()
	return words
}

// wordLen is the length of the word that s begins with. A dot belongs to it if
// a suffix follows: ld.4, b.eq.
func wordLen(s string) int {
	n := 1
	for n < len(s) {
		switch {
		case isLetter(s[n]) || isDigit(s[n]):
			n++
		case s[n] == '.' && n+1 < len(s) && (isLetter(s[n+1]) || isDigit(s[n+1])):
			n += 2
		default:
			return n
		}
	}
	return n
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
