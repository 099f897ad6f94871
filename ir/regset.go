package ir

// RegSet is a set of r0..r31 and the flags, a bit each. The thread pointer,
// which no instruction writes, and a bundle's temporaries are in none.
type RegSet uint64

// FlagsReg is the set of the flags, all four as one.
const FlagsReg RegSet = 1 << 32

// AllRegs is the set of everything.
const AllRegs = FlagsReg<<1 - 1

// RegsOf returns the set of the registers among those given.
func RegsOf(regs ...Reg) (s RegSet) {
	for _, r := range regs {
		if r <= R31 {
			s |= 1 << r
		}
	}
	return s
}

// Reads returns the registers that a micro-op uses. A call or a system call
// uses more, which is for the caller to know; a return is taken to hand over r0
// and r1.
func (o *Op) Reads() RegSet {
	s := RegsOf(o.A, o.B, o.Mem.Base, o.Mem.Index)
	switch o.Code {
	case Ins, Cmpxchg:
		s |= RegsOf(o.Dst)
	case Br, Csel, Flipc:
		s |= FlagsReg
	case Ret:
		s |= RegsOf(R0, R1, LR)
	}
	return s
}

// Writes returns what a micro-op may change.
func (o *Op) Writes() RegSet {
	s := RegsOf(o.Dst)
	if o.Flags != NoFlags || o.Code == Bit || o.Code == Flipc || o.Code == Cmpxchg {
		s |= FlagsReg
	}
	return s
}

// Kills returns what is surely gone after a micro-op.
func (o *Op) Kills() RegSet {
	s := RegsOf(o.Dst)
	if o.Code == Ins {
		s = 0
	}
	if o.Flags == SetFlags {
		s |= FlagsReg
	}
	return s
}
