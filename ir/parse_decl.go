package ir

import (
	"math/bits"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
)

// constant reads: NEXT = 8
func (p *parser) constant(n Notes) {
	c := Const{Notes: n, Name: p.name("a name")}
	p.need("=")
	c.Value = p.number("a number")
	p.prog.Consts = append(p.prog.Consts, c)
}

// data reads: node: u64[4] @ -4 = 0, 10
func (p *parser) data(kind DataKind, n Notes) {
	d := Data{Kind: kind, Notes: n, Count: 1, Name: p.name("a name")}
	p.need(":")
	d.Width = p.dataType()
	if p.accept("[") {
		d.Count = p.count("a number of elements", 1, MaxArea)
		p.need("]")
	}
	if col := p.tok.col; p.accept("@") {
		if kind != PerThread {
			p.fail(col, "only tls data has a place")
		}
		d.At, d.HasAt = p.number("a distance from tp"), true
	}
	if p.accept("=") {
		for {
			if len(d.Init) == d.Count {
				p.fail(p.tok.col, "more values than the %d of %q", d.Count, d.Name)
				return
			}
			d.Init = append(d.Init, p.value("a value"))
			if !p.accept(",") {
				break
			}
		}
	}
	p.prog.Data = append(p.prog.Data, d)
}

var typeNames = []string{"u8", "u16", "u32", "u64"}

// dataType reads the type of an element.
func (p *parser) dataType() Width {
	t := p.tok
	i := slices.Index(typeNames, t.text)
	if t.kind != tokWord {
		p.expected("a type (u8, u16, u32, u64)")
		return 0
	}
	if i < 0 {
		p.fail(t.col, "unknown type %s (u8, u16, u32, u64)", quote(t.text))
		return 0
	}
	p.next()
	return Width(1) << i
}

// handler reads: SIGUSR1: on_usr1
func (p *parser) handler(n Notes) {
	t := p.tok
	if t.kind != tokWord && t.kind != tokNumber {
		p.expected("a signal")
		return
	}
	sig, ok := abi.ParseSignal(t.text)
	if !ok {
		p.fail(t.col, "unknown signal %s%s", quote(t.text), didYouMean(t.text, signalNames()))
		return
	}
	p.next()
	p.need(":")
	p.prog.Handlers = append(p.prog.Handlers, Handler{Signal: sig, Func: p.name("a function"), Notes: n})
}

func signalNames() []string {
	var names []string
	for s := abi.Signal(1); s <= abi.SIGSYS; s++ {
		names = append(names, s.String())
	}
	return names
}

// thread reads: on 0-1,3: push node, 1; pop
func (p *parser) thread(n Notes) {
	t := Thread{Notes: n}
	if p.tok.kind == tokWord && p.tok.text == "on" {
		p.next()
		t.CPUs = p.cpuMask()
	}
	p.need(":")
	for p.err == nil && (len(t.Calls) == 0 && p.tok.kind != tokEnd || len(t.Calls) > 0 && p.accept(";")) {
		c := OpCall{Pos: p.pos()}
		c.Func = p.name("a function")
		for p.err == nil && (len(c.Args) == 0 && p.tok.kind != tokEnd && !p.tok.is(";") || len(c.Args) > 0 && p.accept(",")) {
			if len(c.Args) == MaxArgs {
				p.fail(p.tok.col, "a function has at most %d arguments", MaxArgs)
			}
			c.Args = append(c.Args, p.value("an argument"))
		}
		t.Calls = append(t.Calls, c)
	}
	p.prog.Threads = append(p.prog.Threads, t)
}

// cpuMask reads a list of CPUs: 0-1,3
func (p *parser) cpuMask() (mask uint64) {
	for {
		first := p.count("a CPU", 0, MaxCPUs-1)
		last := first
		if p.accept("-") {
			last = p.count("a CPU", first, MaxCPUs-1)
		}
		if p.err != nil {
			return 0
		}
		mask |= (1<<(last-first+1) - 1) << first
		if !p.accept(",") {
			return mask
		}
	}
}

// appendCPUMask is the inverse of cpuMask.
func appendCPUMask(b []byte, mask uint64) []byte {
	for sep := ""; mask != 0; sep = "," {
		first := bits.TrailingZeros64(mask)
		run := bits.TrailingZeros64(^(mask >> first))
		b = appendUint(append(b, sep...), uint64(first))
		if run > 1 {
			b = appendUint(append(b, '-'), uint64(first+run-1))
		}
		mask &^= (1<<run - 1) << first
	}
	return b
}

// spec reads: stack(push, pop), or stack(push, pop) sequential
func (p *parser) spec(n Notes) {
	s := Spec{Notes: n, Name: p.name("a specification")}
	p.need("(")
	s.Funcs = p.names("a function")
	for _, c := range [...]Consistency{Sequential, Quiescent} {
		if p.word(c.String()) {
			s.Order = c
			break
		}
	}
	p.prog.Specs = append(p.prog.Specs, s)
}

// word takes a word if it is there.
func (p *parser) word(text string) bool {
	if p.tok.kind != tokWord || p.tok.text != text {
		return false
	}
	p.next()
	return true
}

// noRace reads: head, node
func (p *parser) noRace(n Notes) {
	r := NoRace{Notes: n, Data: []string{p.name("data")}}
	for p.accept(",") {
		r.Data = append(r.Data, p.name("data"))
	}
	p.prog.NoRaces = append(p.prog.NoRaces, r)
}

// blocks reads: 16 alloc(pop) free(push) retire(swap)
func (p *parser) blocks(n Notes) {
	b := Blocks{Notes: n, Size: p.count("a number of bytes", 1, MaxArea)}
	for p.err == nil && p.tok.kind != tokEnd {
		what := p.tok
		funcs := b.role(what.text)
		switch {
		case what.kind != tokWord || funcs == nil:
			p.expected("alloc, free or retire")
			return
		case *funcs != nil:
			p.fail(what.col, "%s is given twice", what.text)
			return
		}
		p.next()
		p.need("(")
		if *funcs = p.names("a function"); len(*funcs) == 0 {
			p.fail(what.col, "%s needs a function", what.text)
			return
		}
	}
	if p.err == nil && b.Free == nil && b.Retire == nil {
		p.expected("free or retire: nothing frees a block")
	}
	p.prog.Blocks = append(p.prog.Blocks, b)
}

var blockRoles = [...]string{"alloc", "free", "retire"}

// role is the list of the functions of one of the roles, or nil.
func (b *Blocks) role(name string) *[]string {
	switch name {
	case "alloc":
		return &b.Alloc
	case "free":
		return &b.Free
	case "retire":
		return &b.Retire
	}
	return nil
}

// names reads the rest of a list of names in parentheses.
func (p *parser) names(what string) (names []string) {
	for p.err == nil && !p.accept(")") {
		if len(names) > 0 {
			p.need(",")
		}
		names = append(names, p.name(what))
	}
	return names
}

// check reads the condition behind always or final.
func (p *parser) check(when CheckWhen, n Notes) {
	p.prog.Checks = append(p.prog.Checks, Check{When: when, Cond: p.expr(), Notes: n})
}

// directive reads a line of the setup. Its word is the current token.
func (p *parser) directive(n Notes) {
	s := &p.prog.Setup
	word := p.tok
	d := Directive(slices.Index(directiveNames[:], word.text))
	if s.Places[d] != (Pos{}) {
		p.fail(word.col, "%v is given twice, first in line %d", d, s.Places[d].Line)
		return
	}
	s.Places[d] = n.Pos
	if n.Gap || n.Lead != nil || n.Trail != "" {
		s.Notes = append(s.Notes, SetupNote{Directive: word.text, Notes: n})
	}
	if d == KernelsDirective {
		// Patterns are words of the emulator, and no tokens of this language.
		if s.Kernels = p.rest(); len(s.Kernels) == 0 {
			p.expected("kernel patterns, such as 6.3..")
		}
		return
	}
	p.next()
	switch d {
	case ArchDirective:
		a, err := abi.ParseArch(p.tok.text)
		if err != nil {
			p.expected("an architecture, such as arm64")
			return
		}
		s.Arch = a
		p.next()
	case CPUsDirective:
		s.CPUs = p.count("a number of CPUs", 1, MaxCPUs)
	case NodesDirective:
		s.Nodes = p.count("a number of nodes", 1, MaxCPUs)
	case StackDirective:
		s.StackSize = p.count("a number of bytes", 1, MaxArea)
	case RegisterDirective:
		i := slices.Index(registerNames[:], p.tok.text)
		if i < 0 {
			p.expected("full, legacy or none")
			return
		}
		s.Register = Registration(i)
		p.next()
	case BudgetDirective:
		p.budget(&s.Budget)
	}
}

// maxEvents bounds a budget; there are about ten kinds of event.
const maxEvents = 64

// budget reads: preempt=2 signal=0
func (p *parser) budget(b *Budget) {
	for {
		col := p.tok.col
		it := BudgetItem{Event: p.name("an event, such as preempt=2")}
		if slices.ContainsFunc(*b, func(o BudgetItem) bool { return o.Event == it.Event }) {
			p.fail(col, "%q has two bounds", it.Event)
		}
		if len(*b) == maxEvents {
			p.fail(col, "a budget has at most %d bounds", maxEvents)
		}
		p.need("=")
		it.Max = p.count("a bound", 0, 1<<31-1)
		*b = append(*b, it)
		if p.err != nil || p.tok.kind == tokEnd {
			return
		}
	}
}
