package conform

import (
	"fmt"
	"strconv"

	"github.com/rseqemu/rseqemu/ir"
)

// parseValue reads the number or name that a write stores.
func parseValue(s string) (ir.Value, error) {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return ir.Value{Off: n}, nil
	}
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return ir.Value{Off: int64(n)}, nil
	}
	if s[0] >= '0' && s[0] <= '9' || s[0] == '-' {
		return ir.Value{}, fmt.Errorf("%q: %w", s, errValue)
	}
	return ir.Value{Sym: s}, nil
}

func valueOf(im *ir.Image, v ir.Value) (uint64, error) {
	if v.Sym == "" {
		return uint64(v.Off), nil
	}
	a, ok := im.Symbols[v.Sym]
	if !ok {
		return 0, fmt.Errorf("%q: %w", v.Sym, errValue)
	}
	return uint64(a) + uint64(v.Off), nil
}

// Written returns what a write stores, and where.
func (a *Action) Written(v View) (ir.Addr, ir.Width, uint64, error) {
	at, width, err := a.Where.Place(v.Image, v.HostCPU)
	if err != nil {
		return 0, 0, 0, err
	}
	n, err := valueOf(v.Image, a.Value)
	return at, width, n, err
}
