package vcpu

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Perm is what a segment allows.
type Perm uint8

// The permissions.
const (
	Read Perm = 1 << iota
	Write
	Exec
)

// Segment is a contiguous range of addresses with one permission.
type Segment struct {
	Name string
	Base ir.Addr
	Size uint64
	Perm Perm
	// off is the place in the mutable buffer; a segment that isn't writable
	// has its bytes in ro instead.
	off int
	ro  []byte
}

// Memory is an address space. The segment table and read-only bytes are
// shared by every copy; the rest is one buffer.
type Memory struct {
	segs []Segment
	rw   []byte
	hot  int // the segment of the last access: a cache, not state
	big  bool
	// reserved holds each CPU's load-linked address; 0 is none.
	reserved []ir.Addr
}

// NewMemory lays out a memory for the image with that many per-CPU areas,
// thread areas and stacks, in that order of addresses, filled with the
// program's initial values.
func NewMemory(im *ir.Image, cpus, threads int) *Memory {
	m := &Memory{big: im.Arch.ByteOrder() == binary.ByteOrder(binary.BigEndian), reserved: make([]ir.Addr, cpus)}
	add := func(name string, base ir.Addr, init []byte, stride uint64, n int) {
		if stride == 0 || n == 0 {
			return
		}
		m.segs = append(m.segs, Segment{Name: name, Base: base, Size: stride * uint64(n), Perm: Read | Write, off: len(m.rw)})
		for range n {
			at := len(m.rw)
			m.rw = append(m.rw, make([]byte, stride)...)
			copy(m.rw[at:], init)
		}
	}
	add("data", ir.DataBase, im.Data, uint64(len(im.Data)), 1)
	if len(im.PerCPU) > 0 {
		add("percpu", ir.PerCPUBase, im.PerCPU, 1<<im.PerCPUShift, cpus)
	}
	add("thread", ir.ThreadBase, im.Thread, im.ThreadStride, threads)
	add("stack", ir.StackBase, nil, im.StackSize, threads)
	m.segs = append(m.segs,
		Segment{Name: "rodata", Base: ir.RodataBase, Size: uint64(len(im.Rodata)), Perm: Read, ro: im.Rodata},
		Segment{Name: "code", Base: ir.CodeBase, Size: uint64(len(im.Code)), Perm: Read | Exec, ro: im.Code})
	return m
}

// Clone returns an address space of its own with the same contents, as fork
// makes one.
func (m *Memory) Clone() *Memory {
	c := *m
	c.rw = append([]byte(nil), m.rw...)
	c.reserved = append([]ir.Addr(nil), m.reserved...)
	return &c
}

// Mutable returns the bytes that can change, to be saved, compared, hashed or
// restored. The caller must keep the length.
func (m *Memory) Mutable() []byte { return m.rw }

// Reservations returns each CPU's load-linked address, to be saved and
// restored like Mutable.
func (m *Memory) Reservations() []ir.Addr { return m.reserved }

// Segments returns the segment table, which must not be changed.
func (m *Memory) Segments() []Segment { return m.segs }

// find returns the segment that holds all n bytes at a, or nil.
func (m *Memory) find(a ir.Addr, n uint64) *Segment {
	s := &m.segs[m.hot]
	if off := uint64(a - s.Base); off < s.Size && s.Size-off >= n {
		return s
	}
	for i := range m.segs {
		s := &m.segs[i]
		if off := uint64(a - s.Base); off < s.Size && s.Size-off >= n {
			m.hot = i
			return s
		}
	}
	return nil
}

// bytes returns the n bytes at a if all of them have the permission.
func (m *Memory) bytes(a ir.Addr, n uint64, need Perm) []byte {
	s := m.find(a, n)
	if s == nil || s.Perm&need != need {
		return nil
	}
	off := uint64(a - s.Base)
	if s.Perm&Write != 0 {
		off += uint64(s.off)
		return m.rw[off : off+n]
	}
	return s.ro[off : off+n]
}

// Load reads a number of 1, 2, 4 or 8 bytes in the architecture's order.
func (m *Memory) Load(a ir.Addr, w ir.Width) (v uint64, ok bool) {
	n := uint64(w.Bytes())
	b := m.bytes(a, n, Read)
	if b == nil {
		return 0, false
	}
	if m.big {
		return loadBig(b), true
	}
	switch n {
	case 8:
		return binary.LittleEndian.Uint64(b), true
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), true
	}
	return uint64(b[0]), true
}

func loadBig(b []byte) uint64 {
	switch len(b) {
	case 8:
		return binary.BigEndian.Uint64(b)
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	}
	return uint64(b[0])
}

// Store writes the low 1, 2, 4 or 8 bytes of v in the architecture's order and
// breaks other CPUs' reservations of them; cpu is the one that stores.
func (m *Memory) Store(cpu int, a ir.Addr, w ir.Width, v uint64) bool {
	n := uint64(w.Bytes())
	b := m.bytes(a, n, Write)
	if b == nil {
		return false
	}
	if m.big {
		v <<= 64 - 8*n
		for i := range b {
			b[i] = byte(v >> (56 - 8*i))
		}
	} else {
		switch n {
		case 8:
			binary.LittleEndian.PutUint64(b, v)
		case 4:
			binary.LittleEndian.PutUint32(b, uint32(v))
		case 2:
			binary.LittleEndian.PutUint16(b, uint16(v))
		default:
			b[0] = byte(v)
		}
	}
	for i, r := range m.reserved {
		if r != 0 && i != cpu && r&^7 == a&^7 {
			m.reserved[i] = 0
		}
	}
	return true
}

// Unreserve drops a CPU's reservation, as every entry to the kernel does.
func (m *Memory) Unreserve(cpu int) { m.reserved[cpu] = 0 }

// ReadBytes fills b from a, if all of it is readable. It is how a kernel
// copies from its user.
func (m *Memory) ReadBytes(a ir.Addr, b []byte) bool {
	src := m.bytes(a, uint64(len(b)), Read)
	if src == nil {
		return false
	}
	copy(b, src)
	return true
}

// WriteBytes writes b to a, if all of it is writable, as a kernel copies to
// its user.
func (m *Memory) WriteBytes(cpu int, a ir.Addr, b []byte) bool {
	dst := m.bytes(a, uint64(len(b)), Write)
	if dst == nil {
		return false
	}
	copy(dst, b)
	for i := range m.reserved {
		if r := m.reserved[i]; r != 0 && i != cpu && r+8 > a && r < a+ir.Addr(len(b)) {
			m.reserved[i] = 0
		}
	}
	return true
}

// LoadRSeqCS reads a critical-section descriptor.
func (m *Memory) LoadRSeqCS(a ir.Addr) (cs abi.RSeqCS, ok bool) {
	var b [abi.RSeqCSSize]byte
	if !m.ReadBytes(a, b[:]) {
		return cs, false
	}
	return abi.RSeqCS{
		Version:          uint32(m.number(b[abi.OffCSVersion:][:4])),
		Flags:            uint32(m.number(b[abi.OffCSFlags:][:4])),
		StartIP:          m.number(b[abi.OffCSStartIP:][:8]),
		PostCommitOffset: m.number(b[abi.OffCSPostCommitOffset:][:8]),
		AbortIP:          m.number(b[abi.OffCSAbortIP:][:8]),
	}, true
}

func (m *Memory) number(b []byte) uint64 {
	if m.big {
		return loadBig(b)
	}
	var v uint64
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}
