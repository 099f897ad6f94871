package emu

import (
	"bytes"
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Difference says in what the program can tell two machines that run it apart,
// or "" if in nothing: how processes ended, where threads are, their registers,
// and memory. The threads' registered areas don't count by themselves, since
// what a kernel keeps there differs without the program noticing; what the
// program loads from them does.
func (m *Machine) Difference(o *Machine) string {
	for i := range m.procs {
		a, b := &m.procs[i], &o.procs[i]
		if a.done != b.done || a.done && a.exit != b.exit {
			return fmt.Sprintf("%s, but %s", m.fate(i), o.fate(i))
		}
	}
	for i := range m.tasks {
		if d := m.taskDifference(o, i); d != "" {
			return d
		}
	}
	return m.memoryDifference(o)
}

// fate says how process i fares.
func (m *Machine) fate(i int) string {
	p := &m.procs[i]
	switch {
	case !p.done:
		return fmt.Sprintf("on %s it lives", m.k)
	case p.exit.Signal == 0:
		return fmt.Sprintf("on %s it has ended", m.k)
	}
	return fmt.Sprintf("on %s t%d is killed by %s at %s (%s)", m.k, p.exit.Task, p.exit.Signal, m.im.Where(p.exit.IP), p.exit.Reason)
}

func (m *Machine) taskDifference(o *Machine, i int) string {
	a, b := &m.tasks[i], &o.tasks[i]
	switch {
	case a.alive() != b.alive():
		return fmt.Sprintf("t%d lives on one of %s and %s only", i, m.k, o.k)
	case a.regs.IP != b.regs.IP || a.regs.Micro != b.regs.Micro:
		return fmt.Sprintf("t%d is at %s on %s, but at %s on %s", i, m.im.Where(a.regs.IP), m.k, o.im.Where(b.regs.IP), o.k)
	case a.regs.Flags != b.regs.Flags:
		return fmt.Sprintf("t%d's flags are %04b on %s, but %04b on %s", i, a.regs.Flags, m.k, b.regs.Flags, o.k)
	case a.state != b.state || a.wait != b.wait:
		return fmt.Sprintf("t%d waits for %s on %s, but for %s on %s", i, waitNames[a.wait], m.k, waitNames[b.wait], o.k)
	}
	for r := range ir.T0 {
		if a.regs.R[r] != b.regs.R[r] {
			return fmt.Sprintf("t%d's %s is %s on %s, but %s on %s", i, r, m.im.ValueName(a.regs.R[r]), m.k, o.im.ValueName(b.regs.R[r]), o.k)
		}
	}
	return ""
}

// memoryDifference compares the address spaces in use, a word at a time.
func (m *Machine) memoryDifference(o *Machine) string {
	for i := range m.mms {
		if m.mms[i].users == 0 || bytes.Equal(m.mem[i].Mutable(), o.mem[i].Mutable()) {
			continue
		}
		for _, s := range m.mem[i].Segments() {
			for off := uint64(0); off+8 <= s.Size; off += 8 {
				a := s.Base + ir.Addr(off)
				v, ok := m.mem[i].Load(a, 8)
				w, _ := o.mem[i].Load(a, 8)
				if ok && v != w && !m.registered(i, a) {
					return fmt.Sprintf("%s is %s on %s, but %s on %s", m.im.DataName(a), m.im.ValueName(v), m.k, o.im.ValueName(w), o.k)
				}
			}
		}
	}
	return ""
}

// registered reports whether the address is in struct rseq of one of the
// address space's threads.
func (m *Machine) registered(space int, a ir.Addr) bool {
	for i := range m.tasks {
		t := &m.tasks[i]
		if t.state != taskUnused && int(m.procs[t.proc].mm) != space {
			continue
		}
		if base := m.im.TP(i); a >= base && a < base+ir.RSeqSpace {
			return true
		}
		if r := &t.rseq; r.area != 0 && a+8 > r.area && a < r.area+ir.Addr(max(r.length, abi.RSeqOrigSize)) {
			return true
		}
	}
	return false
}
