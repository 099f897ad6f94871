package percpu

import (
	"fmt"
	"strings"
)

// diff is the text of a bug:
//
//	index: cpu_id
//	What is wrong,
//	in some lines.
//
//	@@ pop
//	 a line that stays
//	-an old line
//	+a new line
//
// The first line is there if the bug is only one where a program is indexed by
// that field. What follows @@ is the function that the lines are in, or nothing.
type diff struct {
	index   string
	comment string // what is wrong, as a program's comment lines
	hunks   string // from the first @@ on
}

func parseDiff(text string) (diff, error) {
	head, hunks, ok := strings.Cut(text, "\n@@")
	if !ok {
		return diff{}, fmt.Errorf("there is no hunk")
	}
	d := diff{hunks: "@@" + hunks}
	if rest, ok := strings.CutPrefix(head, "index: "); ok {
		if d.index, head, _ = strings.Cut(rest, "\n"); d.index != "cpu_id" {
			return diff{}, fmt.Errorf("unknown index %q", d.index)
		}
	}
	for line := range strings.Lines(strings.TrimSpace(head) + "\n") {
		d.comment += "# " + line
	}
	return d, nil
}

// apply makes the changes.
func (d diff) apply(text string) (string, error) {
	for _, hunk := range strings.Split(strings.TrimPrefix(d.hunks, "@@"), "\n@@") {
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
	from = strings.Index(text, "\nfunc "+name+"(") + 1
	if from == 0 {
		return 0, 0, fmt.Errorf("there is no function %q", name)
	}
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
