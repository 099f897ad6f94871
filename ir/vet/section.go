package vet

import (
	"cmp"
	"slices"
	"sort"

	"github.com/rseqemu/rseqemu/ir"
)

// section is a descriptor with what it points at. Instructions are meant by
// their index in the image; -1 is none.
type section struct {
	ir.PlacedSection
	index int    // in Image.Sections
	pos   ir.Pos // of its declaration

	// lo and hi bound the instructions that the kernel restarts:
	// start_ip <= address < post_commit_ip. Both are 0 if the range is none.
	lo, hi             int
	start, post, abort int
}

// placeSections returns the sections of an image.
func placeSections(im *ir.Image) []*section {
	var pos []ir.Pos
	for i := range im.Prog.Funcs {
		for _, s := range im.Prog.Funcs[i].Sections {
			pos = append(pos, s.Notes.Pos)
		}
	}
	all := make([]*section, len(im.Sections))
	for i, placed := range im.Sections {
		s := &section{
			PlacedSection: placed, index: i,
			start: im.Index(ir.Addr(placed.CS.StartIP)),
			post:  im.Index(ir.Addr(placed.CS.PostCommitIP())),
			abort: im.Index(ir.Addr(placed.CS.AbortIP)),
		}
		if i < len(pos) {
			s.pos = pos[i]
		}
		if rangeFault(im, s) == rangeGood {
			s.lo = firstFrom(im, s.CS.StartIP)
			s.hi = firstFrom(im, s.CS.PostCommitIP())
		}
		all[i] = s
	}
	return all
}

// firstFrom returns the index of the first instruction at the address or
// behind it.
func firstFrom(im *ir.Image, ip uint64) int {
	return sort.Search(len(im.Addrs), func(i int) bool { return uint64(im.Addrs[i]) >= ip })
}

// codeEnd is the first address behind the code.
func codeEnd(im *ir.Image) uint64 { return uint64(ir.CodeBase) + uint64(len(im.Code)) }

// rangeState says what is wrong with start_ip and post_commit_offset together.
type rangeState uint8

const (
	rangeGood rangeState = iota
	rangeEmpty
	rangeReversed // post_commit_ip lies before start_ip, as the difference of labels
	rangeWraps
	rangeBeyond // ends behind the code
)

func rangeFault(im *ir.Image, s *section) rangeState {
	cs := s.CS
	switch {
	case cs.PostCommitOffset == 0:
		return rangeEmpty
	case cs.PostCommitIP() < cs.StartIP && cs.PostCommitIP() >= uint64(ir.CodeBase):
		return rangeReversed
	case cs.PostCommitIP() < cs.StartIP:
		return rangeWraps
	case cs.PostCommitIP() > codeEnd(im):
		return rangeBeyond
	}
	return rangeGood
}

// contains reports whether instruction i is inside.
func (s *section) contains(i int) bool { return i >= s.lo && i < s.hi }

// sameRange reports whether two descriptors are for the same code.
func (s *section) sameRange(o *section) bool {
	return s.CS.StartIP == o.CS.StartIP && s.CS.PostCommitOffset == o.CS.PostCommitOffset
}

// byAddress returns the sections that have a range, by start_ip and then in
// the order of their descriptors.
func byAddress(all []*section) []*section {
	var list []*section
	for _, s := range all {
		if s.hi > 0 {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *section) int {
		return cmp.Or(cmp.Compare(a.CS.StartIP, b.CS.StartIP), cmp.Compare(a.index, b.index))
	})
	return list
}
