package symmetry

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
)

// Facts are the symmetries of a program.
type Facts struct {
	// Classes are the threads that can change places. CPUs says that CPUs can.
	Classes []Class
	CPUs    bool
	// Why says, if there is no symmetry, what is in its way.
	Why string
	// ObjectSize is the size of every object in bytes.
	ObjectSize int64

	im      *ir.Image
	live    *live.Facts
	args    map[argument]bool // are objects
	objects []ir.Addr         // all, sorted
	owners  map[ir.Addr]int   // the thread whose script names an object
	regs    [][ir.NumRegs + 1]Kind
	seen    []bool
	cells   map[cell]Kind
	results map[string][2]Kind // by function
	changed bool
	why     *problem // no symmetry at all
	whyCPUs *problem // none of CPUs
}

type argument struct {
	fn string
	n  int
}

// cell is a word of memory, or of every CPU's per-CPU data, or of every object.
type cell struct {
	in  Is // Fixed: global data, PerCPU, Object
	off int64
}

// Of finds the symmetries of a program, whose live registers are known.
func Of(im *ir.Image, l *live.Facts) *Facts {
	f := &Facts{im: im, live: l, args: map[argument]bool{}, owners: map[ir.Addr]int{}, cells: map[cell]Kind{}, results: map[string][2]Kind{},
		regs: make([][ir.NumRegs + 1]Kind, len(im.Instrs)), seen: make([]bool, len(im.Instrs))}
	f.classes()
	f.CPUs = true
	if l.Read&(live.NodeID|live.MMCID) != 0 {
		f.refuseCPUs(0, "the program reads node_id or mm_cid")
	}
	for _, t := range im.Prog.Threads {
		if t.CPUs != 0 {
			f.refuseCPUs(0, "a thread is bound to CPUs by number")
		}
	}
	for _, c := range l.Calls {
		if c != abi.SysSchedYield {
			f.refuse(0, "the program makes system calls")
		}
	}
	f.initial()
	for f.changed = true; f.changed && f.why == nil; {
		f.changed = false
		for t := range im.Prog.Threads {
			for _, c := range im.Prog.Threads[t].Calls {
				f.enter(t, c)
			}
		}
		for i := range im.Instrs {
			if f.seen[i] {
				f.instruction(i)
			}
		}
	}
	f.settle()
	return f
}

// settle says what came of it.
func (f *Facts) settle() {
	for i := range f.im.Instrs {
		for r := range ir.TP {
			if f.seen[i] && f.live.At(f.im.Addrs[i])>>r&1 != 0 && f.regs[i][r].Is == Mixed {
				f.refuse(f.im.Addrs[i], "%s can be %s", r, mixed)
			}
		}
	}
	switch {
	case f.why != nil:
		f.Classes, f.CPUs, f.Why = nil, false, f.why.describe(f.im)
	case f.whyCPUs != nil:
		f.CPUs, f.Why = false, "CPUs: "+f.whyCPUs.describe(f.im)
	}
}

// enter joins what a thread's call passes: of objects only its own, from their
// beginnings.
func (f *Facts) enter(t int, c ir.OpCall) {
	fn, _ := f.im.Func(c.Func)
	i := f.im.Index(fn.Entry)
	if i < 0 {
		f.refuse(fn.Entry, "no instruction")
		return
	}
	var regs [ir.NumRegs + 1]Kind
	regs[ir.LR], regs[ir.SP] = fixed, fixed
	for n, a := range c.Args {
		v := f.address(a)
		switch {
		case f.args[argument{c.Func, n}]:
			if owner, ok := f.owners[v]; !ok {
				f.refuse(fn.Entry, "an argument is an object for some threads only")
			} else if owner != t {
				f.refuse(fn.Entry, "another thread's object is an argument")
			}
			regs[n] = Kind{Is: Object}
		case f.moves(int64(v)):
			f.refuse(fn.Entry, "an argument is an address of an object, a thread or a CPU")
		default:
			regs[n] = number(int64(v))
		}
	}
	f.flow(i, &regs)
}

// flow joins the kinds of registers before an instruction with more.
func (f *Facts) flow(i int, regs *[ir.NumRegs + 1]Kind) {
	if i < 0 {
		f.refuse(0, "the program leaves its code")
		return
	}
	if !f.seen[i] {
		f.seen[i], f.regs[i], f.changed = true, *regs, true
		return
	}
	for r := range f.regs[i] {
		if k := f.regs[i][r].join(regs[r]); k != f.regs[i][r] {
			f.regs[i][r], f.changed = k, true
		}
	}
}

// Reg returns what a register holds before the instruction at ip, or between
// operations.
func (f *Facts) Reg(ip ir.Addr, r ir.Reg) Kind {
	if i := f.im.Index(ip); i >= 0 {
		return f.regs[i][r]
	}
	return fixed
}

// Arg returns what the nth argument of a function is.
func (f *Facts) Arg(fn string, n int) Kind {
	if f.args[argument{fn, n}] {
		return Kind{Is: Object}
	}
	return fixed
}

// Result returns what a function's nth result is: r0 or r1.
func (f *Facts) Result(fn string, n int) Kind { return f.results[fn][n] }

// Data returns what a word of global data holds, and whether it is of an object;
// off is its distance from the beginning of the data.
func (f *Facts) Data(off int64) (k Kind, object bool) {
	c := f.dataCell(off)
	return f.cells[c], c.in == Object
}

// PerCPU returns what a word of per-CPU data holds.
func (f *Facts) PerCPU(off int64) Kind { return f.cells[cell{PerCPU, off}] }

// initial gives words kinds by what is in them at the start.
func (f *Facts) initial() {
	word := func(b []byte, off int64) uint64 { return f.im.Arch.ByteOrder().Uint64(b[off:]) }
	for off := int64(0); off+8 <= int64(len(f.im.Data)); off += 8 {
		v := int64(word(f.im.Data, off))
		f.store(f.dataCell(off), f.content(v), 0)
	}
	for off := int64(0); off+8 <= int64(len(f.im.PerCPU)); off += 8 {
		f.store(cell{PerCPU, off}, f.content(int64(word(f.im.PerCPU, off))), 0)
	}
}

// content is the kind of a word's first contents. An address that moves may only be
// there if it is where it moves to as well, which a program doesn't say.
func (f *Facts) content(v int64) Kind {
	if f.moves(v) {
		f.refuse(0, "data begins with an address of an object, a thread or a CPU")
	}
	if v == 0 {
		return Kind{}
	}
	return fixed
}

// dataCell is the cell of a word of global data.
func (f *Facts) dataCell(off int64) cell {
	a := ir.DataBase + ir.Addr(off)
	for _, o := range f.objects {
		if a >= o && a < o+ir.Addr(f.ObjectSize) {
			return cell{Object, int64(a - o)}
		}
	}
	return cell{Fixed, off}
}

// moves reports whether a number could be taken for something that moves.
func (f *Facts) moves(v int64) bool {
	a := ir.Addr(v)
	return f.named(a, 1) || a >= ir.PerCPUBase && a < ir.StackBase+ir.Addr(ir.AreaSpace)
}
