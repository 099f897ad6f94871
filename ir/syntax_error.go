package ir

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError says where a source text stops being a program. Its message is
// one line; [SyntaxError.Snippet] shows the place.
type SyntaxError struct {
	File string // the name that Parse was given
	Pos  Pos    // zero if the text as a whole is refused
	Msg  string
	Line string // the text of the line, without its end
}

// Error returns a line such as
//
//	list.rseq:14:9: unknown register "r99" (r0..r31, tp)
func (e *SyntaxError) Error() string { return place(e.File, e.Pos) + e.Msg }

// maxSnippet is how much of a long line a snippet shows, in bytes.
const maxSnippet = 120

// Snippet returns the line of the source and, on a second line, a caret under
// the column, in two lines without a final newline; it is empty if the error
// has no position. Of a line too long for a screen it is the part around the
// column.
func (e *SyntaxError) Snippet() string {
	if e.Pos.Line == 0 {
		return ""
	}
	line, at := e.Line, min(max(e.Pos.Col-1, 0), len(e.Line))
	from, to := 0, len(line)
	if len(line) > maxSnippet {
		from = max(0, at-maxSnippet/2)
		to = min(len(line), from+maxSnippet)
		for from > 0 && !utf8.RuneStart(line[from]) {
			from--
		}
		for to < len(line) && !utf8.RuneStart(line[to]) {
			to++
		}
	}
	var b strings.Builder
	b.WriteString(line[from:to])
	b.WriteByte('\n')
	// A tab stays a tab, so that the caret is under its column however wide
	// the reader's tabs are.
	for _, r := range line[from:at] {
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	b.WriteByte('^')
	return b.String()
}

// place is the beginning of an error line: as much of file:line:col: as there is.
func place(file string, pos Pos) string {
	switch {
	case pos == (Pos{}) && file == "":
		return ""
	case pos == (Pos{}):
		return file + ": "
	case file == "":
		return fmt.Sprintf("%d:%d: ", pos.Line, pos.Col)
	}
	return fmt.Sprintf("%s:%d:%d: ", file, pos.Line, pos.Col)
}

// clip shortens a piece of source for a message, so that a line of a megabyte
// doesn't make one of a megabyte.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// quote quotes a piece of source for a message.
func quote(s string) string { return fmt.Sprintf("%q", clip(s)) }

// didYouMean returns `; did you mean "x"?` for the known word that is nearest
// to word, or nothing if none is near.
func didYouMean(word string, known []string) string {
	best, most := "", min(2, (len(word)+1)/3)
	if len(word) > 64 {
		return ""
	}
	for _, k := range known {
		if d := distance(word, k, most); d <= most {
			best, most = k, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a; it gives up above most.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	var before, prev []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, prev, row = prev, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
