package workload

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// Header is the first line of a workload file.
const Header = "rseqemu workload 1"

// IsMix reports whether a text is a workload file, of this format or another, by how
// it begins, rather than a trace.
func IsMix(src []byte) bool { return bytes.HasPrefix(src, []byte("rseqemu workload")) }

// MaxFile bounds a workload file, in bytes.
const MaxFile = 1 << 20

// key is a line that a file may have.
type key struct {
	name     string
	required bool
	set      func(m *Mix, value string) error
}

var keys = []key{
	{"title", true, func(m *Mix, v string) error { m.Title = v; return nil }},
	{"seed", true, number(func(m *Mix) *uint64 { return &m.Seed }, 0, 1<<63)},
	{"cpus", true, small(func(m *Mix) *int { return &m.CPUs }, MaxCPUs)},
	{"threads", true, small(func(m *Mix) *int { return &m.Threads }, MaxThreads)},
	{"generate", true, number(func(m *Mix) *uint64 { return &m.Generate }, 1, MaxGenerate)},
	{"exit", true, number(func(m *Mix) *uint64 { return &m.Exit }, 1, maxCount)},
	{"switch", true, number(func(m *Mix) *uint64 { return &m.Switch }, 0, maxCount)},
	{"signal", false, number(func(m *Mix) *uint64 { return &m.Signal }, 0, maxCount)},
	{"notify", false, number(func(m *Mix) *uint64 { return &m.Notify }, 0, maxCount)},
	{"start", false, number(func(m *Mix) *uint64 { return &m.Start }, 0, maxCount)},
	{"switch.preempt", true, share(func(m *Mix) *Share { return &m.Preempt })},
	{"switch.migrate", true, share(func(m *Mix) *Share { return &m.Migrate })},
	{"signal.interrupt", false, share(func(m *Mix) *Share { return &m.Strike })},
	{"other.interrupt", false, share(func(m *Mix) *Share { return &m.Interrupt })},
	{"code.sections", false, share(func(m *Mix) *Share { return &m.Sections })},
	{"code.inside", false, share(func(m *Mix) *Share { return &m.Inside })},
}

const maxCount = 1 << 53

// Parse reads a workload file: a header, then a line for each key with its value.
// What is behind # is a comment. Errors are [*ir.SyntaxError], with the place.
func Parse(file string, src []byte) (*Mix, error) {
	if len(src) > MaxFile {
		return nil, &ir.SyntaxError{File: file, Pos: ir.Pos{Line: 1, Col: 1}, Msg: fmt.Sprintf("%d bytes are too many for a workload (%d)", len(src), MaxFile)}
	}
	p := parser{file: file, mix: &Mix{}, lines: strings.Split(string(src), "\n"), places: map[string]ir.Pos{}}
	for i := range p.lines {
		if err := p.line(i); err != nil {
			return nil, err
		}
	}
	var missing []string
	for _, k := range keys {
		if _, ok := p.places[k.name]; k.required && !ok {
			missing = append(missing, k.name)
		}
	}
	if missing != nil {
		return nil, p.fail(len(p.lines), 1, "the workload has no %s", strings.Join(missing, ", "))
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p.mix, nil
}

type parser struct {
	file   string
	lines  []string
	mix    *Mix
	places map[string]ir.Pos // of the values, by key
	begun  bool
}

// fail returns an error at a line, from 1, and a column.
func (p *parser) fail(line, col int, format string, args ...any) error {
	text := ""
	if line <= len(p.lines) {
		text = strings.TrimSuffix(p.lines[line-1], "\r")
	}
	return &ir.SyntaxError{File: p.file, Pos: ir.Pos{Line: line, Col: col}, Msg: fmt.Sprintf(format, args...), Line: text}
}

func (p *parser) line(i int) error {
	text, _, _ := strings.Cut(p.lines[i], "#")
	text = strings.TrimRight(text, " \t\r")
	name := strings.TrimLeft(text, " \t")
	col := len(text) - len(name) + 1
	switch {
	case !p.begun:
		if text != Header {
			return p.fail(i+1, 1, "a workload begins with %q", Header)
		}
		p.begun = true
		return nil
	case name == "":
		return nil
	}
	name, value, _ := strings.Cut(name, " ")
	at := col + len(name) + 1 + len(value) - len(strings.TrimLeft(value, " \t"))
	value = strings.TrimSpace(value)
	for _, k := range keys {
		if k.name != name {
			continue
		}
		if before, ok := p.places[name]; ok {
			return p.fail(i+1, col, "%q is on line %d already", name, before.Line)
		}
		p.places[name] = ir.Pos{Line: i + 1, Col: at}
		if value == "" {
			return p.fail(i+1, at, "%q has no value", name)
		}
		if err := k.set(p.mix, value); err != nil {
			return p.fail(i+1, at, "%s: %v", name, err)
		}
		return nil
	}
	return p.fail(i+1, col, "unknown key %q (%s)", name, known())
}

func known() string {
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// check holds the values against each other.
func (p *parser) check() error {
	name, msg := p.mix.wrong()
	if msg == "" {
		return nil
	}
	pos := p.places[name]
	return p.fail(cmp.Or(pos.Line, 1), cmp.Or(pos.Col, 1), "%s", msg)
}

func number(field func(m *Mix) *uint64, low, high uint64) func(*Mix, string) error {
	return func(m *Mix, v string) error {
		n, err := strconv.ParseUint(strings.ReplaceAll(v, ",", ""), 10, 64)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is no number from %d to %d", v, low, high)
		}
		*field(m) = n
		return nil
	}
}

func small(field func(m *Mix) *int, high uint64) func(*Mix, string) error {
	return func(m *Mix, v string) error {
		var n uint64
		if err := number(func(*Mix) *uint64 { return &n }, 1, high)(m, v); err != nil {
			return err
		}
		*field(m) = int(n)
		return nil
	}
}

// share reads "4.33%", with up to four digits behind the point.
func share(field func(m *Mix) *Share) func(*Mix, string) error {
	return func(m *Mix, v string) error {
		number, ok := strings.CutSuffix(v, "%")
		whole, part, _ := strings.Cut(number, ".")
		w, err := strconv.ParseUint(whole, 10, 32)
		f := uint64(0)
		if err == nil && part != "" {
			f, err = strconv.ParseUint((part + "0000")[:4], 10, 32)
		}
		n := w*10_000 + f
		if !ok || err != nil || len(part) > 4 || w > 100 || n > uint64(All) || strings.HasSuffix(number, ".") {
			return fmt.Errorf("%q is no share from 0%% to 100%%", v)
		}
		*field(m) = Share(n)
		return nil
	}
}
