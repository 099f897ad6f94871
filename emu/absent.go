package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Absent are pages, each by the address of its first byte, that are mapped and not
// in memory: nobody has touched them yet, or they were thrown out. An access that
// can wait brings them in and never tells. From 6.19 on the last step of the way to
// user mode can't wait: a page that isn't there is a fault to it, and the slow path
// does all the work again (booted: an rseq_cs that points into such a page).
type Absent map[ir.Addr]bool

// PageSize is what a page has, in bytes.
const PageSize = 4096

// Touch takes the pages of n bytes out.
func (a Absent) Touch(at ir.Addr, n uint64) {
	for page := at &^ (PageSize - 1); uint64(page) < uint64(at)+n; page += PageSize {
		delete(a, page)
	}
}

// has reports whether one of the pages of n bytes isn't there.
func (a Absent) has(at ir.Addr, n uint64) bool {
	return a[at&^(PageSize-1)] || a[(at+ir.Addr(n)-1)&^(PageSize-1)]
}

// SetAbsent says which pages of the first process aren't there from now on; of the
// page that the thread's area is on, that it can't be written to yet, as behind a
// fork, which the first store copies. What the kernel reads of descriptors and
// signatures it takes out, and the area's when it clears rseq_cs, but not when it
// writes ids: they are in order then, and to fail once more shows only in counters. What
// the program touches, [Machine.NextAccess] tells, and the caller takes out. nil is how a
// machine begins.
// Going back to a snapshot puts nothing back.
func (m *Machine) SetAbsent(a Absent) { m.absent = a }

// reaches reports whether the kernel gets at what it is about to read, up to a page,
// of a descriptor or a signature, and at the rseq_cs that it then clears.
func (m *Machine) reaches(t *task, at ir.Addr, n uint64) bool {
	switch {
	case m.absent == nil || t.proc != 0:
		return true
	case m.fast:
		return !m.absent.has(at, n) && !m.absent.has(t.rseq.area, abi.RSeqOrigSize)
	}
	m.absent.Touch(at, n)
	m.absent.Touch(t.rseq.area, abi.RSeqOrigSize)
	return true
}
