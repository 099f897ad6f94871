package emu

import (
	"encoding/binary"
	"math/bits"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// What is written of a task begins with a word of two bytes: its state, its yes-or-no
// facts, and which groups of the rest differ from what is usual, which for most is how
// the machine began. Only these follow.
const (
	taskInCall = 1 << (iota + 3) // above the state
	taskInSyscall
	taskNotify
	taskSchedSwitch
	taskIDsChanged
	taskUserIRQ
	taskRare   // what it waits for, signals, whose it is
	taskArea   // what it registered
	taskCID    // mm_cid, node_id
	taskIDs    // the CPU that was written isn't the one that it has
	taskEvents // eventMask
	taskFlags  // of the CPU
	taskMicro  // in the middle of an instruction
)

// groups are the groups in which a task differs from what is usual, and its facts.
func (t *task) groups(first *task) uint16 {
	r, f := &t.rseq, &first.rseq
	g := uint16(t.state) | uint16(bit(t.inCall))<<3 | uint16(bit(t.inSyscall))<<4 | uint16(bit(r.notify))<<5 |
		uint16(bit(r.schedSwitch))<<6 | uint16(bit(r.idsChanged))<<7 | uint16(bit(r.userIRQ))<<8
	if t.pending|t.blocked|t.fences|uint64(t.waitAddr|t.reasonAt)|uint64(t.wait)|uint64(t.reason) != 0 ||
		t.affinity != first.affinity || t.proc != first.proc || t.parent != first.parent || t.script != first.script {
		g |= taskRare
	}
	if r.area != f.area || r.length != f.length || r.sig != f.sig || r.version != f.version {
		g |= taskArea
	}
	if t.cid != none || t.lastCID != none || r.ids.node|r.ids.cid != 0 {
		g |= taskCID
	}
	if r.ids.cpu != uint32(t.cpu) {
		g |= taskIDs
	}
	if r.eventMask != 0 {
		g |= taskEvents
	}
	if t.regs.Flags != 0 {
		g |= taskFlags
	}
	if t.regs.Micro != 0 {
		g |= taskMicro
	}
	return g
}

func (m *Machine) appendTask(b []byte, i int, t *task) []byte {
	if t.state == taskUnused || t.state == taskDead {
		return append(b, byte(t.state), byte(t.proc))
	}
	first, r := &m.first[i], &t.rseq
	g := t.groups(first)
	b = append(b, byte(g), byte(g>>8), byte(t.cpu))
	b = binary.AppendUvarint(b, uint64(t.call))
	if m.k.Slices == SlicesOn {
		b = append(b, r.slice, t.entering)
	}
	if g&taskRare != 0 {
		b = append(b, byte(t.wait), byte(t.proc), byte(t.parent), byte(t.script), byte(t.reason))
		for _, v := range [...]uint64{t.affinity, t.pending, t.blocked, uint64(t.waitAddr), t.fences, uint64(t.reasonAt)} {
			b = binary.AppendUvarint(b, v)
		}
	}
	if g&taskArea != 0 {
		b = append(b, r.version)
		for _, v := range [...]uint64{uint64(r.area), uint64(r.length), uint64(r.sig)} {
			b = binary.AppendUvarint(b, v)
		}
	}
	if g&taskCID != 0 {
		b = append(b, byte(t.cid), byte(t.lastCID))
		b = binary.AppendUvarint(b, uint64(r.ids.node))
		b = binary.AppendUvarint(b, uint64(r.ids.cid))
	}
	if g&taskIDs != 0 {
		b = binary.AppendUvarint(b, uint64(r.ids.cpu))
	}
	if g&taskEvents != 0 {
		b = append(b, r.eventMask)
	}
	return appendRegs(b, &t.regs, &first.regs)
}

// appendRegs writes the registers that aren't as at the start behind a mask that says
// which they are.
func appendRegs(b []byte, r, first *vcpu.Regs) []byte {
	live := int(ir.T0)
	if r.Micro != 0 {
		b = append(b, r.Micro)
		live = int(ir.None)
	}
	if r.Flags != 0 {
		b = append(b, r.Flags)
	}
	b = binary.AppendUvarint(b, uint64(r.IP-ir.CodeBase))
	at := len(b)
	b = append(b, 0, 0, 0, 0, 0)
	var mask uint64
	for i := 0; i < live; {
		if n := i + 4; n <= live && r.R[i]^first.R[i]|r.R[i+1]^first.R[i+1]|r.R[i+2]^first.R[i+2]|r.R[i+3]^first.R[i+3] == 0 {
			i = n // most registers are unused
			continue
		}
		for end := min(i+4, live); i < end; i++ {
			if v := r.R[i] ^ first.R[i]; v != 0 {
				mask |= 1 << i
				b = binary.AppendUvarint(b, v)
			}
		}
	}
	b[at] = byte(mask >> 32)
	binary.LittleEndian.PutUint32(b[at+1:], uint32(mask))
	return b
}

func (m *Machine) setTask(d *decoder, i int, t *task) {
	first := &m.first[i]
	*t = task{cpu: none, script: none, cid: none, lastCID: none, parent: none}
	low := d.byte()
	if t.state = taskState(low & 7); t.state == taskUnused || t.state == taskDead {
		t.proc = int8(d.byte())
		return
	}
	g := uint16(low) | uint16(d.byte())<<8
	r := &t.rseq
	t.inCall, t.inSyscall = g&taskInCall != 0, g&taskInSyscall != 0
	r.notify, r.schedSwitch, r.idsChanged, r.userIRQ = g&taskNotify != 0, g&taskSchedSwitch != 0, g&taskIDsChanged != 0, g&taskUserIRQ != 0
	t.cpu, t.call = CPUID(d.byte()), int16(d.uvarint())
	if m.k.Slices == SlicesOn {
		r.slice, t.entering = d.byte(), d.byte()
	}
	t.affinity, t.proc, t.parent, t.script = first.affinity, first.proc, first.parent, first.script
	if g&taskRare != 0 {
		v := d.take(5)
		t.wait, t.proc, t.parent, t.script, t.reason = waitKind(v[0]), int8(v[1]), TaskID(v[2]), int16(int8(v[3])), Reason(v[4])
		t.affinity, t.pending, t.blocked = d.uvarint(), d.uvarint(), d.uvarint()
		t.waitAddr, t.fences, t.reasonAt = ir.Addr(d.uvarint()), d.uvarint(), ir.Addr(d.uvarint())
	}
	r.area, r.length, r.sig, r.version = first.rseq.area, first.rseq.length, first.rseq.sig, first.rseq.version
	if g&taskArea != 0 {
		r.version, r.area, r.length, r.sig = d.byte(), ir.Addr(d.uvarint()), uint32(d.uvarint()), uint32(d.uvarint())
	}
	if g&taskCID != 0 {
		t.cid, t.lastCID = int8(d.byte()), int8(d.byte())
		r.ids.node, r.ids.cid = uint32(d.uvarint()), uint32(d.uvarint())
	}
	if r.ids.cpu = uint32(t.cpu); g&taskIDs != 0 {
		r.ids.cpu = uint32(d.uvarint())
	}
	if g&taskEvents != 0 {
		r.eventMask = d.byte()
	}
	d.regs(&t.regs, &first.regs, g)
}

// regs reads what appendRegs wrote of a task with these groups.
func (d *decoder) regs(r, first *vcpu.Regs, groups uint16) {
	live := int(ir.T0)
	if groups&taskMicro != 0 {
		r.Micro = d.byte()
		live = int(ir.None)
	}
	if groups&taskFlags != 0 {
		r.Flags = d.byte()
	}
	r.IP = ir.Addr(d.uvarint()) + ir.CodeBase
	copy(r.R[:live], first.R[:])
	v := d.take(5)
	for mask := uint64(v[0])<<32 | uint64(binary.LittleEndian.Uint32(v[1:])); mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		if i >= live {
			d.bad = true
			return
		}
		r.R[i] ^= d.uvarint()
	}
}
