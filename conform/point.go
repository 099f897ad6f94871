package conform

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// Point is a boundary between two instructions: Plus instructions behind a
// label, or behind a function's entry. It counts instructions and not bytes, so
// that it means the same in machine code of any architecture.
type Point struct {
	Func  string
	Label string // empty: the function's entry
	Plus  int
}

// String returns the point as a case file writes it: op.start+2.
func (p Point) String() string {
	s := p.Func
	if p.Label != "" {
		s += "." + p.Label
	}
	if p.Plus != 0 {
		s += "+" + strconv.Itoa(p.Plus)
	}
	return s
}

// ParsePoint reads what String prints.
func ParsePoint(s string) (Point, error) {
	var p Point
	name, plus, hasPlus := strings.Cut(s, "+")
	if hasPlus {
		n, err := strconv.ParseUint(plus, 10, 16)
		if err != nil {
			return p, fmt.Errorf("%q is no number of instructions, in point %q", plus, s)
		}
		p.Plus = int(n)
	}
	p.Func, p.Label, _ = strings.Cut(name, ".")
	if p.Func == "" {
		return p, fmt.Errorf("%q is no point: want a function's name, a label of it and a number of instructions, such as op.start+2", s)
	}
	return p, nil
}

// Addr returns the point's address in a linked program.
func (p Point) Addr(im *ir.Image) (ir.Addr, error) {
	f, ok := im.Func(p.Func)
	if !ok {
		return 0, fmt.Errorf("point %v: there is no function %q", p, p.Func)
	}
	at := f.Entry
	if p.Label != "" {
		found := false
		for _, l := range f.Labels {
			if l.Name == p.Label {
				at, found = l.Addr, true
			}
		}
		if !found {
			return 0, fmt.Errorf("point %v: function %s has no label %q", p, p.Func, p.Label)
		}
	}
	i := im.Index(at)
	if i < 0 || i+p.Plus >= len(im.Addrs) || im.Addrs[i+p.Plus] >= f.End {
		return 0, fmt.Errorf("point %v: no instruction of %s is there", p, p.Func)
	}
	return im.Addrs[i+p.Plus], nil
}

// PointAt names a code address. It is the nearest label at or before it plus a
// number of instructions, and not a Point if the address isn't a boundary.
func PointAt(im *ir.Image, ip ir.Addr) (Point, bool) {
	i := im.Index(ip)
	if i < 0 {
		return Point{}, false
	}
	for _, f := range im.Funcs {
		if ip < f.Entry || ip >= f.End {
			continue
		}
		p, base := Point{Func: f.Name}, f.Entry
		for _, l := range f.Labels {
			if l.Addr <= ip && l.Addr >= base && !strings.HasPrefix(l.Name, awakeLabel) {
				p.Label, base = l.Name, l.Addr
			}
		}
		for im.Addrs[i] > base {
			i--
			p.Plus++
		}
		return p, true
	}
	return Point{}, false
}
