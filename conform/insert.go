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
	irq    int // the fresh page that is stored to, counted from 1
	sleep  bool
}

// insertStops puts in what the stops of the case need. Their points, which are of
// the program without it, become those of the program with it.
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
			ins = append(ins, insertion{before: at[i]})
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
	prog, err := withInserted(c.Program, ins, pages, im.Arch)
	if err != nil {
		return err
	}
	with, err := ir.Link(prog, im.Arch)
	if err != nil {
		return err
	}
	c.Program = prog
	c.Stops = slices.Clone(c.Stops)
	for i := range c.Stops {
		s := &c.Stops[i]
		moved := at[i]
		for _, p := range ins {
			switch {
			case p.before < at[i]:
				moved += p.len()
			case p.before == at[i] && s.Has(Schedule):
				moved += p.len() - sleepLen + sleepCall
			}
		}
		s.At, _ = PointAt(with, with.Addrs[moved])
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
func (p insertion) slept() string { return fmt.Sprint(sleptName, p.before) }

// withInserted returns the program with the insertions, and the data that they
// use.
func withInserted(p *ir.Program, ins []insertion, pages int, arch abi.Arch) (*ir.Program, error) {
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
		im, err := ir.Link(&q, arch)
		if err != nil {
			return nil, err
		}
		fresh = pageSize - int64(im.Symbols[freshName]%pageSize)
	}
	q.Funcs = slices.Clone(p.Funcs)
	n := 0
	for i := range q.Funcs {
		f := &q.Funcs[i]
		var body []ir.Item
		for _, it := range f.Body {
			if it.Kind == ir.Code {
				if j := slices.IndexFunc(ins, func(p insertion) bool { return p.before == n }); j >= 0 {
					for _, put := range ins[j].items(fresh) {
						put.Notes.Pos = it.Notes.Pos
						body = append(body, put)
					}
				}
				n++
			}
			body = append(body, it)
		}
		f.Body = body
	}
	return &q, nil
}
