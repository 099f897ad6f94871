package symmetry

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// Kind says what a number is, and so what becomes of it when threads or CPUs
// change places.
type Kind struct {
	Is Is
	// Off is the distance from the beginning: of an object, of the per-CPU data. Of
	// a Fixed number it is the number itself, if Known.
	Off   int64
	Known bool
}

// Is is the sort of a kind.
type Is uint8

// The sorts.
const (
	Unset  Is = iota // never written, or only ever 0, which no renaming changes
	Fixed            // stays what it is
	CPU              // the number of a CPU
	Offset           // the distance of a CPU's per-CPU data from CPU 0's
	PerCPU           // an address in a CPU's per-CPU data
	Object           // 0, or an address in an object
	Mixed            // one or another: can't be told
)

var names = [...]string{"nothing", "a number", "a CPU's number", "a CPU's offset", "a per-CPU address", "an object's address", "one thing or another"}

func (k Kind) String() string { return names[k.Is] }

var (
	fixed = Kind{Is: Fixed}
	mixed = Kind{Is: Mixed}
)

func number(v int64) Kind {
	if v == 0 {
		return Kind{}
	}
	return Kind{Is: Fixed, Off: v, Known: true}
}

// plain reports whether a number is one with which anything can be done.
func (k Kind) plain() bool { return k.Is == Unset || k.Is == Fixed }

// join is the kind of what is one or the other.
func (k Kind) join(o Kind) Kind {
	switch {
	case k == o, o.Is == Unset && (k.Is == Fixed && !k.Known || k.Is == Object && k.Off == 0):
		return k
	case k.Is == Unset && (o.Is == Fixed && !o.Known || o.Is == Object && o.Off == 0):
		return o
	case k.plain() && o.plain():
		return fixed
	}
	return mixed
}

// add is the kind of a sum.
func (k Kind) add(o Kind) Kind {
	if o.Is > k.Is {
		k, o = o, k
	}
	switch {
	case o.Is == Unset:
		return k
	case k.Is == Fixed:
		if k.Known && o.Known {
			return number(k.Off + o.Off)
		}
		return fixed
	case o.Is == Fixed && o.Known:
		switch {
		case k.Is == Offset && o.Off >= int64(ir.PerCPUBase) && o.Off < int64(ir.PerCPUBase)+ir.MaxArea:
			return Kind{Is: PerCPU, Off: o.Off - int64(ir.PerCPUBase)}
		case k.Is == PerCPU || k.Is == Object:
			k.Off += o.Off
			return k
		}
	}
	return mixed
}

// problem is why there is no symmetry.
type problem struct {
	at  ir.Addr
	msg string
}

func (p *problem) describe(im *ir.Image) string {
	if p.at == 0 {
		return p.msg
	}
	return fmt.Sprintf("%s: %s", im.Where(p.at), p.msg)
}
