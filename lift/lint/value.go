package lint

import (
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// value is what is known of a register: a sum of a number, the thread pointer if
// tp is set, and an unknown of which only is known that it is the same wherever
// it has the same name. The zero value is the number 0.
type value struct {
	off     int64
	unknown unknown
	tp      bool
}

// unknown names a value that isn't known, by where it came from: the address of
// an instruction, a micro-op of it or a register, and how.
type unknown struct {
	at   ir.Addr
	what uint8
	kind unknownKind
}

type unknownKind uint8

const (
	known    unknownKind = iota
	made                 // by a micro-op
	merged               // of several ways that come together before the instruction
	contents             // of memory at an address that the program doesn't change
)

func number(n int64) value { return value{off: n} }

func (v value) isNumber() bool { return !v.tp && v.unknown.kind == known }

// plus returns the sum, or a value of that name if it is more than one unknown.
func (v value) plus(w value, name unknown) value {
	if v.tp && w.tp || v.unknown.kind != known && w.unknown.kind != known {
		return value{unknown: name}
	}
	sum := value{off: v.off + w.off, tp: v.tp || w.tp, unknown: v.unknown}
	if v.unknown.kind == known {
		sum.unknown = w.unknown
	}
	return sum
}

// sameBase reports whether the distance of two values is known.
func (v value) sameBase(w value) bool { return v.tp == w.tp && v.unknown == w.unknown }

// access is a micro-op that goes to memory.
type access struct {
	op   *ir.Op
	addr value
	val  value // what is stored
}

type registers [ir.NumRegs]value

// follow finds what is in the registers, by going through the code until
// nothing changes, and then keeps the accesses. Where that takes too many rounds
// nothing is known.
func (l *linter) follow(g *graph) {
	before := map[ir.Addr]*registers{} // at the beginning of each straight piece
	begins := map[ir.Addr]bool{}
	for i, a := range g.addrs {
		in := g.instrs[a]
		if g.entered[a] {
			begins[a] = true
		}
		succs(in, func(to ir.Addr) {
			if to != in.Next() || i+1 == len(g.addrs) || g.addrs[i+1] != to {
				begins[to] = true
			}
		})
		for _, to := range g.aborts[a] {
			begins[to] = true
		}
	}
	merge := func(to ir.Addr, r *registers) bool {
		at := before[to]
		if at == nil {
			c := *r
			before[to] = &c
			return true
		}
		changed := false
		for i := range at {
			if at[i] != r[i] {
				if m := (value{unknown: unknown{to, uint8(i), merged}}); at[i] != m {
					at[i], changed = m, true
				}
			}
		}
		return changed
	}
	for _, a := range g.addrs {
		if g.entered[a] {
			r := l.entered(a)
			merge(a, &r)
		}
	}
	dirty := true
	for round := 0; dirty; round++ {
		if round == maxRounds {
			before = map[ir.Addr]*registers{}
			break
		}
		dirty = false
		l.pass(g, before, begins, func(to ir.Addr, r *registers) {
			if merge(to, r) {
				dirty = true
			}
		}, nil)
	}
	l.pass(g, before, begins, func(ir.Addr, *registers) {}, func(in *isa.Instr, a access) {
		g.accesses[in.Addr] = append(g.accesses[in.Addr], a)
		if a.op.Stores() && a.op.Width.Bytes() == 8 && a.val.isNumber() && l.isDescriptor(ir.Addr(a.val.off)) {
			g.armed[ir.Addr(a.val.off)] = append(g.armed[ir.Addr(a.val.off)], in.Addr)
		}
	})
}

// globalPointer is the register in which riscv64 programs have the address of
// __global_pointer$, from which linkers reach what is near.
const globalPointer = ir.R28

// entered is what is in the registers where nothing is known.
func (l *linter) entered(at ir.Addr) (r registers) {
	for i := range r {
		r[i] = value{unknown: unknown{at, uint8(i), merged}}
	}
	r[ir.TP], r[ir.None] = value{tp: true}, value{}
	if l.gp != 0 {
		r[globalPointer] = number(int64(l.gp))
	}
	return r
}

// pass goes through the code once, in the order of addresses.
func (l *linter) pass(g *graph, before map[ir.Addr]*registers, begins map[ir.Addr]bool, flow func(to ir.Addr, r *registers), note func(*isa.Instr, access)) {
	var r registers
	valid := false
	var next ir.Addr
	for _, a := range g.addrs {
		in := g.instrs[a]
		if b := before[a]; b != nil {
			r, valid = *b, true
		} else if begins[a] || a != next {
			valid = false // not reached yet
		}
		if !valid && note == nil {
			continue
		}
		if !valid {
			r = l.entered(a)
		}
		if valid {
			for _, to := range g.aborts[a] {
				flow(to, &r)
			}
		}
		l.step(in, &r, note)
		next = in.Next()
		falls := false
		succs(in, func(to ir.Addr) {
			falls = falls || to == next
			if begins[to] && valid {
				flow(to, &r)
			}
		})
		valid = valid && falls
	}
}

// step runs an instruction.
func (l *linter) step(in *isa.Instr, r *registers, note func(*isa.Instr, access)) {
	r[ir.T0], r[ir.T1] = value{unknown: unknown{in.Addr, uint8(ir.T0), merged}}, value{unknown: unknown{in.Addr, uint8(ir.T1), merged}}
	ops := in.IR.Micro()
	for k := range ops {
		o := &ops[k]
		name := unknown{in.Addr, uint8(k), made}
		var addr value
		if o.Loads() || o.Stores() || o.Code == ir.La {
			addr = address(o.Mem, r, name)
		}
		b := number(o.Imm)
		if o.B != ir.None {
			b = r[o.B]
		}
		a := r[o.A]
		if (o.Code == ir.Mov || o.Code == ir.St) && o.A == ir.None {
			a = number(o.Imm)
		}
		if note != nil && (o.Loads() || o.Stores()) {
			note(in, access{o, addr, a})
		}
		v := value{unknown: name}
		wide := o.Width.Bytes() == 8
		switch {
		case o.Code == ir.Mov && (wide || a.isNumber()):
			v = a
			if !wide {
				v.off &= 1<<(8*o.Width.Bytes()) - 1
			}
		case o.Code == ir.La:
			v = addr
		case o.Code == ir.Add && wide:
			v = a.plus(b, name)
		case o.Code == ir.Sub && wide && b.isNumber():
			v = a.plus(number(-b.off), name)
		case o.Code == ir.Sub && wide && a.sameBase(b):
			v = number(a.off - b.off)
		case o.Code == ir.Shl && wide && a.isNumber() && b.isNumber():
			v = number(a.off << (uint64(b.off) & 63))
		case o.Code == ir.Or && wide && a.isNumber() && b.isNumber():
			v = number(a.off | b.off)
		case o.Code == ir.Ins && o.Width.Bytes() == 2 && r[o.Dst].isNumber() && a.isNumber():
			v = number(r[o.Dst].off&^0xffff | a.off&0xffff)
		case o.Code == ir.Ld && wide && addr == value{tp: true} && l.Arch == abi.AMD64:
			v = addr // the thread pointer is in the word that it points at
		case o.Code == ir.Ld && wide && addr.isNumber():
			v = l.constant(ir.Addr(addr.off))
		}
		if o.Code == ir.Syscall {
			r[ir.R0] = value{unknown: name}
			continue
		}
		if o.Dst != ir.None && o.Dst != ir.TP {
			r[o.Dst] = v
		}
	}
	if in.Flow == isa.Calls || in.Flow == isa.CallsReg {
		kept := preserved[l.Arch]
		if l.asksForTLS(in, r) {
			kept = ir.AllRegs &^ ir.RegsOf(ir.R0)
		}
		for i := ir.R0; i <= ir.R31; i++ {
			if kept&ir.RegsOf(i) == 0 && i != ir.SP && i != globalPointer {
				r[i] = value{unknown: unknown{in.Addr, uint8(i), merged}}
			}
		}
	}
}

// preserved are the registers that the calling convention has a function leave
// alone: rbx, rbp and r12 to r15; x19 to x29; s0 to s11.
var preserved = map[abi.Arch]ir.RegSet{
	abi.AMD64:   ir.RegsOf(ir.R7, ir.R9, ir.R12, ir.R13, ir.R14, ir.R15),
	abi.ARM64:   0x7ff << 19,
	abi.RISCV64: 0xfff << 16,
}

// asksForTLS reports whether a call is arm64's for the place of thread-local
// data, whose argument is in the GOT, and which changes nothing but its result.
func (l *linter) asksForTLS(in *isa.Instr, r *registers) bool {
	if l.Arch != abi.ARM64 || in.Flow != isa.CallsReg || !r[ir.R0].isNumber() {
		return false
	}
	s := l.SectionAt(ir.Addr(r[ir.R0].off))
	return s != nil && strings.HasPrefix(s.Name, ".got")
}

// address is the sum that an operand means.
func address(m ir.Mem, r *registers, name unknown) value {
	index := r[m.Index]
	if m.Scale > 0 && m.Index != ir.None {
		if index.isNumber() {
			index.off <<= m.Scale
		} else {
			index = value{unknown: name}
		}
	}
	return r[m.Base].plus(index, name).plus(number(m.Disp), name)
}

// constant returns the word at an address that the program doesn't change, such
// as a GOT's.
func (l *linter) constant(at ir.Addr) value {
	sec := l.SectionAt(at)
	if sec != nil && !sec.External && (!sec.Write || sec.Name == ".got" || sec.Name == ".data.rel.ro") {
		if b, ok := l.Bytes(at, 8); ok {
			return number(int64(l.Arch.ByteOrder().Uint64(b)))
		}
	}
	return value{unknown: unknown{at: at, kind: contents}}
}

// isDescriptor reports whether one of the sections' is there.
func (l *linter) isDescriptor(at ir.Addr) bool { return l.byDescriptor[at] != nil }
