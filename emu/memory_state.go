package emu

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/ir"
)

// appendOrder appends the canonical bytes of what is pending, of the views and of
// the log, which [Machine.forget] has brought into their one form.
func (m *Machine) appendOrder(b []byte) []byte {
	for c := range m.order {
		o := &m.order[c]
		b = append(b, o.n, byte(o.floor), byte(o.release), byte(o.last), byte(o.flags), o.nSeen)
		for i := range o.pending[:o.n] {
			p := &o.pending[i]
			b = append(b, byte(p.width), bit(p.load)|bit(p.release)<<1, byte(p.reg), byte(p.from))
			b = binary.AppendUvarint(b, uint64(p.addr))
			b = binary.AppendUvarint(b, p.value)
		}
		var mask uint64
		for i, v := range o.regs {
			mask |= uint64(bit(v > 0)) << i
		}
		b = binary.AppendUvarint(b, mask)
		for _, v := range o.regs {
			if v > 0 {
				b = append(b, byte(v))
			}
		}
		for i := range o.seen[:o.nSeen] {
			s := &o.seen[i]
			b = append(b, byte(s.width)|bit(s.rmw)<<6|bit(s.own)<<7, byte(s.at), byte(s.from))
			b = binary.AppendUvarint(b, uint64(s.addr))
		}
	}
	b = append(b, byte(m.writes.n))
	for i := range m.writes.log[:m.writes.n] {
		w := &m.writes.log[i]
		b = append(b, byte(w.width), byte(w.space))
		b = append(b, w.old[:w.width]...)
		b = binary.AppendUvarint(b, uint64(w.addr))
	}
	return b
}

func (m *Machine) setOrder(d *decoder) {
	for c := range m.order {
		o := &m.order[c]
		*o = ordering{}
		v := d.take(6)
		o.n, o.floor, o.release, o.last, o.flags, o.nSeen = v[0], view(v[1]), view(v[2]), view(v[3]), view(v[4]), v[5]
		if o.n > MaxPending || o.nSeen > maxSeen {
			d.bad, o.n, o.nSeen = true, 0, 0
			return
		}
		for i := range o.pending[:o.n] {
			v := d.take(4)
			o.pending[i] = access{width: ir.Width(v[0] & 15), load: v[1]&1 != 0, release: v[1]&2 != 0, reg: ir.Reg(v[2]), from: view(v[3]),
				addr: ir.Addr(d.uvarint()), value: d.uvarint()}
			d.bad = d.bad || int(o.pending[i].reg) >= ir.NumRegs
		}
		mask := d.uvarint()
		for i := range o.regs {
			if mask>>i&1 != 0 {
				o.regs[i] = view(d.byte())
			}
		}
		for i := range o.seen[:o.nSeen] {
			v := d.take(3)
			o.seen[i] = seen{width: ir.Width(v[0] & 15), rmw: v[0]>>6&1 != 0, own: v[0]>>7 != 0, at: view(v[1]), from: view(v[2]), addr: ir.Addr(d.uvarint())}
		}
	}
	m.writes = writes{n: view(d.byte())}
	if m.writes.n > maxWrites {
		d.bad, m.writes.n = true, 0
		return
	}
	for i := range m.writes.log[:m.writes.n] {
		w, v := &m.writes.log[i], d.take(2)
		w.width, w.space = ir.Width(min(v[0], 8)), int8(v[1])
		copy(w.old[:], d.take(int(w.width)))
		w.addr = ir.Addr(d.uvarint())
	}
	for c := range m.order {
		m.order[c].each(func(v view) view {
			d.bad = d.bad || v > m.writes.n
			return v
		})
	}
}
