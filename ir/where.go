package ir

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// Where names a code address as a person would: its function, the nearest label
// at or before it, and how many bytes behind: push, push.commit, push.start+8.
// An address outside of the code is a number.
func (im *Image) Where(ip Addr) string {
	for _, f := range im.Funcs {
		if ip < f.Entry || ip >= f.End {
			continue
		}
		name, base := f.Name, f.Entry
		for _, l := range f.Labels {
			if l.Addr <= ip && l.Addr >= base {
				name, base = f.Name+"."+l.Name, l.Addr
			}
		}
		if ip == base {
			return name
		}
		return fmt.Sprintf("%s+%d", name, ip-base)
	}
	switch ip {
	case ReturnIP:
		return "between calls"
	case im.Restorer:
		return "the signal restorer"
	}
	return fmt.Sprintf("%#x", uint64(ip))
}

// SectionAt returns the section that holds a code address, or nil: the ones of
// its function that the address is inside of.
func (im *Image) SectionAt(ip Addr) *PlacedSection {
	for i := range im.Sections {
		if s := &im.Sections[i]; s.CS.Contains(uint64(ip)) {
			return s
		}
	}
	return nil
}

// DataName names a data address: head on CPU 1, node+16, t0's rseq_cs. An
// address that belongs to nothing is a number.
func (im *Image) DataName(a Addr) string {
	for i := range im.Prog.Data {
		d := &im.Prog.Data[i]
		base := im.Symbols[d.Name]
		size := Addr(d.Width.Bytes() * d.Count)
		switch d.Kind {
		case PerCPU:
			if a < PerCPUBase || a >= ThreadBase {
				continue
			}
			cpu := (a - PerCPUBase) >> im.PerCPUShift
			if off := a - cpu<<im.PerCPUShift - base; off < size {
				return fmt.Sprintf("%s on c%d", plus(d.Name, off), cpu)
			}
		case PerThread:
			if t, off, ok := im.thread(a); ok && Addr(off)-base < size {
				return fmt.Sprintf("%s of t%d", plus(d.Name, Addr(off)-base), t)
			}
		default:
			if a-base < size {
				return plus(d.Name, a-base)
			}
		}
	}
	for _, s := range im.Sections {
		if a-s.Addr < 32 {
			return plus(s.Name, a-s.Addr)
		}
	}
	if t, off, ok := im.thread(a); ok {
		if f, ok := areaFields[off]; ok {
			return fmt.Sprintf("%s of t%d", f, t)
		}
		return fmt.Sprintf("tp%+d of t%d", off, t)
	}
	if im.StackSize > 0 && a >= StackBase {
		return fmt.Sprintf("the stack of t%d at %#x", uint64(a-StackBase)/im.StackSize, uint64(a))
	}
	return fmt.Sprintf("%#x", uint64(a))
}

var areaFields = map[int64]string{0: "cpu_id_start", 4: "cpu_id", 8: "rseq_cs", 16: "flags", 20: "node_id", 24: "mm_cid", 28: "slice_ctrl"}

// thread says whose thread area holds the address, and how far it is from the
// thread pointer.
func (im *Image) thread(a Addr) (t int, off int64, ok bool) {
	if a < ThreadBase || a >= StackBase || im.ThreadStride == 0 {
		return 0, 0, false
	}
	t = int(uint64(a-ThreadBase) / im.ThreadStride)
	return t, int64(a - im.TP(t)), true
}

func plus(name string, off Addr) string {
	if off == 0 {
		return name
	}
	return fmt.Sprintf("%s+%d", name, off)
}

// ValueName prints a number for a person: an address of the program by its
// name, a negative errno by its, a small number in decimal, and anything else
// in hexadecimal.
func (im *Image) ValueName(v uint64) string {
	a := Addr(v)
	switch {
	case v < 4096:
		return fmt.Sprint(v)
	case int64(v) > -4096 && int64(v) < 0:
		if e, ok := abi.ErrnoOf(v); ok && strings.HasPrefix(e.String(), "E") {
			return "-" + e.String()
		}
		return fmt.Sprint(int64(v))
	case a >= CodeBase && a < RodataBase && im.Index(a) >= 0:
		return im.Where(a)
	case a >= RodataBase && a < StackBase:
		return im.DataName(a)
	}
	return fmt.Sprintf("%#x", v)
}
