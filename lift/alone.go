package lift

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// AloneFunc is the name of the operation that [Alone] makes of a section, and
// Committed what it returns when the section was left at its end. Other exits, a
// return of the function among them, return 1 and up, by address; going back to
// try again returns nothing.
const (
	AloneFunc = "section"
	Committed = 0
)

// Area as an input of [Alone] is the address of the thread's struct rseq.
var Area = ir.Value{Sym: "tp"}

// AloneFrame is how far from the stack's top the stack pointer of a section alone
// is, in bytes: the function that it was cut out of has a frame.
const AloneFrame = 256

// maxHandler bounds the instructions of an abort handler that belong to the
// section: it restores registers and jumps. retrySpan is how far before the
// start a handler that jumps back to try again arrives, in bytes: it runs the
// preamble again.
const (
	maxHandler = 16
	retrySpan  = 96
)

// Exit is a way out of a section that runs alone.
type Exit struct {
	Addr   ir.Addr
	Result int // what the operation returns there
}

// Alone returns a program with one critical section of a file as an operation,
// cut out of the function that holds it: the section's code, its abort handler,
// and a return at each exit. The operation sets the registers of inputs, in the
// order of their numbers, arms the section, and enters it. base is the program
// around it, and has a stack for threads of at least 2*AloneFrame bytes.
func Alone(o *elf.Object, section int, inputs map[ir.Reg]ir.Value, base *ir.Program) (*ir.Program, []Exit, error) {
	b, err := newBuilder(base, o)
	if err != nil {
		return nil, nil, err
	}
	d := o.CS[section]
	c := newCollector(o, b.arch, ir.Addr(d.CS.StartIP))
	c.alone = &d
	u, err := c.collect(AloneFunc)
	if err != nil {
		return nil, nil, err
	}
	u.CS = []elf.Descriptor{d}
	b.used[AloneFunc] = true
	b.units = []unit{{u, true}}
	end := ir.Addr(d.CS.StartIP + d.CS.PostCommitOffset)
	if !c.exits[end] {
		return nil, nil, codeError(o, end, errNoEnd)
	}
	exits := exitsOf(keys(c.exits), end)
	if err := b.bringData(); err != nil {
		return nil, nil, err
	}
	if err := b.alone(b.units[0], exits, inputs); err != nil {
		return nil, nil, err
	}
	if err := b.finish(); err != nil {
		return nil, nil, err
	}
	return b.out, exits, nil
}

var errNoEnd = errors.New("control never reaches the section's end")

// exitsOf numbers exits: the end of the section is [Committed].
func exitsOf(addrs []ir.Addr, end ir.Addr) []Exit {
	exits := []Exit{{end, Committed}}
	for _, a := range addrs {
		if a != end {
			exits = append(exits, Exit{a, len(exits)})
		}
	}
	return exits
}

// edge decides for a section alone whether control that goes from an instruction
// to an address is followed. What isn't leaves the section, but for where an abort
// handler goes shortly before the start: there it is tried again.
func (c *collector) edge(from isa.Instr, to ir.Addr) bool {
	cs := &c.alone.CS
	inside := func(a ir.Addr) bool { return uint64(a)-cs.StartIP < cs.PostCommitOffset }
	switch {
	case inside(to), to == ir.Addr(cs.AbortIP):
		return true
	case !inside(from.Addr) && to == from.Next() && c.handler < maxHandler:
		c.handler++
		return true
	case !inside(from.Addr) && to < ir.Addr(cs.StartIP) && to+retrySpan >= ir.Addr(cs.StartIP):
		return false
	}
	c.exits[to] = true
	return false
}

// alone writes the operation: the inputs, the arming, the section, its handler,
// and a return for each exit.
func (b *builder) alone(u unit, exits []Exit, inputs map[ir.Reg]ir.Value) error {
	l, err := b.layout(u.codeUnit)
	if err != nil {
		return err
	}
	for _, e := range exits {
		l.labels[e.Addr] = "committed"
		if e.Result != Committed {
			l.labels[e.Addr] = fmt.Sprintf("exit%d", e.Result)
		}
	}
	// Where a handler goes to try again isn't code of the section.
	for a := range l.labels {
		if _, ok := u.At(a); !ok && !slices.ContainsFunc(exits, func(e Exit) bool { return e.Addr == a }) {
			l.labels[a] = "again"
		}
	}
	name := b.sectionName(u.codeUnit, 0)
	f := ir.NewFunc(AloneFunc)
	f.Sections = append(f.Sections, l.section(name, u.codeUnit, 0))
	for r := range ir.Reg(ir.NumRegs) {
		switch v, ok := inputs[r]; {
		case ok && v == Area:
			f.Do(ir.Lea(r, ir.Off(ir.TP, 0)))
		case ok:
			f.Do(ir.MovVal(r, v))
		}
	}
	f.Do(ir.Sub.Imm(ir.SP, ir.SP, AloneFrame))
	f.Label("again").Do(ir.StoreVal(ir.W8, ir.At(ir.TP, "rseq_cs"), ir.Sym(name)))
	var written []ir.Addr
	leave := func(e Exit) {
		written = append(written, e.Addr)
		b.label(f, &l, e.Addr)
		f.Bundle(ir.MovImm(ir.R0, int64(e.Result)), ir.MovImm(ir.R1, 0), ir.Return())
	}
	for _, r := range u.runs() {
		if err := b.run(f, u, &l, r); err != nil {
			return err
		}
		if n := len(f.Body); f.Body[n-1].Kind == ir.Label {
			f.Body = f.Body[:n-1] // run has set it, for what isn't cut out
		}
		on := falls(r[len(r)-1])
		i := slices.IndexFunc(exits, func(e Exit) bool { return e.Addr == r.end() })
		switch {
		case i >= 0 && (on || exits[i].Result == Committed) && !slices.Contains(written, r.end()):
			leave(exits[i])
		case on && l.labels[r.end()] != "":
			f.Do(ir.Jump(l.labels[r.end()]))
		}
	}
	for _, e := range exits {
		if !slices.Contains(written, e.Addr) {
			if e.Result == Committed {
				// Its end has to be right behind the section.
				return codeError(b.o, e.Addr, errors.New("code that control doesn't reach ends the section"))
			}
			leave(e)
		}
	}
	b.area(f)
	b.out.Funcs = append(b.out.Funcs, *f)
	return nil
}
