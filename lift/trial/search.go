package trial

import (
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Bounds of the search for inputs.
const (
	tries    = 4000    // assignments of values to the live-ins
	steps    = 2000    // instructions of one run
	allSteps = 1 << 20 // of all runs: sections take tens each, but for endless loops
	tryMore  = 200     // tries behind a commit that changed nothing, for one that does
)

// search looks for inputs with which a section commits.
type search struct {
	im     *ir.Image
	code   *vcpu.Code
	fresh  *vcpu.Memory // as the program begins
	begun  *vcpu.Memory // with what the objects hold
	mem    *vcpu.Memory
	ins    []ir.Reg
	start  ir.Addr
	end    ir.Addr
	random uint64
	buf    []vcpu.Access
	empty  bool // the section has reached its end without a store
	taken  int  // instructions of all runs so far
}

// found are inputs with which a section commits.
type found struct {
	ins     []ir.Reg
	values  []ir.Value
	pattern []ir.Value
	// commits are what the last store left, by the CPU that the section ran on;
	// what they were before is in before.
	commits []commit
}

// commit is what a section's last store did.
type commit struct {
	data          string
	index         int
	before, after uint64
	on1           bool // the other CPU's way
}

func newSearch(im *ir.Image, ins []ir.Reg) *search {
	s := &search{im: im, code: vcpu.Compile(im), fresh: vcpu.NewMemory(im, 2, 1), ins: ins, random: 0x9e3779b97f4a7c15}
	s.mem, s.begun = s.fresh.Clone(), s.fresh.Clone()
	cs := im.Sections[len(im.Sections)-1].CS
	s.start, s.end = ir.Addr(cs.StartIP), ir.Addr(cs.StartIP+cs.PostCommitOffset)
	return s
}

// next is a number from 0 to n-1 of a fixed sequence (xorshift).
func (s *search) next(n int) int {
	s.random ^= s.random << 13
	s.random ^= s.random >> 7
	s.random ^= s.random << 17
	return int(s.random >> 33 % uint64(n))
}

// patterns are what memory may hold: nothing; a list; numbers; lists in every
// word.
func patterns() [][]ir.Value {
	object := func(n int) ir.Value { return ir.Sym(cells).Plus(int64(n * objectWords * 8)) }
	list := make([]ir.Value, objects*objectWords)
	numbers := slices.Clone(list)
	deep := slices.Clone(list)
	for n := range objects - 1 {
		list[n*objectWords] = object(n + 1)
	}
	for i := range numbers {
		numbers[i] = ir.Num(int64(i%objectWords + 1))
		deep[i] = object((i/objectWords + 1) % objects).Plus(int64(i % objectWords * 8))
	}
	return [][]ir.Value{nil, list, numbers, deep}
}

// pool is what a live-in may be.
func pool(r ir.Reg, im *ir.Image) []ir.Value {
	values := []ir.Value{}
	for n := range objects {
		values = append(values, ir.Sym(cells).Plus(int64(n*objectWords*8)))
	}
	pointer, area := false, false
	for i := range im.Instrs {
		for _, op := range im.Instrs[i].Micro() {
			pointer = pointer || op.Mem.Base == r
			area = area || op.Mem.Base == ir.TP && op.Mem.Index == r
		}
	}
	switch {
	case area:
		return nil // set by distance
	case pointer:
		return append(values, lift.Area)
	}
	return append(values, ir.Num(0), ir.Num(0), ir.Num(1), ir.Num(2), ir.Num(8))
}

// find tries inputs until the section commits.
func (s *search) find() (*found, bool) {
	var pools [][]ir.Value
	for _, r := range s.ins {
		pools = append(pools, pool(r, s.im))
	}
	all := patterns()
	for try, left := 0, tries; left > 0 && s.taken < allSteps; try, left = try+1, left-1 {
		f := &found{ins: s.ins, pattern: all[try%len(all)]}
		for i := range s.ins {
			v := ir.Num(-s.distance())
			if n := len(pools[i]); n > 0 {
				v = pools[i][s.next(n)]
			}
			f.values = append(f.values, v)
		}
		c, ok := s.try(f, 0)
		if !ok {
			continue
		}
		f.commits = []commit{c}
		if c1, ok := s.try(f, 1); ok && (c1.data != c.data || c1.index != c.index || c1.after != c.after) {
			c1.on1 = true
			f.commits = append(f.commits, c1)
		}
		if c.before != c.after {
			return f, true
		}
		left = min(left, tryMore) // what it stores was there before
	}
	return nil, false
}

// distance is how far above struct rseq the platform's thread pointer is, as the
// lifted code has it: the displacement of an access with a register that makes it
// one to cpu_id.
func (s *search) distance() int64 {
	for i := range s.im.Instrs {
		for _, op := range s.im.Instrs[i].Micro() {
			if op.Mem.Base == ir.TP && op.Mem.Index != ir.None && op.Loads() {
				return op.Mem.Disp - abi.OffCPUID
			}
		}
	}
	return 0
}

// number is a value as the machine has it.
func (s *search) number(v ir.Value) uint64 {
	switch v.Sym {
	case "":
		return uint64(v.Off)
	case lift.Area.Sym:
		return uint64(s.im.TP(0))
	}
	return uint64(s.im.Symbols[v.Sym]) + uint64(v.Off)
}

// try runs the section on a CPU, and returns its commit if it has one.
func (s *search) try(f *found, cpu int) (commit, bool) {
	copy(s.mem.Mutable(), s.fresh.Mutable())
	area := s.im.TP(0)
	for _, off := range []int64{abi.OffCPUIDStart, abi.OffCPUID} {
		s.mem.Store(cpu, area+ir.Addr(off), 4, uint64(cpu))
	}
	at := s.im.Symbols[cells]
	for i, v := range f.pattern {
		s.mem.Store(cpu, at+ir.Addr(i*8), 8, s.number(v))
	}
	copy(s.begun.Mutable(), s.mem.Mutable())
	r := vcpu.Regs{IP: s.start}
	r.R[ir.TP], r.R[ir.SP], r.R[ir.LR] = uint64(area), uint64(s.im.StackTop(0)-lift.AloneFrame), uint64(ir.ReturnIP)
	for i, reg := range f.ins {
		r.R[reg] = s.number(f.values[i])
	}
	return s.run(&r, cpu)
}

// run runs from the section's start to the operation's return.
func (s *search) run(r *vcpu.Regs, cpu int) (c commit, ok bool) {
	stored := false
	for range steps {
		s.taken++
		if r.IP == ir.ReturnIP {
			s.empty = s.empty || !stored && r.R[ir.R0] == 0
			return c, ok && stored && r.R[ir.R0] == 0
		}
		if r.IP >= s.start && r.IP < s.end {
			var trap vcpu.Trap
			if s.buf, trap = s.code.Peek(s.mem, cpu, r, s.buf[:0]); trap.Kind != vcpu.TrapNone {
				return c, false
			}
			for _, a := range s.buf {
				if a.Store {
					c, ok = s.cell(a)
					stored = true
				}
			}
		}
		if trap := s.code.Step(s.mem, cpu, r); trap.Kind != vcpu.TrapNone {
			return c, false
		}
		if stored && ok {
			c.after, _ = s.mem.Load(s.place(c))
		}
	}
	return c, false
}

// place returns where a commit's element is.
func (s *search) place(c commit) (ir.Addr, ir.Width) {
	d := s.data(c.data)
	return s.im.Symbols[c.data] + ir.Addr(c.index*d.Width.Bytes()), d.Width
}

func (s *search) data(name string) *ir.Data {
	for i := range s.im.Prog.Data {
		if s.im.Prog.Data[i].Name == name {
			return &s.im.Prog.Data[i]
		}
	}
	return nil
}

// cell finds the element of data that a store is to.
func (s *search) cell(a vcpu.Access) (c commit, ok bool) {
	for i := range s.im.Prog.Data {
		d := &s.im.Prog.Data[i]
		off := int64(a.Addr) - int64(s.im.Symbols[d.Name])
		if d.Kind == ir.Global && off >= 0 && off < int64(d.Count*d.Width.Bytes()) {
			c = commit{data: d.Name, index: int(off) / d.Width.Bytes()}
			c.before, _ = s.begun.Load(s.place(c))
			return c, true
		}
	}
	return c, false
}

// inputs returns the values for the program.
func (f *found) inputs() map[ir.Reg]ir.Value {
	m := map[ir.Reg]ir.Value{}
	for i, r := range f.ins {
		m[r] = f.values[i]
	}
	return m
}

// memory returns what the objects hold.
func (f *found) memory() []ir.Value {
	n := len(f.pattern)
	for n > 0 && f.pattern[n-1] == (ir.Value{}) {
		n--
	}
	return f.pattern[:n]
}

// holds is the condition: left at the end with the commit, or elsewhere without.
func (f *found) holds(im *ir.Image) ir.Expr {
	num := func(n uint64) ir.Expr { return ir.Expr{Op: ir.ExprNum, Num: int64(n)} }
	bin := func(op ir.ExprOp, a, b ir.Expr) ir.Expr { return ir.Expr{Op: op, Args: []ir.Expr{a, b}} }
	is := func(c commit, v uint64) ir.Expr {
		element := ir.Expr{Op: ir.ExprIndex, Sym: c.data, Args: []ir.Expr{num(uint64(c.index))}}
		return bin(ir.ExprEq, element, address(im, v))
	}
	elsewhere := ir.Expr{Op: ir.ExprGot, Sym: lift.AloneFunc}
	var all ir.Expr
	without := elsewhere
	for i, c := range f.commits {
		committed := bin(ir.ExprAnd, bin(ir.ExprEq, elsewhere, num(0)), is(c, c.after))
		if i == 0 {
			all = committed
		} else {
			all = bin(ir.ExprOr, all, committed)
		}
		without = bin(ir.ExprAnd, without, is(c, c.before))
	}
	return bin(ir.ExprOr, all, without)
}

// address writes a number that is an address of the objects as one.
func address(im *ir.Image, v uint64) ir.Expr {
	num := func(n int64) ir.Expr { return ir.Expr{Op: ir.ExprNum, Num: n} }
	base := uint64(im.Symbols[cells])
	if v < base || v >= base+objects*objectWords*8 {
		return num(int64(v))
	}
	addr := ir.Expr{Op: ir.ExprAddr, Sym: cells}
	if v == base {
		return addr
	}
	return ir.Expr{Op: ir.ExprAdd, Args: []ir.Expr{addr, num(int64(v - base))}}
}
