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
	big  bool
	// reserved holds each CPU's load-linked address; 0 is none.
	reserved []ir.Addr
	// read and write are views of the segments with that permission, each at
	// the slot of its first address: a lookup that hardly ever misses. The first
	// half is for accesses through the thread pointer, the second for all
	// others, which differs in a memory that is guarded.
	read, write [2 * slots]view
	guarded     bool
	cpu         int // whose per-CPU area a guarded memory's second half has
	strayed     Stray
	part        bool // whatever the views don't have is not mapped
}

// view is a segment's bytes.
type view struct {
	base  ir.Addr
	bytes []byte
}

// slots is the number of views of a half; the address map has a segment in every
// megabyte.
const slots = 8

func slot(a ir.Addr) ir.Addr { return a >> 20 % slots }

// NewMemory lays out a memory for the image with that many per-CPU areas,
// thread areas and stacks, in that order of addresses, filled with the
// program's initial values.
func NewMemory(im *ir.Image, cpus, threads int) *Memory {
	m := &Memory{big: bigEndian(im), reserved: make([]ir.Addr, cpus)}
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
	m.open()
	return m
}

// open fills in the views.
func (m *Memory) open() {
	for i := range m.segs {
		s := &m.segs[i]
		v := view{s.Base, m.segment(s)}
		if s.Perm&Read != 0 {
			m.read[slot(s.Base)], m.read[slots+slot(s.Base)] = v, v
		}
		if s.Perm&Write != 0 {
			m.write[slot(s.Base)], m.write[slots+slot(s.Base)] = v, v
		}
	}
	if m.guarded {
		m.Guard()
	}
}

// segment returns a segment's bytes.
func (m *Memory) segment(s *Segment) []byte {
	if s.Perm&Write != 0 {
		return m.rw[s.off:][:s.Size:s.Size]
	}
	return s.ro
}

// Clone returns an address space of its own with the same contents, as fork
// makes one.
func (m *Memory) Clone() *Memory {
	c := *m
	c.rw = append([]byte(nil), m.rw...)
	c.reserved = append([]ir.Addr(nil), m.reserved...)
	c.open()
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

// Offset returns where a writable segment's bytes begin in Mutable.
func (m *Memory) Offset(s *Segment) int { return s.off }

// at returns the n bytes at a if all of them are in the view, else nil.
func (v *view) at(a ir.Addr, n uint64) []byte {
	off := uint64(a - v.base)
	if size := uint64(len(v.bytes)); off >= size || size-off < n {
		return nil
	}
	return v.bytes[off:][:n]
}

// find returns the n bytes at a if one segment has all of them and the
// permission, else nil.
func (m *Memory) find(a ir.Addr, n uint64, need Perm) []byte {
	views := &m.read
	if need == Write {
		views = &m.write
	}
	if b := views[slot(a)].at(a, n); b != nil {
		return b
	}
	for i := range m.segs {
		if s := &m.segs[i]; s.Perm&need != 0 {
			v := view{s.Base, m.segment(s)}
			if b := v.at(a, n); b != nil {
				return b
			}
		}
	}
	return nil
}

// writable reports whether a store there would succeed.
func (m *Memory) writable(a ir.Addr, w ir.Width) bool {
	return m.find(a, uint64(w.Bytes()), Write) != nil
}

// Load reads a number of 1, 2, 4 or 8 bytes in the architecture's order.
func (m *Memory) Load(a ir.Addr, w ir.Width) (v uint64, ok bool) {
	n := uint64(w.Bytes())
	b := m.find(a, n, Read)
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
	b := m.find(a, n, Write)
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
	m.breakReservations(cpu, a, n)
	return true
}

// breakReservations drops what other CPUs have reserved in the n bytes at a. A
// reservation is of the aligned eight bytes around its address.
func (m *Memory) breakReservations(cpu int, a ir.Addr, n uint64) {
	for i, r := range m.reserved {
		if r != 0 && i != cpu && r/8 >= a/8 && r/8 <= (a+ir.Addr(n)-1)/8 {
			m.reserved[i] = 0
		}
	}
}

// Unreserve drops a CPU's reservation, as every entry to the kernel does.
func (m *Memory) Unreserve(cpu int) { m.reserved[cpu] = 0 }

// ReadBytes fills b from a, if all of it is readable. It is how a kernel
// copies from its user.
func (m *Memory) ReadBytes(a ir.Addr, b []byte) bool {
	if len(b) == 0 {
		return true
	}
	src := m.find(a, uint64(len(b)), Read)
	if src == nil {
		return false
	}
	copy(b, src)
	return true
}

// WriteBytes writes b to a, if all of it is writable, as a kernel copies to
// its user.
func (m *Memory) WriteBytes(cpu int, a ir.Addr, b []byte) bool {
	if len(b) == 0 {
		return true
	}
	dst := m.find(a, uint64(len(b)), Write)
	if dst == nil {
		return false
	}
	copy(dst, b)
	m.breakReservations(cpu, a, uint64(len(b)))
	return true
}

// LoadRSeqCS reads a critical-section descriptor.
func (m *Memory) LoadRSeqCS(a ir.Addr) (cs abi.RSeqCS, ok bool) {
	var b [abi.RSeqCSSize]byte
	if !m.ReadBytes(a, b[:]) {
		return cs, false
	}
	return abi.RSeqCS{
		Version:          uint32(m.Number(b[abi.OffCSVersion:][:4])),
		Flags:            uint32(m.Number(b[abi.OffCSFlags:][:4])),
		StartIP:          m.Number(b[abi.OffCSStartIP:][:8]),
		PostCommitOffset: m.Number(b[abi.OffCSPostCommitOffset:][:8]),
		AbortIP:          m.Number(b[abi.OffCSAbortIP:][:8]),
	}, true
}

// Number decodes up to eight bytes in the architecture's order.
func (m *Memory) Number(b []byte) uint64 {
	if m.big {
		return loadBig(b)
	}
	var v uint64
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

// PutNumber fills b, up to eight bytes, with the low ones of v in the
// architecture's order.
func (m *Memory) PutNumber(b []byte, v uint64) {
	for i := range b {
		at := i
		if m.big {
			at = len(b) - 1 - i
		}
		b[at] = byte(v >> (8 * i))
	}
}
