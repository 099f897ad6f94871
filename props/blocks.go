package props

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Blocks demands that nothing uses a block of memory that is free. At first all
// are in use. A block becomes free when a call of a free function begins that is
// given its address, and is in use again if that call returns other than 0; or
// when a call of a retire function returns its address. It is in use again when a
// call of an alloc function returns its address.
//
// While it is free, only instructions of these functions may access it, as those
// of an allocator do that keeps a list in the blocks. Any other thread that is
// about to, in its next step, breaks the property, and so does freeing it again.
// What the kernel accesses in system calls is not looked at.
func Blocks(decl ir.Blocks) explore.Factory {
	return func(m *emu.Machine) (explore.Property, error) {
		im := m.Image()
		b := &blocks{name: decl.String(), size: ir.Addr(decl.Size), may: make([]bool, len(im.Instrs))}
		roles := map[string]int{}
		for role, funcs := range [...][]string{allocs: decl.Alloc, frees: decl.Free, retires: decl.Retire} {
			for _, name := range funcs {
				f, ok := im.Func(name)
				if !ok {
					return nil, fmt.Errorf("%s: the program has no function %q", b.name, name)
				}
				roles[name] = role
				for i, a := range im.Addrs {
					b.may[i] = b.may[i] || a >= f.Entry && a < f.End
				}
			}
		}
		b.ops = opsOf(im.Prog, im, roles)
		b.call = slices.Repeat([]int16{none}, len(b.ops))
		return b, nil
	}
}

// The roles.
const (
	allocs = iota
	frees
	retires
)

type blocks struct {
	name string
	size ir.Addr
	ops  [][]Op  // by thread and call
	may  []bool  // by instruction: it may access a free block
	call []int16 // by thread: the call under way, or none
	free []ir.Addr
	buf  []vcpu.Access
	// again is a block that was freed when it was free, by a thread.
	again ir.Addr
	by    emu.TaskID
}

func (b *blocks) Observe(e emu.Event) {
	t := int(e.Task)
	if e.Kind > emu.EvReturn || t >= len(b.ops) {
		return
	}
	if e.Kind == emu.EvInvoke {
		b.call[t] = none
		if op := b.ops[t][e.A]; op.Role >= 0 {
			b.call[t] = int16(e.A)
			if op.Role == frees {
				b.freed(e.Task, ir.Addr(op.Args[0]))
			}
		}
		return
	}
	if b.call[t] == none {
		return
	}
	op := b.ops[t][b.call[t]]
	b.call[t] = none
	switch {
	case e.A == 0: // nothing was allocated, or retired; or it was freed
	case op.Role == allocs:
		b.used(ir.Addr(e.A))
	case op.Role == frees:
		b.used(ir.Addr(op.Args[0]))
	case op.Role == retires:
		b.freed(e.Task, ir.Addr(e.A))
	}
}

func (b *blocks) freed(t emu.TaskID, a ir.Addr) {
	i, already := slices.BinarySearch(b.free, a)
	if already {
		b.again, b.by = a, t
		return
	}
	b.free = slices.Insert(b.free, i, a)
}

func (b *blocks) used(a ir.Addr) {
	if i, ok := slices.BinarySearch(b.free, a); ok {
		b.free = slices.Delete(b.free, i, i+1)
	}
}

func (b *blocks) After(m *emu.Machine, _ emu.Choice) *explore.Violation {
	if b.again != 0 {
		return &explore.Violation{Property: b.name, Message: fmt.Sprintf("t%d frees %s, which is free", b.by, m.Image().DataName(b.again))}
	}
	if len(b.free) == 0 {
		return nil
	}
	for c := range emu.CPUID(m.CPUs()) {
		t, ok := m.Running(c)
		if !ok || m.Memory(t) != m.Memory(0) {
			continue
		}
		if i := m.Image().Index(m.Next(t)); i >= 0 && b.may[i] {
			continue
		}
		b.buf, _ = m.NextAccess(c, b.buf[:0])
		for _, a := range b.buf {
			for _, f := range b.free {
				if a.Addr < f+b.size && f < a.Addr+ir.Addr(a.Width) {
					return &explore.Violation{Property: b.name, Message: fmt.Sprintf("next %s, which is in the free block %s", does(m, t, a), m.Image().DataName(f))}
				}
			}
		}
	}
	return nil
}

func (b *blocks) AtEnd(*emu.Machine) *explore.Violation { return nil }

// AppendState appends the calls under way and the free blocks.
func (b *blocks) AppendState(s []byte) []byte {
	for _, c := range b.call {
		s = binary.LittleEndian.AppendUint16(s, uint16(c))
	}
	s = binary.AppendUvarint(s, uint64(len(b.free)))
	for _, a := range b.free {
		s = binary.AppendUvarint(s, uint64(a))
	}
	return s
}

var errBlocks = errors.New("not the state of blocks")

// SetState reads what AppendState wrote.
func (b *blocks) SetState(s []byte) ([]byte, error) {
	b.again = 0
	if len(s) < 2*len(b.call) {
		return nil, errBlocks
	}
	for t := range b.call {
		c := int16(binary.LittleEndian.Uint16(s))
		if c != none && (c < 0 || int(c) >= len(b.ops[t]) || b.ops[t][c].Role < 0) {
			return nil, errBlocks
		}
		b.call[t] = c
		s = s[2:]
	}
	n, k := binary.Uvarint(s)
	if k <= 0 || n > uint64(len(s)) {
		return nil, errBlocks
	}
	s, b.free = s[k:], b.free[:0]
	for range n {
		a, k := binary.Uvarint(s)
		if k <= 0 || len(b.free) > 0 && ir.Addr(a) <= b.free[len(b.free)-1] {
			return nil, errBlocks
		}
		b.free = append(b.free, ir.Addr(a))
		s = s[k:]
	}
	return s, nil
}
