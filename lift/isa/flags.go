package isa

import "github.com/rseqemu/rseqemu/ir"

// Flags is a set of flags.
type Flags uint8

// The flags.
const (
	N Flags = 1 << iota
	Z
	C
	V
)

// String returns the flags' letters, "NV", or "-" for none.
func (f Flags) String() string {
	s := ""
	for i, c := range "NZCV" {
		if f>>i&1 != 0 {
			s += string(c)
		}
	}
	if s == "" {
		return "-"
	}
	return s
}

// Reads returns the flags that decide what a micro-op does.
func Reads(o *ir.Op) Flags {
	switch o.Code {
	case ir.Flipc:
		return C
	case ir.Br, ir.Csel:
		return conds[o.Cond]
	}
	return 0
}

// Sets returns the flags that a micro-op gives a new value, whatever they were
// before.
func Sets(o *ir.Op) Flags {
	switch {
	case o.Code == ir.Bit:
		return C
	case o.Code == ir.Cmpxchg:
		return Z
	case o.Flags == ir.SetFlags:
		return N | Z | C | V
	case o.Flags == ir.KeepC:
		return N | Z | V
	}
	return 0
}

var conds = map[ir.Cond]Flags{
	ir.Eq: Z, ir.Ne: Z, ir.Lo: C, ir.Hs: C, ir.Ls: C | Z, ir.Hi: C | Z,
	ir.Lt: N | V, ir.Ge: N | V, ir.Le: Z | N | V, ir.Gt: Z | N | V, ir.Mi: N, ir.Pl: N,
}
