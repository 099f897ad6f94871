package riscv64

import (
	"encoding/binary"
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// Decode lifts the instruction at the beginning of code, whose address is at. An
// error is an [*isa.Unsupported].
func Decode(code []byte, at ir.Addr) (isa.Instr, error) {
	l := lifter{out: isa.Instr{Addr: at}}
	size, why := l.fetch(code)
	if why == "" {
		l.instruction()
		if l.n > ir.MaxOps {
			l.refuse("takes more than %d micro-ops", ir.MaxOps)
		}
		why = l.why
	}
	if why != "" {
		return isa.Instr{}, &isa.Unsupported{Addr: at, Code: append([]byte(nil), code[:size]...), Why: why}
	}
	if l.n == 0 {
		l.op(ir.NewOp(ir.Nop))
	}
	l.out.IR = ir.NewInstr(l.ops[:l.n]...).Sized(uint8(size))
	l.out.IR.Locked = l.locked
	return l.out, nil
}

// lifter is an instruction on its way.
type lifter struct {
	word   uint32 // expanded
	short  bool   // it is two bytes long
	out    isa.Instr
	ops    [2 * ir.MaxOps]ir.Op
	n      int // micro-ops so far, those that don't fit included
	temps  int // temporaries in use
	locked bool
	why    string // it isn't lifted
}

// unknown is why most instructions aren't lifted.
const unknown = "not in the vocabulary"

// fetch gets the instruction's word, expanded if it is a short one, and says how
// many bytes of the code it is, or why it is none.
func (l *lifter) fetch(code []byte) (size int, why string) {
	switch {
	case len(code) < 2:
		return len(code), "cut off"
	case code[0]&3 != 3:
		half := binary.LittleEndian.Uint16(code)
		l.short = true
		l.word, why = expand(half)
		return 2, why
	case code[0]&0x1f == 0x1f:
		return 2, "longer than four bytes"
	case len(code) < 4:
		return len(code), "cut off"
	}
	l.word = binary.LittleEndian.Uint32(code)
	return 4, ""
}

// refuse says why the instruction isn't lifted. The first reason counts.
func (l *lifter) refuse(format string, args ...any) {
	if l.why == "" {
		l.why = fmt.Sprintf(format, args...)
	}
}

// text sets the instruction's text.
func (l *lifter) text(format string, args ...any) { l.out.Text = fmt.Sprintf(format, args...) }

// op appends a micro-op.
func (l *lifter) op(o ir.Op) {
	if l.n < len(l.ops) {
		l.ops[l.n] = o
	}
	l.n++
}

// temp returns a temporary that the instruction doesn't use yet.
func (l *lifter) temp() ir.Reg {
	l.temps++
	switch l.temps {
	case 1:
		return ir.T0
	case 2:
		return ir.T1
	}
	l.refuse("takes more than two temporaries")
	return ir.T1
}

// bits returns the bits hi to lo of the word.
func (l *lifter) bits(hi, lo int) uint32 { return l.word >> lo & (1<<(hi-lo+1) - 1) }

// The fields that instructions have in the same place.
func (l *lifter) rd() uint32     { return l.bits(11, 7) }
func (l *lifter) rs1() uint32    { return l.bits(19, 15) }
func (l *lifter) rs2() uint32    { return l.bits(24, 20) }
func (l *lifter) funct3() uint32 { return l.bits(14, 12) }

// The immediates of the formats I, S, B, U and J.
func (l *lifter) immI() int64 { return int64(int32(l.word) >> 20) }
func (l *lifter) immS() int64 { return int64(int32(l.word)>>25<<5) | int64(l.rd()) }
func (l *lifter) immU() int64 { return int64(int32(l.word &^ 0xfff)) }
func (l *lifter) immB() int64 {
	return int64(int32(l.word)>>31<<12) | int64(l.bits(7, 7)<<11|l.bits(30, 25)<<5|l.bits(11, 8)<<1)
}
func (l *lifter) immJ() int64 {
	return int64(int32(l.word)>>31<<20) | int64(l.bits(19, 12)<<12|l.bits(20, 20)<<11|l.bits(30, 21)<<1)
}

// instruction dispatches on the opcode.
func (l *lifter) instruction() {
	switch l.bits(6, 0) {
	case opLoad:
		l.load()
	case opStore:
		l.store()
	case opImm, opImm32:
		l.immediate()
	case opReg, opReg32:
		l.register()
	case opLui:
		l.text("lui %s,%#x", names[l.rd()], l.bits(31, 12))
		if d := l.dest(); d != ir.None {
			l.op(ir.MovImm(d, l.immU()))
			l.out.Refs = []isa.Ref{{Op: 0, Page: true, Guess: true}}
		}
	case opAuipc:
		l.text("auipc %s,%#x", names[l.rd()], l.bits(31, 12))
		if d := l.dest(); d != ir.None {
			l.op(ir.MovImm(d, int64(l.out.Addr)+l.immU()))
			l.out.Refs = []isa.Ref{{Op: 0, Page: true}}
		}
	case opBranch:
		l.branch()
	case opJal:
		l.jump()
	case opJalr:
		l.jumpRegister()
	case opFence:
		l.fence()
	case opAtomic:
		l.atomic()
	case opSystem:
		l.system()
	case 0x07, 0x27, 0x43, 0x47, 0x4b, 0x4f, 0x53, 0x57:
		l.refuse("floating point or vectors")
	default:
		l.refuse(unknown)
	}
}

// The opcodes, bits 6 to 0.
const (
	opLoad   = 0x03
	opFence  = 0x0f
	opImm    = 0x13
	opAuipc  = 0x17
	opImm32  = 0x1b
	opStore  = 0x23
	opAtomic = 0x2f
	opReg    = 0x33
	opLui    = 0x37
	opReg32  = 0x3b
	opBranch = 0x63
	opJalr   = 0x67
	opJal    = 0x6f
	opSystem = 0x73
)
