package live

import "github.com/rseqemu/rseqemu/ir"

// Step says what the execution of one instruction has to do with anybody but
// its thread.
type Step uint8

// The kinds of step, in the order of what they touch.
const (
	Visible  Step = iota // whatever isn't one of the others
	Private              // registers and flags only; may branch
	Loads                // and plain loads
	Accesses             // and one store, ordered load or indivisible operation, or several in a locked instruction
	Return               // a return
)

// StepAt returns the kind of the instruction at ip.
func (f *Facts) StepAt(ip ir.Addr) Step {
	if i := f.im.Index(ip); i >= 0 {
		return f.steps[i]
	}
	return Visible
}

// Stays reports whether the instruction at ip goes on in the function that it is in,
// and not in the kernel or another one.
func (f *Facts) Stays(ip ir.Addr) bool {
	i := f.im.Index(ip)
	if i < 0 {
		return false
	}
	in := &f.im.Instrs[i]
	switch in.Ops[in.N-1].Code {
	case ir.Jmpr, ir.Call, ir.Ret, ir.Syscall, ir.Trap:
		return false
	}
	return true
}

// Loses reports whether the instruction at ip changes a register or a flag that
// the abort handler may read: something that is lost or not, as the section is
// interrupted before or behind it.
func (f *Facts) Loses(ip ir.Addr, s *Section) bool {
	i := f.im.Index(ip)
	if i < 0 {
		return true
	}
	var writes ir.RegSet
	for j := range f.im.Instrs[i].Micro() {
		writes |= f.im.Instrs[i].Ops[j].Writes()
	}
	return Set(writes)&f.At(s.Abort) != 0
}

// Enters reports whether the instruction at ip may lead into a section.
func (f *Facts) Enters(ip ir.Addr, s *Section) bool {
	i := f.im.Index(ip)
	if i < 0 {
		return true
	}
	in := &f.im.Instrs[i]
	return s.Contains(f.behindOf(i)) || s.Contains(in.Ops[in.N-1].TargetIP)
}

// step is the kind of instruction i. Order between accesses is no kind of its own:
// what is said of steps is said of sequentially consistent memory.
func (f *Facts) step(i int) Step {
	kind, accesses := Private, 0
	in := &f.im.Instrs[i]
	for j := range in.Micro() {
		o := &in.Ops[j]
		if o.Loads() || o.Stores() {
			accesses++
		}
		switch o.Code {
		case ir.Ret:
			if in.N > 1 {
				return Visible
			}
			return Return
		case ir.Ld:
			if o.Order != ir.Plain {
				kind = Accesses
			}
			kind = max(kind, Loads)
		case ir.St, ir.Xchg, ir.Cmpxchg, ir.Xadd:
			kind = Accesses
		case ir.Nop, ir.Fence, ir.Mov, ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar,
			ir.Zext, ir.Sext, ir.Ins, ir.La, ir.Bit, ir.Flipc, ir.Csel, ir.Br, ir.Beq, ir.Bne, ir.Jmp:
		default:
			return Visible
		}
	}
	if kind == Accesses && accesses > 1 && !in.Locked {
		return Visible // it has a middle
	}
	return kind
}
