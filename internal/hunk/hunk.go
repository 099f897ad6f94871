// Package hunk changes a text as the hunks of a diff say, which are found by
// their lines and not by numbers, so that they still fit when the text has grown:
//
//	@@ pop
//	 a line that stays
//	-an old line
//	+a new line
//
// What follows @@ is the function that the lines are in, of a program or of a Go
// file, or nothing. It ends at the first empty line. The lines that stay and the
// old ones must be there, whole and once.
package hunk

import (
	"fmt"
	"regexp"
	"strings"
)

// Cut returns what stands before the first hunk, and the hunks.
func Cut(text string) (head, hunks string, err error) {
	head, hunks, ok := strings.Cut(text, "\n@@")
	if !ok {
		return "", "", fmt.Errorf("there is no hunk")
	}
	return head, "@@" + hunks, nil
}

// Apply makes the changes, each in what the one before has left.
func Apply(text, hunks string) (string, error) {
	for _, hunk := range strings.Split(strings.TrimPrefix(hunks, "@@"), "\n@@") {
		name, body, _ := strings.Cut(hunk, "\n")
		var old, changed strings.Builder
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n") + "\n"
			switch line[0] {
			case ' ':
				old.WriteString(line[1:])
				changed.WriteString(line[1:])
			case '-':
				old.WriteString(line[1:])
			case '+':
				changed.WriteString(line[1:])
			default:
				return "", fmt.Errorf("a hunk's line begins with %q", line[:1])
			}
		}
		from, to, err := extent(text, strings.TrimSpace(name))
		if err != nil {
			return "", err
		}
		at, err := only(text[from:to], old.String())
		if err != nil {
			return "", fmt.Errorf("@@%s: %w", name, err)
		}
		at += from
		text = text[:at] + changed.String() + text[at+old.Len():]
	}
	return text, nil
}

// extent is where a function's lines are in the text; without a name, all lines.
func extent(text, name string) (from, to int, err error) {
	if name == "" {
		return 0, len(text), nil
	}
	head := regexp.MustCompile(`\nfunc (\([^()]*\) )?` + regexp.QuoteMeta(name) + `\(`).FindStringIndex(text)
	if head == nil {
		return 0, 0, fmt.Errorf("there is no function %q", name)
	}
	from = head[0] + 1
	if n := strings.Index(text[from:], "\n\n"); n >= 0 {
		return from, from + n + 1, nil
	}
	return from, len(text), nil
}

// only finds whole lines in a text that has them once.
func only(text, lines string) (int, error) {
	if lines == "" {
		return 0, fmt.Errorf("the hunk has no old lines")
	}
	at := -1
	for i := 0; i < len(text); {
		if strings.HasPrefix(text[i:], lines) {
			if at >= 0 {
				return 0, fmt.Errorf("the lines are there more than once:\n%s", lines)
			}
			at = i
		}
		n := strings.IndexByte(text[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
	}
	if at < 0 {
		return 0, fmt.Errorf("the lines aren't there:\n%s", lines)
	}
	return at, nil
}
