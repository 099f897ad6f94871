package ir

import "fmt"

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
