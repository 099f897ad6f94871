package native

import "github.com/rseqemu/rseqemu/ir"

// readsFlags reports whether the instruction reads flags that it hasn't set.
func readsFlags(in *ir.Instr) bool {
	for _, o := range in.Micro() {
		if o.Code == ir.Br || o.Code == ir.Csel || o.Code == ir.Flipc || o.Flags == ir.KeepC {
			return true
		}
		if sets(&o) {
			return false
		}
	}
	return false
}

func setsFlags(in *ir.Instr) bool {
	for _, o := range in.Micro() {
		if sets(&o) {
			return true
		}
	}
	return false
}

func sets(o *ir.Op) bool { return o.Flags == ir.SetFlags || o.Code == ir.Cmpxchg || o.Code == ir.Bit }
