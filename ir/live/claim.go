package live

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Claims. A program reads which CPU it is on (or its mm_cid), computes where that
// CPU's data is, arms a section, and the section asks first of all whether that is
// still so; if not it goes to abort_ip by itself:
//
//	ld.4  r2, [tp + cpu_id_start]     the claim
//	shl   r3, r2, percpu_shift        |
//	mov   r4, push_cs                 | claimed: nothing but registers,
//	st.8  [tp + rseq_cs], r4          | and then the section is armed
//	start:
//	ld.4  r4, [tp + cpu_id]
//	bne.4 r4, r2, abort               the question

// Claimed reports whether the instruction at ip is between the reading of an id and the
// section that asks for it, and the reading, which is in no section itself, is the only
// way to it. The section, at abort_ip, doesn't know how far it came.
func (f *Facts) Claimed(ip ir.Addr) bool {
	i := f.im.Index(ip)
	return i >= 0 && f.claimed[i]
}

// claims finds them.
func (f *Facts) claims() {
	f.claimed = make([]bool, len(f.im.Instrs))
	if f.calls {
		return // a return may enter anywhere
	}
	entered := make([]bool, len(f.im.Instrs)) // by something else than the instruction before
	enter := func(ip ir.Addr) {
		if i := f.im.Index(ip); i >= 0 {
			entered[i] = true
		}
	}
	for i := range f.im.Instrs {
		for _, o := range f.im.Instrs[i].Micro() {
			switch o.Code {
			case ir.Jmpr, ir.Call, ir.Syscall:
				return // they may enter anywhere
			case ir.Br, ir.Beq, ir.Bne, ir.Jmp:
				enter(o.TargetIP)
			}
		}
	}
	for _, fn := range f.im.Funcs {
		enter(fn.Entry)
	}
	for i := range f.Sections {
		enter(f.Sections[i].Abort)
	}
	for i := range f.im.Instrs {
		f.claim(i, entered)
	}
}

// value is what is known of a register.
type value struct {
	id     Set  // it is an id: the word
	inside bool // that was read in the section
	known  bool // it is a number
	n      int64
}

// claim follows instruction i, if it reads an id, up to a section.
func (f *Facts) claim(i int, entered []bool) {
	var regs [ir.NumRegs + 1]value
	if in := &f.im.Instrs[i]; in.N != 1 || !reads(&in.Ops[0], &regs, false) {
		return
	}
	for k := range f.Sections {
		if f.Sections[k].Contains(f.im.Addrs[i]) {
			return
		}
	}
	for j := i + 1; j < len(f.im.Instrs) && !entered[j] && f.im.Addrs[j] == f.behindOf(j-1); j++ {
		in := &f.im.Instrs[j]
		last := &in.Ops[in.N-1]
		armed := last.Code == ir.St && last.Mem.Base == ir.TP && last.Mem.Index == ir.None && last.Mem.Disp == abi.OffRSeqCS && last.Width.Bytes() == 8
		for k := range in.Micro() {
			if o := &in.Ops[k]; (o != last || !armed) && !computes(o, &regs) {
				return
			}
		}
		if armed {
			v := regs[last.A]
			if last.A == ir.None {
				v = value{known: true, n: last.Imm}
			}
			if s := f.SectionAt(ir.Addr(v.n)); v.known && s != nil && s.Sound && s.Lo == f.behindOf(j) && f.asks(s, &regs) {
				for k := i + 1; k <= j; k++ {
					f.claimed[k] = true
				}
			}
			return
		}
		regs[ir.T0], regs[ir.T1] = value{}, value{}
	}
}

// behindOf is the address behind instruction i.
func (f *Facts) behindOf(i int) ir.Addr { return f.im.Addrs[i] + ir.Addr(f.im.Instrs[i].Len()) }

// asks reports whether a section begins with the question whether an id that was read
// before it, with these registers, is what it is now, and goes to abort_ip if not,
// where everything is as if it had been aborted before its first instruction.
func (f *Facts) asks(s *Section, regs *[ir.NumRegs + 1]value) bool {
	if f.At(s.Abort)&CS != 0 {
		return false
	}
	var flags [2]value // what was compared
	for i := f.im.Index(s.Lo); i >= 0 && s.Contains(f.im.Addrs[i]) && !f.Loses(f.im.Addrs[i], s); i = f.im.Index(f.behindOf(i)) {
		in := &f.im.Instrs[i]
		for k := range in.Micro() {
			o := &in.Ops[k]
			switch {
			case o.Code == ir.Bne:
				return o.TargetIP == s.Abort && o.Width.Bytes() >= 4 && differ(regs[o.A], regs[o.B])
			case o.Code == ir.Br:
				return o.TargetIP == s.Abort && o.Cond == ir.Ne && differ(flags[0], flags[1])
			case o.Code == ir.Sub && o.Flags == ir.SetFlags && o.Width.Bytes() >= 4 && o.B != ir.None:
				flags = [2]value{regs[o.A], regs[o.B]}
				regs[o.Dst] = value{}
			case o.Flags != ir.NoFlags || o.Code == ir.Bit || o.Code == ir.Flipc:
				return false
			case !reads(o, regs, true) && !computes(o, regs):
				return false
			}
		}
		regs[ir.T0], regs[ir.T1] = value{}, value{}
	}
	return false
}

// differ reports whether two values are the same word, one read before the section and
// one in it. cpu_id_start and cpu_id are the same for a thread that is registered.
func differ(a, b value) bool {
	const cpu = CPUIDStart | CPUID
	return a.id != 0 && b.id != 0 && a.inside != b.inside && (a.id == b.id || a.id|b.id == cpu)
}

// reads follows a micro-op that reads an id; it reports whether it is one. An id is less
// than 2^31, so that it is the same however it is extended.
func reads(o *ir.Op, regs *[ir.NumRegs + 1]value, inside bool) bool {
	set, _ := touched(o)
	switch set {
	case CPUIDStart, CPUID, NodeID, MMCID:
	default:
		return false
	}
	if o.Code != ir.Ld || o.Width.Bytes() != 4 || o.Mem.Base != ir.TP {
		return false
	}
	regs[o.Dst] = value{id: set, inside: inside}
	return true
}

// computes follows a micro-op that only computes; it reports whether it is one, and goes
// on behind itself.
func computes(o *ir.Op, regs *[ir.NumRegs + 1]value) bool {
	switch o.Code {
	case ir.Nop:
	case ir.Mov, ir.Zext, ir.Sext:
		v := regs[o.A]
		if o.A == ir.None {
			v = value{known: true, n: o.Imm}
		}
		if o.Width.Bytes() < 4 || v.known && (o.Width.Bytes() < 8 || o.Code != ir.Mov) {
			v = value{}
		}
		regs[o.Dst] = v
	case ir.La:
		regs[o.Dst] = value{known: o.Mem.Base == ir.None && o.Mem.Index == ir.None, n: o.Mem.Disp}
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar, ir.Ins, ir.Bit, ir.Flipc, ir.Csel:
		regs[o.Dst] = value{}
	default:
		return false
	}
	regs[ir.None] = value{}
	return true
}
