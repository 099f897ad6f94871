package conform

import (
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Two kinds of stop need instructions of their own, which stand in front of the
// one that the stop is at: behind the labels there, so that whoever goes to them
// comes by. They change no register, no flag and nothing that a case looks at.
//
//	schedule                      irq
//	    st.8 [tp + saved_r0], r0      st.1 [fresh], 0
//	    syscall nanosleep
//	    ld.8 r0, [tp + saved_r0]
//
// fresh is in a page that nobody has touched, so that on a real kernel the store
// is an exception, which the kernel resolves at once. Each stop has a page of its
// own.
const (
	savedName = "saved_r0"
	freshName = "fresh"
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
				moved += p.len() - 2 // the nanosleep
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
		n += 3
	}
	return n
}

// instrs are the instructions that are put in; fresh is the first fresh page's
// distance from its variable.
func (p insertion) instrs(fresh int64) []ir.Instr {
	var all []ir.Instr
	if p.irq != 0 {
		st := ir.NewOp(ir.St)
		st.Width = 1
		st.Mem.Sym, st.Mem.Disp = freshName, fresh+int64(p.irq-1)*pageSize
		all = append(all, ir.NewInstr(st))
	}
	if p.sleep {
		save, call, restore := ir.NewOp(ir.St), ir.NewOp(ir.Syscall), ir.NewOp(ir.Ld)
		save.Mem.Base, save.Mem.Sym, save.A = ir.TP, savedName, ir.R0
		call.Imm = int64(abi.SysNanosleep)
		restore.Mem, restore.Dst = save.Mem, ir.R0
		all = append(all, ir.NewInstr(save), ir.NewInstr(call), ir.NewInstr(restore))
	}
	return all
}

// withInserted returns the program with the insertions, and the data that they
// use.
func withInserted(p *ir.Program, ins []insertion, pages int, arch abi.Arch) (*ir.Program, error) {
	q := *p
	q.Data = slices.Clone(p.Data)
	if slices.ContainsFunc(ins, func(p insertion) bool { return p.sleep }) {
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
					for _, in := range ins[j].instrs(fresh) {
						body = append(body, ir.Item{Kind: ir.Code, Instr: in, Notes: ir.Notes{Pos: it.Notes.Pos}})
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
