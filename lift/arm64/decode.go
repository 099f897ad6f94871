package arm64

import (
	"encoding/binary"
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// Decode lifts the instruction at the beginning of code, whose address is at. An
// error is an [*isa.Unsupported].
func Decode(code []byte, at ir.Addr) (isa.Instr, error) { return decode(code, at, false) }

// DecodeVector is Decode, but also lifts what carries data through vector
// registers, with their halves as [isa.Half]: the result is no instruction of
// package ir before [isa.Host] has replaced them.
func DecodeVector(code []byte, at ir.Addr) (isa.Instr, error) { return decode(code, at, true) }

func decode(code []byte, at ir.Addr, vectors bool) (isa.Instr, error) {
	if len(code) < ir.InstrSize {
		return isa.Instr{}, &isa.Unsupported{Addr: at, Code: append([]byte(nil), code...), Why: "cut off"}
	}
	l := lifter{word: binary.LittleEndian.Uint32(code), out: isa.Instr{Addr: at}, vectors: vectors}
	l.instruction()
	if l.n > ir.MaxOps {
		l.refuse("takes more than %d micro-ops", ir.MaxOps)
	}
	if l.why != "" {
		return isa.Instr{}, &isa.Unsupported{Addr: at, Code: append([]byte(nil), code[:ir.InstrSize]...), Why: l.why}
	}
	if l.n == 0 {
		l.op(ir.NewOp(ir.Nop))
	}
	l.out.IR = ir.NewInstr(l.ops[:l.n]...)
	l.out.IR.Locked = l.locked
	return l.out, nil
}

// lifter is an instruction on its way.
type lifter struct {
	word   uint32
	out    isa.Instr
	ops    [2 * ir.MaxOps]ir.Op
	n      int // micro-ops so far, those that don't fit included
	temps  int // temporaries in use
	locked bool
	// vectors: halves of vector registers are registers.
	vectors bool
	why     string // it isn't lifted
}

// unknown is why most instructions aren't lifted.
const unknown = "not in the vocabulary"

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

// bit returns bit n of the word.
func (l *lifter) bit(n int) bool { return l.word>>n&1 != 0 }

// signed returns the bits hi to lo of the word as a signed number.
func (l *lifter) signed(hi, lo int) int64 {
	n := 63 - (hi - lo)
	return int64(l.bits(hi, lo)) << n >> n
}

// instruction dispatches on the main groups of the encoding, bits 28 to 25.
func (l *lifter) instruction() {
	switch op0 := l.bits(28, 25); {
	case op0 == 0 && l.bits(31, 16) == 0:
		l.op(ir.Fault(ir.TrapUD))
		l.out.Flow = isa.Traps
		l.text("udf #%d", l.bits(15, 0))
	case op0&0b1110 == 0b1000:
		l.immediate()
	case op0&0b1110 == 0b1010:
		l.control()
	case op0&0b0101 == 0b0100:
		l.memory()
	case op0&0b0111 == 0b0101:
		l.register()
	case op0&0b0111 == 0b0111:
		l.vectorRegister()
	default:
		l.refuse(unknown)
	}
}

// The fields that most instructions have in the same place.
func (l *lifter) rd() uint32 { return l.bits(4, 0) }
func (l *lifter) rn() uint32 { return l.bits(9, 5) }
func (l *lifter) rm() uint32 { return l.bits(20, 16) }

// wide is bit 31: the operation is on 64 bits.
func (l *lifter) wide() bool { return l.bit(31) }

// width is the width of the operation.
func (l *lifter) width() ir.Width {
	if l.wide() {
		return ir.W8
	}
	return ir.W4
}

// widthMask is all ones, as wide as the operation.
func (l *lifter) widthMask() uint64 {
	if l.wide() {
		return 1<<64 - 1
	}
	return 1<<32 - 1
}

// orZero is the register of that number where 31 is xzr.
func orZero(n uint32) ir.Reg {
	if n == 31 {
		return ir.None
	}
	return ir.R(int(n))
}

// orSP is the register of that number where 31 is sp.
func orSP(n uint32) ir.Reg { return ir.R(int(n)) }

// source is the register of that number, or a temporary with 0 for xzr.
func (l *lifter) source(n uint32) ir.Reg {
	if n != 31 {
		return orZero(n)
	}
	t := l.temp()
	l.op(ir.MovImm(t, 0))
	return t
}

// loaded is where a load into the register of that number goes: there is no load
// without a destination.
func (l *lifter) loaded(n uint32) ir.Reg {
	if n == 31 {
		return l.temp()
	}
	return orZero(n)
}

// name is the assembler's name of a register where 31 is the zero register.
func name(n uint32, wide bool) string {
	switch {
	case n == 31 && wide:
		return "xzr"
	case n == 31:
		return "wzr"
	case wide:
		return fmt.Sprintf("x%d", n)
	}
	return fmt.Sprintf("w%d", n)
}

// nameSP is the assembler's name of a register where 31 is the stack pointer.
func nameSP(n uint32, wide bool) string {
	switch {
	case n == 31 && wide:
		return "sp"
	case n == 31:
		return "wsp"
	}
	return name(n, wide)
}

// The names of the operands of this width.
func (l *lifter) named(n uint32) string   { return name(n, l.wide()) }
func (l *lifter) namedSP(n uint32) string { return nameSP(n, l.wide()) }

// conditions are the conditions by number, in the words of the assembler and
// with C turned around. V alone is not one of package ir's.
var conditions = [16]struct {
	name string
	cond ir.Cond
}{
	{"eq", ir.Eq}, {"ne", ir.Ne}, {"cs", ir.Hs}, {"cc", ir.Lo}, {"mi", ir.Mi}, {"pl", ir.Pl}, {"vs", ir.Always}, {"vc", ir.Always},
	{"hi", ir.Hi}, {"ls", ir.Ls}, {"ge", ir.Ge}, {"lt", ir.Lt}, {"gt", ir.Gt}, {"le", ir.Le}, {"al", ir.Always}, {"nv", ir.Always},
}

// condition is the condition of that number.
func (l *lifter) condition(n uint32) ir.Cond {
	c := conditions[n]
	if c.cond == ir.Always {
		l.refuse("the condition %s", c.name)
	}
	return c.cond
}
