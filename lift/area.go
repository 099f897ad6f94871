package lift

import (
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// Compiled code finds struct rseq by arithmetic: it adds what libc's variable
// says to the thread pointer. Here what a register holds is followed through a
// function, so that an access to the area says so: [r5 + 8] becomes
// [tp + rseq_cs] where r5 is tp on every way to the instruction. It is the same
// access, but a reader sees what it is, and so does a search, which can then
// leave out what it knows of the area.

// holds is what is known of a register: nothing, or base + off, where base is
// nothing, the thread's area or a variable.
type holds struct {
	known bool
	tp    bool
	sym   string
	off   int64
}

// registers is what is known of all; reached tells none from not yet.
type registers struct {
	reached bool
	r       [ir.NumRegs]holds
}

// meet keeps what is known on both ways, and reports whether that changed it.
func (s *registers) meet(o *registers) bool {
	if !s.reached {
		*s = *o
		s.reached = true
		return true
	}
	changed := false
	for i := range s.r {
		if s.r[i].known && s.r[i] != o.r[i] {
			s.r[i], changed = holds{}, true
		}
	}
	return changed
}

// area names the accesses of a function to the thread's area.
func (b *builder) area(f *ir.Func) {
	if b.asIs {
		return
	}
	a := areaFlow{b: b, f: f, labels: map[string]int{}, in: make([]registers, len(f.Body)+1)}
	for i, it := range f.Body {
		if it.Kind == ir.Label {
			a.labels[it.Name] = i
		}
	}
	a.flow()
	for i := range f.Body {
		if it := &f.Body[i]; it.Kind == ir.Code && a.in[i].reached {
			s := a.in[i]
			for j := range it.Instr.Micro() {
				op := &it.Instr.Ops[j]
				b.nameAccess(op, &s)
				a.step(op, &s)
				nameValue(op, &s)
			}
		}
	}
}

type areaFlow struct {
	b      *builder
	f      *ir.Func
	labels map[string]int
	in     []registers // before each item
	todo   []int
}

func (a *areaFlow) reach(i int, s *registers) {
	if i < len(a.f.Body) && a.in[i].meet(s) {
		a.todo = append(a.todo, i)
	}
}

// flow finds what holds before each item: from the entry, of which nothing is
// known, and from labels that something else than a branch of the function leads
// to.
func (a *areaFlow) flow() {
	unknown := registers{reached: true}
	a.reach(0, &unknown)
	for _, it := range a.f.Body {
		for _, op := range it.Instr.Micro() {
			if i, ok := a.labels[op.Sym]; ok && op.Sym != "" {
				a.reach(i, &unknown)
			}
		}
	}
	for len(a.todo) > 0 {
		i := a.todo[0]
		a.todo = a.todo[1:]
		it := &a.f.Body[i]
		s := a.in[i]
		if it.Kind == ir.Signature {
			continue // no code runs into it
		}
		if it.Kind == ir.Label {
			a.reach(i+1, &s)
			continue
		}
		// A section is left for its handler before any of its instructions.
		for _, cs := range a.f.Sections {
			from, ok1 := a.labels[cs.StartIP.Sym]
			to, ok2 := a.labels[cs.PostCommitIP.Sym]
			if abort, ok := a.labels[cs.AbortIP.Sym]; ok && (!ok1 || !ok2 || i >= from && i < to) {
				a.reach(abort, &s)
			}
		}
		falls := true
		for j := range it.Instr.Micro() {
			op := &it.Instr.Ops[j]
			switch op.Code {
			case ir.Call, ir.Syscall:
				s = unknown
			case ir.Jmp, ir.Jmpr, ir.Ret, ir.Trap:
				falls = false
			}
			if t, ok := a.labels[op.Target]; ok && op.Code != ir.Call {
				a.reach(t, &s)
			}
			a.step(op, &s)
		}
		if falls {
			a.reach(i+1, &s)
		}
	}
}

// step is what a micro-op does to what is known.
func (a *areaFlow) step(op *ir.Op, s *registers) {
	v := holds{}
	imm := holds{known: true, sym: op.Sym, off: op.Imm}
	left, right := s.of(op.A), imm
	if op.B != ir.None {
		right = s.of(op.B)
	}
	plain := op.Width.Bytes() == 8 && op.Flags == ir.NoFlags
	switch op.Code {
	case ir.Mov:
		if v = imm; op.A != ir.None {
			v = left
		}
	case ir.Add:
		if plain {
			v = left.plus(right)
		}
	case ir.Sub:
		if right.off = -right.off; plain && !right.tp && right.sym == "" {
			v = left.plus(right)
		}
	case ir.La:
		v = a.b.address(op.Mem, s)
	case ir.Ld:
		v = a.b.constant(a.b.address(op.Mem, s), op.Width)
	}
	if op.Dst != ir.None {
		s.r[op.Dst] = v
	}
}

func (s *registers) of(r ir.Reg) holds {
	switch r {
	case ir.TP:
		return holds{known: true, tp: true}
	case ir.None:
		return holds{known: true}
	}
	return s.r[r]
}

// plus adds, if the sum is one that can be known: at most one of the two has a
// base.
func (h holds) plus(o holds) holds {
	if !h.known || !o.known || (h.tp || h.sym != "") && (o.tp || o.sym != "") {
		return holds{}
	}
	if o.tp || o.sym != "" {
		h.tp, h.sym = o.tp, o.sym
	}
	h.off += o.off
	return h
}

// address is what an operand in memory means.
func (b *builder) address(m ir.Mem, s *registers) holds {
	v := holds{known: true, sym: m.Sym, off: m.Disp}
	if off, ok := fieldOffset[m.Sym]; ok && m.Base == ir.TP {
		v = holds{known: true, off: m.Disp + off}
	}
	v = v.plus(s.of(m.Base))
	if m.Index != ir.None {
		i := s.of(m.Index)
		if m.Scale > 0 && (i.tp || i.sym != "") {
			return holds{}
		}
		i.off <<= m.Scale
		v = v.plus(i)
	}
	return v
}

// constant is what a load yields, if it is from a variable that is never written:
// one that the loader planted, or a pointer in the file's read-only data.
func (b *builder) constant(at holds, w ir.Width) holds {
	if !at.known || at.sym == "" {
		return holds{}
	}
	i := slices.IndexFunc(b.out.Data, func(d ir.Data) bool { return d.Name == at.sym })
	if i < 0 {
		return holds{}
	}
	d := &b.out.Data[i]
	width := int64(d.Width.Bytes())
	n := at.off / width
	if d.Kind != ir.ReadOnly || d.Width.Bytes() != w.Bytes() || at.off%width != 0 || n < 0 || n >= int64(d.Count) {
		return holds{}
	}
	if n >= int64(len(d.Init)) {
		return holds{known: true}
	}
	v := d.Init[n]
	if width < 8 {
		v.Off &= 1<<(8*width) - 1 // as a load extends it
	}
	return holds{known: true, sym: v.Sym, off: v.Off}
}

// nameAccess makes an access through registers that lead to the area one through
// tp.
func (b *builder) nameAccess(op *ir.Op, s *registers) {
	if !op.Loads() && !op.Stores() || op.Mem.Base == ir.TP && op.Mem.Index == ir.None {
		return
	}
	switch at := b.address(op.Mem, s); {
	case at.tp:
		op.Mem = ir.Off(ir.TP, at.off)
		op.Mem.Sym, op.Mem.Disp = b.threadPlace(at.off, true)
	case at.sym != "":
		op.Mem = ir.Abs(at.sym).Plus(at.off)
	}
}

// nameValue makes arithmetic whose result is a known address a move of it.
func nameValue(op *ir.Op, s *registers) {
	if op.Code != ir.Add && op.Code != ir.Sub && op.Code != ir.La || op.Flags != ir.NoFlags || op.Dst == ir.None {
		return
	}
	switch v := s.r[op.Dst]; {
	case v.tp:
		*op = ir.Lea(op.Dst, ir.Off(ir.TP, v.off))
	case v.sym != "":
		*op = ir.MovVal(op.Dst, ir.Sym(v.sym).Plus(v.off))
	}
}
