package vet

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// Finding is one thing that looks wrong.
type Finding struct {
	// Check is the ID of the check, one of [Checks].
	Check string
	// Pos is the line that it is about: an instruction, or the declaration of
	// a section. The zero Pos is a program built from Go.
	Pos ir.Pos
	// Func is the function, and Section the critical section; Section is empty
	// if it is about code outside of any.
	Func, Section string
	// Addr is the address of the instruction or of the descriptor.
	Addr ir.Addr
	// Msg says in a sentence what is wrong and which rule makes it so.
	Msg string
}

// String returns a line such as
//
//	14:5: no-commit-store: push_cs has no store before post_commit_ip, …
//
// without the position if there is none.
func (f Finding) String() string {
	s := f.Check + ": " + f.Msg
	if f.Pos == (ir.Pos{}) {
		return s
	}
	return fmt.Sprintf("%d:%d: %s", f.Pos.Line, f.Pos.Col, s)
}

// Program returns what looks wrong in a linked program, in the order of
// addresses, and of checks at one address. It is nil if nothing does.
//
// The image decides everything: one that was made from compiled code is as
// good as one that was made from text. Program changes nothing, and two calls
// return the same.
func Program(im *ir.Image) []Finding {
	return newPass(im, maxVisits*(len(im.Instrs)+16)).run()
}

// maxVisits bounds how often an instruction is looked at on the average until
// the analysis gives up. What it then knows is nothing, which is never wrong.
const maxVisits = 64

// maxWalk bounds the instructions that a check follows from one place, so that
// many such places in a long program take a bounded time. What is further away
// is taken for undecidable.
const maxWalk = 1000

// run runs the checks.
func (p *pass) run() []Finding {
	for i := range checks {
		p.check = checks[i].ID
		checks[i].run(p)
	}
	slices.SortStableFunc(p.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.Check, b.Check))
	})
	return slices.Compact(p.findings)
}

// pass is what the checks work on: the image, what was found out about it
// before they run, and what they find.
type pass struct {
	im       *ir.Image
	graph    *graph
	flow     *flow
	all      []*section // of the image, in its order
	sections []*section // those whose code can be looked into, by address

	check    string // the one that runs
	findings []Finding
}

func newPass(im *ir.Image, budget int) *pass {
	p := &pass{im: im, all: placeSections(im)}
	p.graph = newGraph(im)
	p.sections = p.graph.adopt(p.all)
	p.flow = newFlow(p.graph, p.all, budget)
	return p
}

// at reports something about instruction i, and the section if it isn't nil.
func (p *pass) at(i int, s *section, format string, args ...any) {
	f := Finding{Check: p.check, Pos: p.im.Origin[i], Func: p.funcAt(p.im.Addrs[i]), Addr: p.im.Addrs[i], Msg: fmt.Sprintf(format, args...)}
	if s != nil {
		f.Section = s.Name
	}
	p.findings = append(p.findings, f)
}

// on reports something about a descriptor.
func (p *pass) on(s *section, format string, args ...any) {
	p.findings = append(p.findings, Finding{
		Check: p.check, Pos: s.pos, Func: s.Func, Section: s.Name, Addr: s.Addr, Msg: fmt.Sprintf(format, args...),
	})
}

// funcAt returns the name of the function that holds the address.
func (p *pass) funcAt(ip ir.Addr) string {
	i, ok := slices.BinarySearchFunc(p.im.Funcs, ip, func(f ir.PlacedFunc, ip ir.Addr) int { return cmp.Compare(f.Entry, ip) })
	if !ok {
		i--
	}
	// Functions without code share their entry with the one behind them.
	for ; i >= 0 && i < len(p.im.Funcs) && p.im.Funcs[i].Entry <= ip; i++ {
		if ip < p.im.Funcs[i].End {
			return p.im.Funcs[i].Name
		}
	}
	return ""
}

// where names the place of instruction i for a message.
func (p *pass) where(i int) string { return p.im.Where(p.im.Addrs[i]) }
