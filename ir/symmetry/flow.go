package symmetry

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// refuse notes that there is no symmetry, and why.
func (f *Facts) refuse(at ir.Addr, format string, args ...any) {
	if f.why == nil {
		f.why = &problem{at, fmt.Sprintf(format, args...)}
	}
}

// refuseCPUs notes that CPUs can't change places.
func (f *Facts) refuseCPUs(at ir.Addr, msg string) {
	if f.whyCPUs == nil {
		f.whyCPUs = &problem{at, msg}
	}
}

// instruction follows the kinds through one instruction to those behind it.
func (f *Facts) instruction(i int) {
	regs := f.regs[i]
	in, at := &f.im.Instrs[i], f.im.Addrs[i]
	for j := range in.Micro() {
		f.micro(&in.Ops[j], &regs, at)
		regs[ir.None] = Kind{}
	}
	regs[ir.T0], regs[ir.T1] = Kind{}, Kind{}
	last := &in.Ops[in.N-1]
	next := f.im.Index(at + ir.Addr(in.Len()))
	switch last.Code {
	case ir.Br, ir.Beq, ir.Bne:
		f.flow(next, &regs)
		f.flow(f.im.Index(last.TargetIP), &regs)
	case ir.Jmp:
		f.flow(f.im.Index(last.TargetIP), &regs)
	case ir.Ret:
		f.result(at, regs[ir.R0], regs[ir.R1])
	case ir.Trap:
	default:
		f.flow(next, &regs)
	}
	for k := range f.live.Sections {
		if s := &f.live.Sections[k]; s.Contains(at) && s.Sound {
			f.flow(f.im.Index(s.Abort), &f.regs[i])
		}
	}
}

// result joins what a function returns.
func (f *Facts) result(at ir.Addr, r0, r1 Kind) {
	for _, fn := range f.im.Funcs {
		if at >= fn.Entry && at < fn.End {
			old, seen := f.results[fn.Name]
			now := [2]Kind{r0, r1}
			if seen {
				now = [2]Kind{old[0].join(r0), old[1].join(r1)}
			}
			if !seen || now != old {
				f.results[fn.Name], f.changed = now, true
			}
		}
	}
}

func (f *Facts) micro(o *ir.Op, regs *[ir.NumRegs + 1]Kind, at ir.Addr) {
	for _, r := range [...]ir.Reg{o.Dst, o.A, o.B, o.Mem.Base, o.Mem.Index} {
		if r == ir.SP {
			f.refuse(at, "it uses the stack")
		}
	}
	if o.Dst == ir.LR {
		f.refuse(at, "it chooses where to return to")
	}
	a, b := regs[o.A], regs[o.B]
	if o.B == ir.None {
		b = f.immediate(o, at)
	}
	wide := o.Width.Bytes() == 8
	switch o.Code {
	case ir.Nop, ir.Fence, ir.Br, ir.Jmp, ir.Flipc, ir.Ret, ir.Trap:
	case ir.Mov, ir.Zext:
		k := a
		if o.A == ir.None {
			k = b
		}
		regs[o.Dst] = f.narrowed(k, o.Width)
	case ir.Add:
		regs[o.Dst] = f.computed(o, at, a, b, wide, a.add(b))
	case ir.Sub:
		k := fixed
		if b.Is == Fixed && b.Known {
			k = a.add(number(-b.Off))
		}
		regs[o.Dst] = f.computed(o, at, a, b, wide, k)
	case ir.Shl:
		k := fixed
		if a.Is == CPU && b.Is == Fixed && b.Known && b.Off == int64(f.im.PerCPUShift) {
			k = Kind{Is: Offset}
		}
		regs[o.Dst] = f.computed(o, at, a, b, wide, k)
	case ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shr, ir.Sar, ir.Sext, ir.Ins:
		if o.Code == ir.Ins {
			b = regs[o.Dst]
		}
		regs[o.Dst] = f.computed(o, at, a, b, wide, fixed)
	case ir.Bit:
		if !a.plain() || !b.plain() {
			f.refuse(at, "it tests a bit of %s", a)
		}
	case ir.Csel:
		regs[o.Dst] = a.join(b)
	case ir.Beq, ir.Bne:
		f.compare(o, at, a, b)
	case ir.La:
		k := f.place(o, regs)
		if k.Is == Fixed && k.Known && f.moves(k.Off) {
			f.refuse(at, "it names an object, a thread or a CPU's data")
		}
		regs[o.Dst] = f.bounded(k)
	case ir.Ld:
		regs[o.Dst] = f.load(o, regs, at)
	case ir.St:
		k := a
		if o.A == ir.None {
			k = b
		}
		f.stores(o, regs, at, k)
	case ir.Xchg:
		k := a
		regs[o.Dst] = f.load(o, regs, at)
		f.stores(o, regs, at, k)
	case ir.Cmpxchg:
		old := f.load(o, regs, at)
		f.compare(o, at, old, regs[o.Dst])
		regs[o.Dst] = old
		f.stores(o, regs, at, a)
	case ir.Xadd:
		if old := f.load(o, regs, at); !old.plain() || !a.plain() {
			f.refuse(at, "it adds to %s", old)
		}
		f.stores(o, regs, at, fixed)
		regs[o.Dst] = fixed
	case ir.Syscall:
		regs[ir.R0] = fixed
	default:
		f.refuse(at, "it isn't known what it does to renamed values")
	}
}

// immediate is the kind of a number in the code. One that names an object or a
// thread is of no use; the address of per-CPU data is CPU 0's, and a distance is
// to be added to it.
func (f *Facts) immediate(o *ir.Op, at ir.Addr) Kind {
	v := o.Imm
	if f.named(ir.Addr(v), 1) || v >= int64(ir.ThreadBase) && v < int64(ir.StackBase)+int64(ir.AreaSpace) {
		f.refuse(at, "it names an object or a thread")
	}
	if v >= int64(ir.PerCPUBase) && v < int64(ir.PerCPUBase)+int64(ir.AreaSpace) && o.Code != ir.Add {
		f.refuse(at, "it names a CPU's data")
	}
	return number(v)
}

// computed is the kind of an arithmetic result. Flags of what moves would tell one
// from another.
func (f *Facts) computed(o *ir.Op, at ir.Addr, a, b Kind, wide bool, k Kind) Kind {
	switch {
	case a.plain() && b.plain():
		if !wide || !k.plain() {
			k = fixed
		}
		if k.Is == Unset {
			return k
		}
		if f.moves(k.Off) && k.Known {
			f.refuse(at, "it computes an address of an object, a thread or a CPU")
		}
		// Numbers that are computed in a loop are no longer known.
		if k.Known && o.Code != ir.Add {
			return fixed
		}
		if o.Code == ir.Add && o.Dst == o.A {
			return fixed
		}
		return k
	case o.Flags != ir.NoFlags:
		f.refuse(at, "it sets flags by %s", a)
	case !wide && k.Is != Offset:
		return mixed
	}
	if k.plain() {
		return mixed
	}
	return f.bounded(k)
}

// bounded is an address that is inside of what it is the address of.
func (f *Facts) bounded(k Kind) Kind {
	if (k.Is == PerCPU || k.Is == Object) && k.Off < 0 || k.Is == Object && k.Off >= f.ObjectSize || k.Is == PerCPU && k.Off >= int64(len(f.im.PerCPU)) {
		return mixed
	}
	return k
}

// narrowed is the kind of a value's low bytes.
func (f *Facts) narrowed(k Kind, w ir.Width) Kind {
	switch {
	case w.Bytes() == 8, k.Is == Unset, k.Is == CPU && w.Bytes() == 4:
		return k
	case k.Is == Fixed:
		return fixed
	}
	return mixed
}

// compare looks at a comparison for equality, which renaming survives if both sides
// are renamed alike.
func (f *Facts) compare(o *ir.Op, at ir.Addr, a, b Kind) {
	wide := o.Width.Bytes() == 8
	switch {
	case a.plain() && b.plain():
	case a.Is == Object && b.Is == Object && wide && a.Off == b.Off:
	case a.Is == Object && b.Is == Unset && wide, b.Is == Object && a.Is == Unset && wide:
	case a.Is == CPU && b.Is == CPU && o.Width.Bytes() >= 4, a.Is == b.Is && wide && (a.Is == Offset || a.Is == PerCPU && a.Off == b.Off):
	case (a.Is == CPU || b.Is == CPU) && (a.plain() || b.plain()):
		f.refuseCPUs(at, "it compares a CPU's number with a number")
	default:
		f.refuse(at, "it compares %s with %s", a, b)
	}
}

// place is the kind of an address.
func (f *Facts) place(o *ir.Op, regs *[ir.NumRegs + 1]Kind) Kind {
	k := number(o.Mem.Disp)
	for _, part := range [...]struct {
		k     Kind
		scale uint8
	}{{regs[o.Mem.Base], 0}, {regs[o.Mem.Index], o.Mem.Scale}} {
		if part.scale != 0 && part.k.Is != Unset {
			return mixed
		}
		k = k.add(part.k)
	}
	return k
}

// load is the kind of what a load gives.
func (f *Facts) load(o *ir.Op, regs *[ir.NumRegs + 1]Kind, at ir.Addr) Kind {
	w := int64(o.Width.Bytes())
	if o.Mem.Base == ir.TP && o.Mem.Index == ir.None {
		switch d := o.Mem.Disp; {
		case w == 4 && (d == abi.OffCPUID || d == abi.OffCPUIDStart):
			return Kind{Is: CPU}
		case w == 8 && d == abi.OffRSeqCS:
			return fixed
		}
		f.refuse(at, "it reads the thread's area")
		return mixed
	}
	k := f.place(o, regs)
	if k.Is == Fixed && k.Known && k.Off >= int64(ir.CodeBase) && k.Off < int64(ir.DataBase) {
		return fixed // what never changes, and has no address that moves: see initial
	}
	c, ok := f.cellAt(k, w, at)
	if !ok {
		return mixed
	}
	if w < 8 {
		if have := f.cells[c]; !have.plain() {
			f.refuse(at, "it reads a part of %s", have)
		}
		return fixed
	}
	return f.cells[c]
}

func (f *Facts) stores(o *ir.Op, regs *[ir.NumRegs + 1]Kind, at ir.Addr, k Kind) {
	w := int64(o.Width.Bytes())
	if o.Mem.Base == ir.TP && o.Mem.Index == ir.None {
		if w != 8 || o.Mem.Disp != abi.OffRSeqCS || !k.plain() {
			f.refuse(at, "it writes to the thread's area")
		}
		return
	}
	c, ok := f.cellAt(f.place(o, regs), w, at)
	if !ok {
		return
	}
	if k.Known {
		k = fixed
	}
	if w < 8 {
		if !k.plain() {
			f.refuse(at, "it writes a part of %s", k)
		}
		k = fixed
	}
	f.store(c, k, at)
}

// cellAt finds the word that an access is to.
func (f *Facts) cellAt(k Kind, w int64, at ir.Addr) (cell, bool) {
	off := k.Off &^ 7
	if k.Off%8+w > 8 || k.Off < 0 {
		f.refuse(at, "it accesses parts of two words")
		return cell{}, false
	}
	switch {
	case k.Is == PerCPU && off < int64(len(f.im.PerCPU)):
		return cell{PerCPU, off}, true
	case k.Is == Offset:
		break
	case k.Is == Object && off+8 <= f.ObjectSize:
		return cell{Object, off}, true
	case k.Is == Fixed && k.Known && f.inData(ir.Addr(k.Off)):
		if f.named(ir.Addr(k.Off), w) {
			f.refuse(at, "it names an object")
		}
		return cell{Fixed, off - int64(ir.DataBase)}, true
	}
	f.refuse(at, "what it accesses can't be told")
	return cell{}, false
}

func (f *Facts) store(c cell, k Kind, at ir.Addr) {
	old := f.cells[c]
	if now := old.join(k); now != old {
		f.cells[c], f.changed = now, true
		if now.Is == Mixed {
			f.refuse(at, "a word of data can hold %s or %s", old, k)
		}
	}
}
