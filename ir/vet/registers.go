package vet

import "github.com/rseqemu/rseqemu/ir"

// regSet is a set of r0..r31 and the flags.
type regSet uint64

const flags regSet = 1 << 32

func setOf(regs ...ir.Reg) (s regSet) {
	for _, r := range regs {
		if r <= ir.R31 {
			s |= 1 << r
		}
	}
	return s
}

// reads returns the registers that a micro-op uses, temporaries left out. A
// call or a system call uses more, which is for the caller to know.
func reads(o *ir.Op) regSet {
	s := setOf(o.A, o.B, o.Mem.Base, o.Mem.Index)
	switch o.Code {
	case ir.Ins, ir.Cmpxchg:
		s |= setOf(o.Dst)
	case ir.Br, ir.Csel, ir.Flipc:
		s |= flags
	case ir.Ret:
		s |= setOf(ir.R0, ir.R1, ir.LR)
	}
	return s
}

// readsTemp reports whether a micro-op uses a temporary of its bundle.
func readsTemp(o *ir.Op) bool {
	return o.A.Temp() || o.B.Temp() || o.Mem.Base.Temp() || o.Mem.Index.Temp()
}

// writes returns what a micro-op may change.
func writes(o *ir.Op) regSet {
	s := setOf(o.Dst)
	if setsFlags(o) {
		s |= flags
	}
	return s
}

// kills returns what is surely gone after a micro-op.
func kills(o *ir.Op) regSet {
	s := setOf(o.Dst)
	if o.Code == ir.Ins {
		s = 0
	}
	if o.Flags == ir.SetFlags {
		s |= flags
	}
	return s
}

func setsFlags(o *ir.Op) bool {
	return o.Flags != ir.NoFlags || o.Code == ir.Bit || o.Code == ir.Flipc || o.Code == ir.Cmpxchg
}
