package conform

import (
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Two kinds of stop need instructions of their own, which stand in front of the
// one that the stop is at: behind the labels there, so that whoever goes to them
// comes by. They change no register and nothing that a case looks at, and do
// something once, as other stops do.
//
//	schedule                      irq
//	    st.8 [tp + saved_r0], r0      st.1 [fresh], 0
//	    ld.8 r0, [tp + slept]
//	    bne  r0, 0, awake
//	    st.8 [tp + slept], 1
//	    syscall nanosleep
//	awake:
//	    ld.8 r0, [tp + saved_r0]
//
// fresh is in a page that nobody has touched, so that on a real kernel the store
// is an exception, which the kernel resolves at once. Each stop has a page of its
// own.
const (
	savedName = "saved_r0"
	sleptName = "slept"
	freshName = "fresh"
	// awakeLabel is no label that a program can have, and no point is named by it.
	awakeLabel = "(awake)"
)

// sleepLen is how many instructions a schedule is, and sleepCall which of them is
// the call.
const (
	sleepLen  = 6
	sleepCall = 4
)

// pageSize is the kernel's on the architectures that cases run on.
const pageSize = 4096

// insertion is what is put in front of one instruction of a program.
type insertion struct {
	before int // the instruction
	number int // of the insertion, in the order of the stops
	irq    int // the fresh page that is stored to, counted from 1
	sleep  bool
}

// insertStops puts in what the stops of the case need. Their points, which are of
// the program without it, become those of the program with it. It looks at no more
// of that than what differs: whoever has the program links it.
func insertStops(c *Case, im *ir.Image) error {
	at := make([]int, len(c.Stops)) // each stop's instruction
	var ins []insertion
	pages := 0
	for i := range c.Stops {
		s := &c.Stops[i]
		a, err := s.At.Addr(im)
		if err != nil {
			return err
		}
		at[i] = im.Index(a)
		if !s.Has(Schedule) && !s.Has(IRQ) {
			continue
		}
		j := slices.IndexFunc(ins, func(p insertion) bool { return p.before == at[i] })
		if j < 0 {
			j = len(ins)
			ins = append(ins, insertion{before: at[i], number: j})
		}
		switch {
		case s.Has(Schedule):
			ins[j].sleep = true
		case ins[j].irq != 0:
			return &insertError{s.At}
		default:
			pages++
			ins[j].irq = pages
		}
	}
	if ins == nil {
		return nil
	}
	c.Program = withInserted(c.Program, ins, pages)
	c.Stops = slices.Clone(c.Stops)
	for i := range c.Stops {
		s := &c.Stops[i]
		s.At, _ = PointAt(im, im.Addrs[at[i]])
		from := at[i] - s.At.Plus // the instruction that the point counts from
		for _, p := range ins {
			switch {
			case p.before >= from && p.before < at[i]:
				s.At.Plus += p.len()
			case p.before == at[i] && s.Has(Schedule):
				s.At.Plus += p.len() - sleepLen + sleepCall
			}
		}
	}
	return nil
}

type insertError struct{ at Point }

func (e *insertError) Error() string {
	return "point " + e.at.String() + ": an irq comes once at a point, since its page is fresh once"
}

// len is the number of instructions that are put in.
func (p insertion) len() int {
	n := 0
	if p.irq != 0 {
		n++
	}
	if p.sleep {
		n += sleepLen
	}
	return n
}

// items are what is put in; fresh is the first fresh page's distance from its
// variable.
func (p insertion) items(fresh int64) []ir.Item {
	var all []ir.Item
	code := func(op ir.Op) { all = append(all, ir.Item{Kind: ir.Code, Instr: ir.NewInstr(op)}) }
	field := func(op ir.Op, name string) ir.Op {
		op.Mem.Base, op.Mem.Sym = ir.TP, name
		return op
	}
	if p.irq != 0 {
		st := ir.NewOp(ir.St)
		st.Width = 1
		st.Mem.Sym, st.Mem.Disp = freshName, fresh+int64(p.irq-1)*pageSize
		code(st)
	}
	if p.sleep {
		awake := fmt.Sprint(awakeLabel, p.before)
		save, load, skip := ir.NewOp(ir.St), ir.NewOp(ir.Ld), ir.NewOp(ir.Bne)
		save.A, load.Dst = ir.R0, ir.R0
		skip.A, skip.Target = ir.R0, awake
		note, call := ir.NewOp(ir.St), ir.NewOp(ir.Syscall)
		note.Imm, call.Imm = 1, int64(abi.SysNanosleep)
		code(field(save, savedName))
		code(field(load, p.slept()))
		code(skip)
		code(field(note, p.slept()))
		code(call)
		all = append(all, ir.Item{Kind: ir.Label, Name: awake})
		code(field(load, savedName))
	}
	return all
}

// slept is the name of the variable that tells whether the thread slept here.
func (p insertion) slept() string { return fmt.Sprint(sleptName, p.number) }

// withInserted returns the program with the insertions, and the data that they
// use.
func withInserted(p *ir.Program, ins []insertion, pages int) *ir.Program {
	q := *p
	q.Data = slices.Clone(p.Data)
	sleeps := false
	for _, p := range ins {
		if p.sleep {
			q.Data = append(q.Data, ir.Data{Kind: ir.PerThread, Name: p.slept(), Width: 8, Count: 1})
			sleeps = true
		}
	}
	if sleeps {
		q.Data = append(q.Data, ir.Data{Kind: ir.PerThread, Name: savedName, Width: 8, Count: 1})
	}
	fresh := int64(0)
	if pages > 0 {
		// Room for the pages and for what is before the first of them, which is
		// never the first page of all data.
		q.Data = append(q.Data, ir.Data{Kind: ir.Global, Name: freshName, Width: 1, Count: (pages + 1) * pageSize})
		fresh = pageSize - endOfGlobals(p)%pageSize
	}
	q.Funcs = slices.Clone(p.Funcs)
	n := 0
	for i := range q.Funcs {
		f := &q.Funcs[i]
		first := n
		for j := range f.Body {
			if f.Body[j].Kind == ir.Code {
				n++
			}
		}
		if slices.ContainsFunc(ins, func(p insertion) bool { return p.before >= first && p.before < n }) {
			f.Body = bodyWith(f.Body, first, ins, fresh)
		}
	}
	return &q
}

// endOfGlobals is where the linker has the next byte of global data.
func endOfGlobals(p *ir.Program) int64 {
	end := 0
	for i := range p.Data {
		if d := &p.Data[i]; d.Kind == ir.Global {
			w := d.Width.Bytes()
			end = (end+w-1)/w*w + w*d.Count
		}
	}
	return int64(end)
}

// bodyWith is a function's body, whose first instruction has the number n, with the
// insertions.
func bodyWith(body []ir.Item, n int, ins []insertion, fresh int64) []ir.Item {
	all := make([]ir.Item, 0, len(body)+2*sleepLen)
	for i := range body {
		if body[i].Kind == ir.Code {
			if j := slices.IndexFunc(ins, func(p insertion) bool { return p.before == n }); j >= 0 {
				for _, put := range ins[j].items(fresh) {
					put.Notes.Pos = body[i].Notes.Pos
					all = append(all, put)
				}
			}
			n++
		}
		all = append(all, body[i])
	}
	return all
}
