package vet

import "github.com/rseqemu/rseqemu/ir"

// readsTemp reports whether a micro-op uses a temporary of its bundle.
func readsTemp(o *ir.Op) bool {
	return o.A.Temp() || o.B.Temp() || o.Mem.Base.Temp() || o.Mem.Index.Temp()
}
