package lift

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// MaxInstrs bounds the code of one function, and that of all functions that a
// program gets: a critical section and what is around it has tens, and a function
// that reaches this is not one of those.
const MaxInstrs = ir.MaxLines

// codeUnit is a function of a file with all the code that can run in it: what is
// reached from its entry by branches and jumps, and from the abort handler of
// each critical section that begins in it. A function that it calls is a unit
// of its own.
type codeUnit struct {
	Name   string
	Entry  ir.Addr
	Instrs []isa.Instr      // by address; they don't overlap
	CS     []elf.Descriptor // whose section begins at one of them, by address of the descriptor
	Calls  []ir.Addr        // entries of the functions it calls, by address
	// Ends are the calls that are taken not to return, since no code of this
	// function follows: their next addresses, sorted.
	Ends []ir.Addr

	at map[ir.Addr]int // address → index into Instrs
}

// At returns the instruction at an address.
func (u *codeUnit) At(a ir.Addr) (isa.Instr, bool) {
	i, ok := u.at[a]
	if !ok {
		return isa.Instr{}, false
	}
	return u.Instrs[i], true
}

// CodeError is code that can't be lifted: where, and why.
type CodeError struct {
	At   string // "percpu.o:.text+0x41"
	Line string // "percpu.c:14", or nothing
	Err  error
}

func (e *CodeError) Error() string {
	s := e.At
	if e.Line != "" {
		s += " (" + e.Line + ")"
	}
	return s + ": " + e.Err.Error()
}

func (e *CodeError) Unwrap() error { return e.Err }

// codeError returns a *CodeError about an address.
func codeError(o *elf.Object, a ir.Addr, err error) error {
	e := &CodeError{At: o.Where(a), Err: err}
	if file, line, ok := o.Line(a); ok {
		e.Line = fmt.Sprintf("%s:%d", file, line)
	}
	return e
}

// collector finds the code of one unit.
type collector struct {
	o     *elf.Object
	arch  *arch
	entry ir.Addr
	todo  []ir.Addr
	got   map[ir.Addr]isa.Instr
	// jumpedTo are the targets of branches and jumps found so far.
	jumpedTo map[ir.Addr]bool
	pairs    []ir.Addr // jumps that were resolved by the instruction before
	calls    map[ir.Addr]bool
	ends     map[ir.Addr]bool
	cs       map[int]bool // index into the object's descriptors

	// alone is the section that is cut out, if one is: exits are where control
	// leaves it, and handler counts the instructions of its abort handler.
	alone   *elf.Descriptor
	exits   map[ir.Addr]bool
	handler int
}

func newCollector(o *elf.Object, a *arch, entry ir.Addr) *collector {
	set := func() map[ir.Addr]bool { return map[ir.Addr]bool{} }
	return &collector{o: o, arch: a, entry: entry, got: map[ir.Addr]isa.Instr{}, jumpedTo: set(), calls: set(), ends: set(), cs: map[int]bool{}, exits: set()}
}

// collect returns the unit that is entered at the entry. The error is a
// [*CodeError] at the first instruction, by the order in which they are reached,
// that can't be decoded or that jumps nobody can tell where.
func (c *collector) collect(name string) (*codeUnit, error) {
	c.todo = append(c.todo, c.entry)
	for len(c.todo) > 0 {
		at := c.todo[0]
		c.todo = c.todo[1:]
		if err := c.visit(at); err != nil {
			return nil, codeError(c.o, at, err)
		}
	}
	return c.unit(name)
}

// follow has code visited that control goes on to.
func (c *collector) follow(in isa.Instr, to ...ir.Addr) {
	for _, a := range to {
		if c.jumpedTo[a] = c.jumpedTo[a] || a != in.Next(); c.alone == nil || c.edge(in, a) {
			c.todo = append(c.todo, a)
		}
	}
}

// visit decodes the instruction at an address and notes where control goes on.
func (c *collector) visit(at ir.Addr) error {
	if _, ok := c.got[at]; ok {
		return nil
	}
	if len(c.got) == MaxInstrs {
		return fmt.Errorf("more than %d instructions are reached from here", MaxInstrs)
	}
	if s := c.o.SectionAt(at); s != nil && s.External {
		return errors.New("it is not in this file, and is jumped to")
	}
	code, ok := c.o.Code(at)
	if !ok {
		return errors.New("there is no code here, but it is reached")
	}
	in, err := c.arch.decode(code, at)
	if err != nil {
		return err
	}
	if c.alone != nil && in.Flow == isa.Returns {
		// What it returns is the function's: it could pass for Committed.
		if at == c.entry {
			return errNoEnd
		}
		c.exits[at] = true
		return nil
	}
	if in.Flow == isa.JumpsReg || in.Flow == isa.CallsReg {
		in = c.direct(in)
	}
	if in, err = c.globals(in); err != nil {
		return fmt.Errorf("%s: %w", in.Text, err)
	}
	c.got[at] = in
	// What a section's end or beginning is among the code reached brings its
	// abort handler: only the kernel goes there.
	for i, d := range c.o.CS {
		if c.alone != nil && *c.alone != d {
			continue
		}
		if uint64(at)-d.CS.StartIP < d.CS.PostCommitOffset && !c.cs[i] {
			c.cs[i] = true
			c.todo = append(c.todo, ir.Addr(d.CS.AbortIP))
		}
	}
	switch in.Flow {
	case isa.Falls:
		c.follow(in, in.Next())
	case isa.Branches:
		c.follow(in, in.Target, in.Next())
	case isa.Jumps:
		c.follow(in, in.Target)
	case isa.Calls:
		if c.alone != nil {
			return fmt.Errorf("%s: a critical section that calls isn't run alone", in.Text)
		}
		c.calls[in.Target] = true
		if c.endsHere(in.Next()) {
			c.ends[in.Next()] = true
		} else {
			c.follow(in, in.Next())
		}
	case isa.JumpsReg, isa.CallsReg:
		return fmt.Errorf("%s goes where no one can tell from the code", in.Text)
	case isa.Syscalls:
		if !c.arch.syscalls {
			return fmt.Errorf("%s: a system call isn't lifted on %v", in.Text, c.o.Arch)
		}
		c.follow(in, in.Next())
	}
	return nil
}

// endsHere reports whether code behind a call can't be part of this function,
// so that the call doesn't return: another function begins there, or nothing.
func (c *collector) endsHere(next ir.Addr) bool {
	if _, ok := c.o.Code(next); !ok {
		return true
	}
	sym, ok := c.o.SymbolAt(next)
	return ok && sym.Func && next != c.entry
}

// unit sorts what was collected.
func (c *collector) unit(name string) (*codeUnit, error) {
	u := &codeUnit{Name: name, Entry: c.entry, at: make(map[ir.Addr]int, len(c.got))}
	for _, in := range c.got {
		u.Instrs = append(u.Instrs, in)
	}
	slices.SortFunc(u.Instrs, func(a, b isa.Instr) int { return cmp.Compare(a.Addr, b.Addr) })
	for i, in := range u.Instrs {
		if u.at[in.Addr] = i; i > 0 && u.Instrs[i-1].Next() > in.Addr {
			return nil, codeError(c.o, in.Addr, errors.New("it begins in the middle of another instruction that is reached"))
		}
	}
	for i, d := range c.o.CS {
		if _, ok := c.got[ir.Addr(d.CS.StartIP)]; ok && c.cs[i] {
			u.CS = append(u.CS, d)
		}
	}
	for _, a := range c.pairs {
		if c.jumpedTo[a] {
			return nil, codeError(c.o, a, errors.New("it is jumped to, and jumps where only the instruction before it says"))
		}
	}
	u.Calls, u.Ends = keys(c.calls), keys(c.ends)
	if at, err := u.checkFlags(); err != nil {
		return nil, codeError(c.o, at, err)
	}
	return u, nil
}

func keys(m map[ir.Addr]bool) []ir.Addr {
	return slices.Sorted(maps.Keys(m))
}
