package ir

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
)

// MaxSize is the greatest length of an instruction's machine code: x86's.
const MaxSize = 15

// InvalidError says what is wrong with an instruction by itself, without the
// program around it.
type InvalidError struct {
	Op  int // index of the micro-op, or -1 for the instruction as a whole
	Msg string
}

func (e *InvalidError) Error() string { return e.Msg }

func invalid(op int, format string, args ...any) error {
	return &InvalidError{Op: op, Msg: fmt.Sprintf(format, args...)}
}

// Validate reports, as an [*InvalidError], why in is no instruction: a micro-op
// with an operand too few or too many, a temporary that is read before it is
// written, a branch that isn't last. Whether names are defined is for [Link]
// to say. An instruction that is valid prints and parses back to itself.
func (in *Instr) Validate() error {
	if in.N < 1 || in.N > MaxOps {
		return invalid(-1, "an instruction has 1 to %d micro-ops, not %d", MaxOps, in.N)
	}
	if in.Size > MaxSize {
		return invalid(-1, "an instruction is at most %d bytes long, not %d", MaxSize, in.Size)
	}
	var written [NumRegs]bool // temporaries
	access := false
	for i := range in.Micro() {
		o := &in.Ops[i]
		if err := o.validate(i); err != nil {
			return err
		}
		for _, r := range o.sources() {
			if r.Temp() && !written[r] {
				return invalid(i, "%v is read before this instruction writes it", r)
			}
		}
		if o.Dst.Temp() {
			written[o.Dst] = true
		}
		if o.ends() && i != int(in.N)-1 {
			return invalid(i, "%v must be the last micro-op of its instruction", o.Code)
		}
		access = access || o.Loads() || o.Stores()
	}
	if in.Locked && !access {
		return invalid(-1, "lock needs an access to memory")
	}
	return nil
}

// ends reports whether nothing of the instruction comes after the micro-op.
func (o *Op) ends() bool { return o.Branches() || o.Code == Syscall || o.Code == Trap }

// sources returns the registers that the micro-op reads, None among them.
func (o *Op) sources() [5]Reg {
	r := [5]Reg{o.A, o.B, o.Mem.Base, o.Mem.Index, None}
	if o.Code == Ins || o.Code == Cmpxchg {
		r[4] = o.Dst
	}
	return r
}

// validate holds the micro-op against its row of the vocabulary: whatever the
// row doesn't take must be absent.
func (o *Op) validate(i int) error {
	s := syntaxOf(o)
	if s == nil {
		if o.Code >= numOpcodes {
			return invalid(i, "there is no micro-op %v", o.Code)
		}
		return invalid(i, "%v has no flag mode %d", o.Code, o.Flags)
	}
	if !s.takes(o.Width) {
		if s.widths == 0 {
			return invalid(i, "%s takes no width", s.name)
		}
		return invalid(i, "%s needs a width of %s", s.name, widthList(s.widths))
	}
	if s.cond != (o.Cond > Always && o.Cond < numConds) || !s.cond && o.Cond != Always {
		if s.cond {
			return invalid(i, "%s needs a condition", s.name)
		}
		return invalid(i, "%s takes no condition", s.name)
	}
	if !s.ordered(o.Order) {
		return invalid(i, "%s can't have that memory order", s.name)
	}

	rest := NewOp(o.Code)
	rest.Width, rest.Flags, rest.Cond, rest.Order = o.Width, o.Flags, o.Cond, o.Order
	for _, slot := range []byte(s.form) {
		if msg := o.operand(slot, &rest); msg != "" {
			return invalid(i, "%s: %s", s.name, msg)
		}
	}
	if rest != *o {
		return invalid(i, "%s has an operand that it doesn't take", s.name)
	}
	return nil
}

// operand says what is wrong with one operand, and puts it into rest.
func (o *Op) operand(slot byte, rest *Op) string {
	switch slot {
	case 'd':
		rest.Dst = o.Dst
		switch {
		case o.Dst == TP:
			return "tp is never written"
		case o.Dst >= None:
			return "the destination is missing"
		}
	case 'a', 'A':
		rest.A = o.A
		return o.source(slot == 'A', o.A, rest)
	case 'b', 'B':
		rest.B = o.B
		return o.source(slot == 'B', o.B, rest)
	case 'm':
		rest.Mem = o.Mem
		switch {
		case o.Mem.Base > None || o.Mem.Index > None:
			return "the address has a register that doesn't exist"
		case o.Mem.Scale > 3:
			return fmt.Sprintf("an index is shifted by 0 to 3, not %d", o.Mem.Scale)
		case o.Mem.Scale != 0 && o.Mem.Index == None:
			return "the address has a scale and no index"
		}
	case 't':
		rest.Target, rest.TargetIP = o.Target, o.TargetIP
		if o.Target == "" {
			return "the target is missing"
		}
	case 's':
		rest.Imm = o.Imm
		if o.Imm != SyscallInR8 && (o.Imm < 0 || o.Imm > 255 || !abi.Syscall(o.Imm).Valid()) {
			return fmt.Sprintf("there is no system call %d", o.Imm)
		}
	case 'k':
		rest.Imm = o.Imm
		if o.Imm != TrapUD && o.Imm != TrapBrk {
			return fmt.Sprintf("there is no trap %d", o.Imm)
		}
	}
	return ""
}

// source checks a source operand, which is a register or, if it may be, an
// immediate.
func (o *Op) source(imm bool, r Reg, rest *Op) string {
	switch {
	case r < None:
	case r > None:
		return "an operand is a register that doesn't exist"
	case imm:
		rest.Sym, rest.Imm = o.Sym, o.Imm
	default:
		return "a source register is missing"
	}
	return ""
}

// ordered reports whether the row allows that memory order.
func (s *syntax) ordered(order Order) bool {
	if s.code == Fence {
		return order == FenceFull || order == FenceW || order == FenceR
	}
	return order == Plain || order == s.order
}

// widthList writes a set of widths for a message: ".1, .2 or .4".
func widthList(set uint16) string {
	switch set {
	case narrow:
		return ".1, .2 or .4"
	case anyWidth:
		return ".1, .2, .4 or .8"
	}
	panic("ir: BUG: widths without a name")
}
