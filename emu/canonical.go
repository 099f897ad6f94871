package emu

import (
	"encoding/binary"
	"errors"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// AppendState appends the state's canonical bytes: equal for two states of one
// machine if and only if everything that can follow is equal. What can't matter
// any more is left out: counters, dead tasks' leftovers, bundle temporaries
// between instructions, unused address spaces. The bytes are the same on every
// platform, and [Machine.SetState] reads them back.
func (m *Machine) AppendState(b []byte) []byte {
	b = append(b, m.budget[:Expiries]...)
	if m.k.Slices == SlicesOn {
		b = append(b, m.budget[Expiries])
	}
	for i := range m.cpus {
		c := &m.cpus[i]
		b = append(b, bit(c.online)|c.ipi<<1, byte(c.cur))
	}
	for i := range m.tasks {
		b = m.appendTask(b, i, &m.tasks[i])
	}
	for i := range m.procs {
		p := &m.procs[i]
		handlers := p.live > 0 && !p.done && p.handlers != m.handlers
		b = append(b, byte(p.live), bit(p.done)|bit(handlers)<<1|byte(p.mm)<<2)
		switch {
		case p.done:
			e := &p.exit
			b = append(b, e.Code, byte(e.Signal), byte(e.Reason), byte(e.Task))
			b = binary.AppendUvarint(b, uint64(e.IP))
			b = binary.AppendUvarint(b, uint64(e.Addr))
		case handlers:
			for _, h := range p.handlers {
				b = binary.AppendUvarint(b, uint64(h))
			}
		}
	}
	for i := range m.mms {
		b = append(b, byte(m.mms[i].users)<<1|bit(m.mms[i].membarrier))
		if i > 0 && m.mms[i].users == 0 {
			continue
		}
		b = appendMemory(b, m.mem[i].Mutable())
		for _, r := range m.mem[i].Reservations() {
			b = binary.AppendUvarint(b, uint64(r))
		}
		if m.k.CID == CIDPerCPU {
			for _, c := range m.cids[i*len(m.cpus) : (i+1)*len(m.cpus)] {
				b = append(b, byte(c))
			}
		}
	}
	if m.order != nil {
		b = m.appendOrder(b)
	}
	return b
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// appendMemory writes eight words at a time: a mask of those that aren't zero,
// then these.
func appendMemory(b, mem []byte) []byte {
	for len(mem) > 0 {
		n := min(len(mem), 64)
		at := len(b)
		b = append(b, 0)
		for i := 0; i < n; i += 8 {
			if n-i < 8 {
				b[at] |= 1 << (i / 8)
				b = append(b, mem[i:n]...)
			} else if w := binary.LittleEndian.Uint64(mem[i:]); w != 0 {
				b[at] |= 1 << (i / 8)
				b = binary.LittleEndian.AppendUint64(b, w)
			}
		}
		mem = mem[n:]
	}
	return b
}

// errState is what SetState says of bytes that no machine of the kind wrote.
var errState = errors.New("not a state of this machine")

// SetState goes to the state that AppendState wrote, on this machine or another
// of the same program and configuration, and returns the bytes that follow.
// Counters start at zero.
func (m *Machine) SetState(b []byte) (rest []byte, err error) {
	d := decoder{b: b}
	copy(m.budget[:], d.take(int(Expiries)))
	if m.k.Slices == SlicesOn {
		m.budget[Expiries] = d.byte()
	}
	for i := range m.cpus {
		v := d.byte()
		m.cpus[i] = cpu{online: v&1 != 0, ipi: v >> 1, cur: TaskID(d.byte())}
	}
	for i := range m.tasks {
		m.setTask(&d, i, &m.tasks[i])
	}
	for i := range m.procs {
		p := &m.procs[i]
		*p = process{live: int8(d.byte())}
		v := d.byte()
		p.done, p.mm = v&1 != 0, int8(v>>2)
		switch {
		case p.done:
			v := d.take(4)
			p.exit.Code, p.exit.Signal, p.exit.Reason, p.exit.Task = v[0], abi.Signal(v[1]), Reason(v[2]), TaskID(v[3])
			p.exit.IP, p.exit.Addr = ir.Addr(d.uvarint()), ir.Addr(d.uvarint())
		case v&2 != 0:
			for s := range p.handlers {
				p.handlers[s] = uint32(d.uvarint())
			}
		case p.live > 0:
			p.handlers = m.handlers
		}
	}
	for i := range m.mms {
		v := d.byte()
		m.mms[i] = mm{users: int8(v >> 1), membarrier: v&1 != 0}
		if i > 0 && m.mms[i].users == 0 {
			continue
		}
		d.memory(m.mem[i].Mutable())
		for j := range m.mem[i].Reservations() {
			m.mem[i].Reservations()[j] = ir.Addr(d.uvarint())
		}
		if m.k.CID == CIDPerCPU {
			for j := range m.cpus {
				m.cids[i*len(m.cpus)+j] = int8(d.byte())
			}
		}
	}
	if m.order != nil {
		m.setOrder(&d)
	}
	m.counters = Counters{}
	if d.bad {
		return nil, errState
	}
	return d.b, nil
}

// decoder reads canonical bytes; after an error it yields zeros.
type decoder struct {
	b   []byte
	bad bool
}

var zeros [64]byte

func (d *decoder) take(n int) []byte {
	if len(d.b) < n {
		d.bad = true
		return zeros[:n]
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte { return d.take(1)[0] }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) memory(mem []byte) {
	for len(mem) > 0 && !d.bad {
		n := min(len(mem), 64)
		mask := d.byte()
		for i := 0; i < n; i += 8 {
			w := mem[i:min(i+8, n)]
			if mask&(1<<(i/8)) != 0 {
				copy(w, d.take(len(w)))
			} else {
				clear(w)
			}
		}
		mem = mem[n:]
	}
}
