package conform

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/tools/txtar"
)

// ParseError is what is wrong with a case file, and where.
type ParseError struct {
	File string
	Line int
	Msg  string
}

func (e *ParseError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// Parse reads a file of cases. The error is a [*ParseError], or what package ir
// says of a program, with the file's own line.
func Parse(file string, src []byte) ([]Case, error) {
	p := &parser{file: file, line: 1, names: map[string]bool{}}
	if len(src) > maxSource {
		return nil, p.fail("the file has %d bytes, more than %d", len(src), maxSource)
	}
	ar := txtar.Parse(src)
	lines := sectionLines(src, ar)
	for i, f := range ar.Files {
		p.line = lines[i]
		var err error
		if f.Name == "program" {
			err = p.setProgram(f.Data)
		} else {
			err = p.section(f.Name, f.Data)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(p.cases) == 0 {
		p.line = 1
		return nil, p.fail("no case: want sections -- program -- and -- GROUP.name --")
	}
	return p.cases, nil
}

// The bounds of a file: each case has its own copy of the program, and a line with
// each can stand for as many cases as the program has instructions.
const (
	maxSource = 256 << 10
	maxCases  = 2000
)

// sectionLines returns the line that each section's text begins at, which txtar
// doesn't tell.
func sectionLines(src []byte, ar *txtar.Archive) []int {
	var at []int
	line := 1 + strings.Count(string(ar.Comment), "\n")
	for _, f := range ar.Files {
		line++ // the marker
		at = append(at, line)
		line += strings.Count(string(f.Data), "\n")
	}
	return at
}

type parser struct {
	file    string
	line    int
	source  string // of the program, at the line that it has in the file
	program *ir.Program
	image   *ir.Image
	// completed are the programs with declarations of cases, by these.
	completed map[string]linked
	cases     []Case
	names     map[string]bool
}

// linked is a program, and where it is.
type linked struct {
	program *ir.Program
	image   *ir.Image
}

func (p *parser) fail(format string, args ...any) error {
	return &ParseError{File: p.file, Line: p.line, Msg: fmt.Sprintf(format, args...)}
}

// setProgram notes the program of the cases that follow. The empty lines before
// it make its positions those of the file.
func (p *parser) setProgram(data []byte) error {
	p.source = strings.Repeat("\n", p.line-1) + string(data)
	p.completed = map[string]linked{}
	return p.link(p.source)
}

// link reads and links a program.
func (p *parser) link(source string) error {
	prog, err := ir.Parse(p.file, []byte(source))
	if err != nil {
		return err
	}
	p.program = prog
	p.image, err = ir.Link(prog, abi.AMD64)
	return err
}

// complete adds a case's own declarations to the program, each at its line. Cases
// with the same declarations have the same program, whose places are the first's.
func (p *parser) complete(data []byte) error {
	source, line, own := p.source, p.line, ""
	for text := range strings.Lines(string(data)) {
		if isDeclaration(strings.TrimSpace(text)) {
			source += strings.Repeat("\n", line-1-strings.Count(source, "\n")) + text
			own += text
		}
		line++
	}
	if l, ok := p.completed[own]; ok {
		p.program, p.image = l.program, l.image
		return nil
	}
	if err := p.link(source); err != nil {
		return err
	}
	p.completed[own] = linked{p.program, p.image}
	return nil
}

// isDeclaration reports whether a line of a case belongs to its program.
func isDeclaration(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return word == "thread" || word == "thread:" || word == "register"
}

// section reads a case, or the cases that one line with each stands for.
func (p *parser) section(name string, data []byte) error {
	group, rest, ok := strings.Cut(name, ".")
	switch {
	case !ok || group == "" || rest == "" || strings.ContainsAny(name, " @"):
		return p.fail("%q is no case's name: want a group and what is special, such as CS.abort-signal", name)
	case p.names[name]:
		return p.fail("there are two cases %s", name)
	case p.source == "":
		return p.fail("case %s comes before any -- program --", name)
	}
	p.names[name] = true
	if err := p.complete(data); err != nil {
		return err
	}
	if len(p.program.Threads) == 0 {
		return p.fail("case %s has no thread: add a line such as \"thread: op\"", name)
	}
	if err := p.checkThreads(); err != nil {
		return err
	}
	c := Case{Name: name, File: p.file, Line: p.line - 1, Program: p.program}
	var each []Point
	var eachActions []Action
	var doc []string
	for text := range strings.Lines(string(data)) {
		text = strings.TrimSpace(text)
		word, rest, _ := strings.Cut(text, " ")
		var err error
		switch {
		case text == "", isDeclaration(text):
		case text[0] == '#':
			doc = append(doc, strings.TrimSpace(text[1:]))
		case word == "at" && each != nil, word == "each" && (each != nil || len(c.Stops) > 0):
			return p.fail("each stands alone: one line of it makes one stop in each of its cases")
		case word == "at":
			var s Stop
			if s, err = p.stop(rest); err == nil {
				c.Stops = append(c.Stops, s)
			}
		case word == "each":
			each, eachActions, err = p.each(rest)
		case word == "needs":
			i := slices.Index(needNames[1:], strings.TrimSpace(rest))
			if i < 0 {
				return p.fail("unknown need %q (%s)", rest, strings.Join(needNames[1:], ", "))
			}
			c.Needs = Need(1 + i)
		case word == "untouched":
			for _, name := range strings.Fields(rest) {
				if _, _, ok := placeOf(p.image, name); !ok {
					return p.fail("untouched: %q is neither data nor a descriptor of the program", name)
				}
				c.Untouched = append(c.Untouched, name)
			}
		case word == "see":
			for _, w := range strings.Fields(rest) {
				var o Observation
				if o, err = p.observation(w); err != nil {
					break
				}
				if o.Name == Configuration {
					return p.fail("%s can be looked at in a stop only: at op.inside: look %s", Configuration, Configuration)
				}
				c.See = append(c.See, o)
			}
		default:
			return p.fail("unknown line %q (thread: CALL; …, register HOW, at POINT: ACTION, …, each POINT..POINT: ACTION, …, see OBSERVATION …, untouched NAME …, needs WHAT)", word)
		}
		if err != nil {
			return err
		}
		p.line++
	}
	c.Doc = strings.Join(doc, " ")
	if each == nil {
		return p.add(c, true)
	}
	for i, at := range each {
		one := c
		one.Name = fmt.Sprintf("%s@%v", c.Name, at)
		one.Stops = []Stop{{At: at, Actions: eachActions}}
		// What is put in is the same at each point: what one program can be
		// linked with all can.
		if err := p.add(one, i == 0); err != nil {
			return err
		}
	}
	return nil
}

// checkThreads refuses threads that have no CPU of their own.
func (p *parser) checkThreads() error {
	threads := p.program.Threads
	if len(threads) > CPUs {
		return p.fail("a case has at most %d threads, one on each CPU", CPUs)
	}
	for i, t := range threads {
		if t.CPUs != 0 && t.CPUs != 1<<i {
			return p.fail("thread %d is on c%d", i, i)
		}
		if len(t.Calls) == 0 {
			return p.fail("thread %d makes no call", i)
		}
	}
	return nil
}

// checkStop refuses what can't be done where there are other threads: only the
// first is stopped, and it can't go where another is.
func (p *parser) checkStop(s *Stop) error {
	for i, t := range p.program.Threads[1:] {
		if s.Has(Migrate) {
			return p.fail("the thread can't migrate: c%d is another thread's", i+1)
		}
		if slices.ContainsFunc(t.Calls, func(c ir.OpCall) bool { return c.Func == s.At.Func }) {
			return p.fail("point %v: only the first thread can be stopped, and thread %d calls %s too", s.At, i+1, s.At.Func)
		}
	}
	return nil
}

// add puts in what a schedule or an irq needs, and keeps the case. It links the
// program with that, unless the same was put into it elsewhere.
func (p *parser) add(c Case, link bool) error {
	if o, ok := c.touches(p.image); ok {
		return p.fail("a look or write at %v would touch what is untouched", o)
	}
	if len(p.cases) == maxCases {
		return p.fail("a file has at most %d cases", maxCases)
	}
	err := insertStops(&c, p.image)
	if err == nil && link && c.Program != p.program {
		_, err = ir.Link(c.Program, p.image.Arch)
	}
	if err != nil {
		return p.fail("%v", err)
	}
	p.cases = append(p.cases, c)
	return nil
}

// stop reads "op.start+1: preempt, write rseq_cs op_cs".
func (p *parser) stop(s string) (Stop, error) {
	at, actions, ok := strings.Cut(s, ":")
	if !ok {
		return Stop{}, p.fail("want a point, a colon and actions: at op.start+1: preempt")
	}
	pt, err := p.point(strings.TrimSpace(at))
	if err != nil {
		return Stop{}, err
	}
	st := Stop{At: pt}
	if st.Actions, err = p.actions(actions); err == nil {
		err = p.checkStop(&st)
	}
	return st, err
}

// each reads "op.start..op.commit: preempt": a case for every instruction
// boundary from the first point to the second.
func (p *parser) each(s string) ([]Point, []Action, error) {
	points, actions, ok := strings.Cut(s, ":")
	from, to, isRange := strings.Cut(strings.TrimSpace(points), "..")
	if !ok || !isRange {
		return nil, nil, p.fail("want two points, a colon and actions: each op.start..op.commit: preempt")
	}
	var at [2]ir.Addr
	for i, text := range []string{from, to} {
		pt, err := p.point(text)
		if err != nil {
			return nil, nil, err
		}
		at[i], _ = pt.Addr(p.image)
	}
	var all []Point
	for _, a := range p.image.Addrs {
		if a >= at[0] && a <= at[1] {
			pt, _ := PointAt(p.image, a)
			all = append(all, pt)
		}
	}
	if all == nil {
		return nil, nil, p.fail("there is nothing from %s to %s", from, to)
	}
	a, err := p.actions(actions)
	for i := 0; i < len(all) && err == nil; i++ {
		err = p.checkStop(&Stop{At: all[i], Actions: a})
	}
	return all, a, err
}

func (p *parser) point(s string) (Point, error) {
	pt, err := ParsePoint(s)
	var at ir.Addr
	if err == nil {
		at, err = pt.Addr(p.image)
	}
	if err != nil {
		return pt, p.fail("%v", err)
	}
	if f, _ := p.image.Func(pt.Func); at == f.Entry && p.called(pt.Func) {
		// The machine has no ip between two calls; a signal there would save
		// another one than a real thread does.
		return pt, p.fail("point %v: the first instruction of a call is still between two calls; the first point inside is %s+1", pt, pt.Func)
	}
	return pt, nil
}

// called reports whether a thread's script calls the function.
func (p *parser) called(name string) bool {
	for _, t := range p.program.Threads {
		if slices.ContainsFunc(t.Calls, func(c ir.OpCall) bool { return c.Func == name }) {
			return true
		}
	}
	return false
}

func (p *parser) observation(s string) (Observation, error) {
	o, err := ParseObservation(s)
	if name, isStat := strings.CutPrefix(o.Name, statPrefix); isStat && err == nil {
		if _, ok := new(emu.Counters).Stat(name); !ok {
			err = fmt.Errorf("the kernel counts no %q (exit, signal, slowp, fastp, ids, cs, clear, fixup, sgrant, sexpir, srevok, syield, sabort)", name)
		}
	}
	if err == nil && o.inMemory() {
		_, _, err = o.Place(p.image, func(c int) int { return c })
	}
	if err != nil {
		return o, p.fail("%v", err)
	}
	return o, nil
}

func (p *parser) actions(s string) ([]Action, error) {
	var all []Action
	for part := range strings.SplitSeq(s, ",") {
		a, err := p.action(strings.Fields(part))
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	s0 := Stop{Actions: all}
	switch {
	case s0.Has(IRQ) && len(all) > 1:
		return nil, p.fail("nothing can be done in an irq, which is over at once")
	case (s0.Has(Resched) || s0.Has(Expire)) && len(all) > 1:
		return nil, p.fail("nothing can be done in a resched or expire, which come when they come")
	case s0.Has(Schedule) && (all[0].Kind != Schedule || s0.Has(Signal) || s0.Has(Look)):
		return nil, p.fail("schedule comes first, and after it migrate or write")
	}
	return all, nil
}

func (p *parser) action(words []string) (Action, error) {
	if len(words) == 0 {
		return Action{}, p.fail("an action is missing (%s)", strings.Join(actionNames[:], ", "))
	}
	kind := slices.Index(actionNames[:], words[0])
	if kind < 0 {
		return Action{}, p.fail("unknown action %q (%s)", words[0], strings.Join(actionNames[:], ", "))
	}
	a, args := Action{Kind: ActionKind(kind)}, words[1:]
	switch {
	case a.Kind == Signal && len(args) == 1:
		sig, ok := abi.ParseSignal(args[0])
		if !ok {
			return a, p.fail("unknown signal %q", args[0])
		}
		a.Signal = sig
		return a, nil
	case a.Kind == Write && len(args) == 2:
		var err error
		if a.Where, err = p.observation(args[0]); err != nil {
			return a, err
		}
		if !a.Where.inMemory() || a.Where.CPU {
			return a, p.fail("%v can't be written", a.Where)
		}
		if a.Value, err = parseValue(args[1]); err != nil {
			return a, p.fail("%v", err)
		}
		if _, err := valueOf(p.image, a.Value); err != nil {
			return a, p.fail("%v", err)
		}
		return a, nil
	case a.Kind == Look && len(args) > 0:
		for _, w := range args {
			o, err := p.observation(w)
			if err != nil {
				return a, err
			}
			a.Look = append(a.Look, o)
		}
		return a, nil
	case len(args) == 0 && a.Kind != Signal && a.Kind != Write && a.Kind != Look:
		return a, nil
	}
	return a, p.fail("%s: want signal SIGNAL, write FIELD VALUE, look OBSERVATION …, or one of preempt, migrate, irq, schedule, resched, expire without anything", words[0])
}

// errValue is what is wrong with a number in a write.
var errValue = errors.New("want a number or a name of the program")
