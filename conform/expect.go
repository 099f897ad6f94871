package conform

import (
	"bufio"
	"bytes"
	"fmt"
	"path"
	"strings"
)

// Deviations are the cases in which an implementation is known not to do what it
// is held against, and why. A file of them is how a project that doesn't want to
// be Linux in every respect keeps its CI green and honest: a new deviation fails,
// and so does one that is gone.
type Deviations struct {
	file  string
	lines []deviation
}

// deviation is a line: a pattern of cases, and a reason.
type deviation struct {
	line            int
	pattern, reason string
}

// ReadDeviations reads a file with a pattern of cases' names on each line (* and ?
// as in a shell: RO.*) and behind # the reason, which must be there. Each pattern
// must match a case of the suite.
func ReadDeviations(file string, data []byte) (*Deviations, error) {
	d := &Deviations{file: file}
	s := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; s.Scan(); n++ {
		pattern, reason, _ := strings.Cut(s.Text(), "#")
		pattern, reason = strings.TrimSpace(pattern), strings.TrimSpace(reason)
		if pattern == "" {
			continue
		}
		if reason == "" {
			return nil, fmt.Errorf("%s:%d: %.40q has no reason: want CASE # why it deviates", file, n, pattern)
		}
		found := false
		for _, c := range suite() {
			ok, err := path.Match(pattern, c.Name)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %.40q is no pattern of cases' names", file, n, pattern)
			}
			found = found || ok
		}
		if !found {
			return nil, fmt.Errorf("%s:%d: there is no case %.40q", file, n, pattern)
		}
		d.lines = append(d.lines, deviation{n, pattern, reason})
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %v", file, err)
	}
	return d, nil
}

// Apply changes a result into what it means with these deviations known. Every
// case that a line names must deviate: what was fixed has to leave the file.
func (d *Deviations) Apply(r Result) Result {
	for _, l := range d.lines {
		if ok, _ := path.Match(l.pattern, r.Case.Name); !ok {
			continue
		}
		switch r.Status {
		case Different:
			r.Status, r.Detail = Expected, l.reason
		case Same:
			r.Status, r.Detail = Vanished, fmt.Sprintf("%s:%d says that it deviates (%s), and it doesn't\n", d.file, l.line, l.reason)
		}
		return r
	}
	return r
}
