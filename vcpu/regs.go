package vcpu

import "github.com/rseqemu/rseqemu/ir"

// Flag bits.
const (
	FlagV uint8 = 1 << iota
	FlagC       // carry of an addition, borrow of a subtraction
	FlagZ
	FlagN
)

// sink swallows writes to ir.None, so that None itself always reads zero.
const sink = ir.Reg(ir.NumRegs)

// Regs are the registers of a thread. They hold no pointer and are copied to
// be saved.
type Regs struct {
	R  [ir.NumRegs + 1]uint64
	IP ir.Addr
	// Micro is the index of the next micro-op of the instruction at IP; not
	// zero only between two memory accesses of an unlocked instruction.
	Micro uint8
	Flags uint8
}

// Boundary reports whether the thread is between instructions, where the
// kernel can take control.
func (r *Regs) Boundary() bool { return r.Micro == 0 }

// SetIP sends the thread to another instruction.
func (r *Regs) SetIP(ip ir.Addr) { r.IP, r.Micro = ip, 0 }

// conds answers by table whether a condition holds: bit f of element c, for
// flags f.
var conds = func() (t [16]uint16) {
	for c := range ir.Cond(len(t)) {
		for f := range uint8(16) {
			if holds(c, f) {
				t[c] |= 1 << f
			}
		}
	}
	return t
}()

// cond reports whether a condition holds.
func cond(c ir.Cond, f uint8) bool { return conds[c%16]>>(f%16)&1 != 0 }

func holds(c ir.Cond, f uint8) bool {
	switch c {
	case ir.Always:
		return true
	case ir.Eq:
		return f&FlagZ != 0
	case ir.Ne:
		return f&FlagZ == 0
	case ir.Lo:
		return f&FlagC != 0
	case ir.Hs:
		return f&FlagC == 0
	case ir.Ls:
		return f&(FlagC|FlagZ) != 0
	case ir.Hi:
		return f&(FlagC|FlagZ) == 0
	case ir.Lt:
		return (f&FlagN != 0) != (f&FlagV != 0)
	case ir.Ge:
		return (f&FlagN != 0) == (f&FlagV != 0)
	case ir.Le:
		return f&FlagZ != 0 || (f&FlagN != 0) != (f&FlagV != 0)
	case ir.Gt:
		return f&FlagZ == 0 && (f&FlagN != 0) == (f&FlagV != 0)
	case ir.Mi:
		return f&FlagN != 0
	case ir.Pl:
		return f&FlagN == 0
	}
	return false
}
