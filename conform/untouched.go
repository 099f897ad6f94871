package conform

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// UntouchedPages are the pages that [Case.Untouched] names, in the image of the
// case's program that a target has: of per-CPU data those of all CPUs.
func (c *Case) UntouchedPages(im *ir.Image) emu.Absent {
	all := emu.Absent{}
	for _, name := range c.Untouched {
		at, size, ok := placeOf(im, name)
		for page := pageOf(at); ok && page < at+ir.Addr(size); page += emu.PageSize {
			all[page] = true
		}
	}
	return all
}

// placeOf returns where data or a descriptor is and how long.
func placeOf(im *ir.Image, name string) (at ir.Addr, size uint64, ok bool) {
	for i := range im.Sections {
		if s := &im.Sections[i]; s.Name == name {
			return s.Addr, abi.RSeqCSSize, true
		}
	}
	for i := range im.Prog.Data {
		if d := &im.Prog.Data[i]; d.Name == name && d.Kind != ir.PerThread {
			size = uint64(d.Width.Bytes() * d.Count)
			if d.Kind == ir.PerCPU {
				size += (emu.MaxCPUs - 1) << im.PerCPUShift
			}
			return im.Symbols[name], size, true
		}
	}
	return 0, 0, false
}

// touches returns what the case's stops look at or write to in untouched pages, which
// would touch them.
func (c *Case) touches(im *ir.Image) (Observation, bool) {
	pages := c.UntouchedPages(im)
	for _, s := range c.Stops {
		for _, a := range s.Actions {
			for _, o := range append(a.Look, a.Where) {
				if !o.inMemory() {
					continue
				}
				at, _, err := o.Place(im, func(n int) int { return n })
				if err == nil && pages[pageOf(at)] {
					return o, true
				}
			}
		}
	}
	return Observation{}, false
}

// pageOf is the address of the page that an address is on.
func pageOf(a ir.Addr) ir.Addr { return a &^ (emu.PageSize - 1) }
