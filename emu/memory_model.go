package emu

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// MemoryModel says in which order other CPUs may see a CPU's accesses. It is
// independent of the kernel's architecture, which decides on other things.
type MemoryModel uint8

// The models.
const (
	// SC: every access takes effect in the transition that makes it.
	SC MemoryModel = iota
	// TSO: a CPU's stores may wait in a first-in, first-out buffer while its
	// later loads take effect; x86 and s390x.
	TSO
	// ARM: besides, stores may overtake stores and loads, and loads loads, where
	// no dependency, fence, acquire or release orders them; all other CPUs see a
	// store at once. arm64, and RISC-V, whose rules are of the same class.
	ARM
	numMemoryModels
)

var memoryModelNames = [numMemoryModels]string{"sc", "tso", "arm"}

func (o MemoryModel) String() string { return memoryModelNames[o] }

// ParseMemoryModel reads a model's name: sc, tso or arm.
func ParseMemoryModel(name string) (MemoryModel, error) {
	for i, s := range memoryModelNames {
		if s == name {
			return MemoryModel(i), nil
		}
	}
	return SC, fmt.Errorf("unknown memory model %q (%s)", name, strings.Join(memoryModelNames[:], ", "))
}

// MemoryModel returns the machine's memory model.
func (m *Machine) MemoryModel() MemoryModel { return m.cfg.Memory }

// The bounds of what is out of order. Behaviour beyond them isn't covered.
const (
	// MaxPending is how many accesses of a CPU wait at a time. One more isn't
	// delayed: its CPU has to flush first, or makes it at once.
	MaxPending = 4
	// maxWrites is how many stores back a load may read. One more, and every
	// CPU has seen the oldest.
	maxWrites = 8
	// maxSeen is to how many places a CPU's view may differ from its floor.
	// One more raises the floor.
	maxSeen = 16
)

// view is how much of the log a CPU, or a register of it, has seen: the writes
// with a lower index.
type view uint8

// ordering is a CPU's part of the memory model. It is plain data, and all zero
// while the CPU is idle or in the kernel: both ways of a kernel entry are full
// barriers here.
type ordering struct {
	n       uint8 // accesses that were issued and wait to be performed
	pending [MaxPending]access

	// ARM's views. No load of the CPU may read what was overwritten before its
	// floor; release is its last release store, which an acquire must see, last
	// the youngest write of all it has loaded or stored (in programs with
	// indivisible operations); regs and flags depend on loads that had these views.
	floor, release, last, flags view
	regs                        [ir.NumRegs]view
	nSeen                       uint8
	seen                        [maxSeen]seen // sorted
}

// access is a store that isn't visible yet, or a load that has no value yet.
type access struct {
	addr    ir.Addr
	value   uint64 // a store's
	width   ir.Width
	load    bool
	release bool
	reg     ir.Reg // a load's, unbound until it is performed
	from    view   // what it depends on: its address, and a store's value
}

// seen is a place of which the CPU knows more than its floor says. Reading the
// CPU's own store before others did gives no view but that of what the store
// depended on.
type seen struct {
	addr  ir.Addr
	width ir.Width
	own   bool
	rmw   bool // by an indivisible operation, which an acquire waits for
	at    view
	from  view
}

// write is a store that some CPU may not have seen: undoing it is reading an
// older value.
type write struct {
	addr  ir.Addr
	width ir.Width
	space int8 // the address space
	old   [8]byte
}

// writes is the log of such stores, oldest first.
type writes struct {
	n   view
	log [maxWrites]write
}

func overlap(a ir.Addr, n ir.Width, b ir.Addr, k ir.Width) bool {
	return a < b+ir.Addr(k) && b < a+ir.Addr(n)
}

func within(a ir.Addr, n ir.Width, b ir.Addr, k ir.Width) bool {
	return a >= b && a+ir.Addr(n) <= b+ir.Addr(k)
}
