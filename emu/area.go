package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// What both rules do to user memory.

// writeIDs writes the thread's ids to its area, as many as the kernel knows,
// and remembers them.
func (m *Machine) writeIDs(t *task) bool {
	m.counters.IDs++
	t.rseq.ids = m.idsOf(t)
	if !m.putIDs(t, t.rseq.ids.cpu, t.rseq.ids) {
		return false
	}
	m.stores(FieldCPUIDStart, 1)
	m.stores(FieldCPUID, 1)
	if m.k.WritesCID {
		m.stores(FieldNodeID, 1)
		m.stores(FieldMMCID, 1)
	}
	m.emit(EvIDs, t.cpu, t, uint64(t.rseq.ids.cpu), uint64(t.rseq.ids.node)<<32|uint64(t.rseq.ids.cid))
	return true
}

func (m *Machine) idsOf(t *task) ids {
	v := ids{cpu: uint32(t.cpu), node: uint32(m.NodeOf(t.cpu))}
	if t.cid >= 0 {
		v.cid = uint32(t.cid)
	}
	return v
}

// putIDs writes the id fields; start is cpu_id_start, which is like cpu_id but
// after unregistration.
func (m *Machine) putIDs(t *task, start uint32, v ids) bool {
	mem, a := m.memOf(t), t.rseq.area
	ok := mem.Store(int(t.cpu), a+abi.OffCPUIDStart, 4, uint64(start)) &&
		mem.Store(int(t.cpu), a+abi.OffCPUID, 4, uint64(v.cpu))
	if ok && m.k.WritesCID {
		ok = mem.Store(int(t.cpu), a+abi.OffNodeID, 4, uint64(v.node)) &&
			mem.Store(int(t.cpu), a+abi.OffMMCID, 4, uint64(v.cid))
	}
	return ok
}

// checkIDs finds out whether user space wrote to the kernel's fields.
func (m *Machine) checkIDs(t *task) Reason {
	if m.k.OverwriteIgnored && !m.k.Debug {
		return ReasonNone
	}
	mem, a, want := m.memOf(t), t.rseq.area, t.rseq.ids
	for _, f := range [...]struct {
		off   ir.Addr
		want  uint32
		field Field
	}{
		{abi.OffCPUIDStart, want.cpu, FieldCPUIDStart}, {abi.OffCPUID, want.cpu, FieldCPUID},
		{abi.OffNodeID, want.node, FieldNodeID}, {abi.OffMMCID, want.cid, FieldMMCID},
	} {
		v, ok := mem.Load(a+f.off, 4)
		m.loads(f.field, 1)
		if !ok {
			return ReasonAreaFault
		}
		if uint32(v) != f.want {
			return ReasonIDs
		}
	}
	return ReasonNone
}

// clearCS stores 0 in rseq_cs, which was ptr.
func (m *Machine) clearCS(t *task, ptr ir.Addr) Reason {
	if !m.memOf(t).Store(int(t.cpu), t.rseq.area+abi.OffRSeqCS, 8, 0) {
		return ReasonAreaFault
	}
	m.stores(FieldRSeqCS, 1)
	m.emit(EvClear, t.cpu, t, uint64(ptr), 0)
	return ReasonNone
}

// abort clears rseq_cs and sends the thread to the abort handler.
func (m *Machine) abort(t *task, ptr, ip ir.Addr) Reason {
	if !m.memOf(t).Store(int(t.cpu), t.rseq.area+abi.OffRSeqCS, 8, 0) {
		return ReasonAreaFault
	}
	m.counters.Fixup++
	m.stores(FieldRSeqCS, 1)
	m.strayAbort = m.strayAbort || !m.declared(ptr)
	m.emit(EvAbort, t.cpu, t, uint64(ip), uint64(ptr))
	t.regs.SetIP(ip)
	return ReasonNone
}

// declared reports whether a descriptor is one that the program declares.
func (m *Machine) declared(ptr ir.Addr) bool {
	for i := range m.im.Sections {
		if m.im.Sections[i].Addr == ptr {
			return true
		}
	}
	return false
}

// checkSignature compares the 4 bytes before abort_ip with what was registered.
func (m *Machine) checkSignature(t *task, abortIP uint64) Reason {
	v, ok := m.memOf(t).Load(ir.Addr(abortIP-abi.RSeqSigSize), 4)
	m.loads(FieldSignature, 1)
	if !ok || !m.reaches(t, ir.Addr(abortIP-abi.RSeqSigSize), abi.RSeqSigSize) {
		return ReasonCSFault
	}
	if uint32(v) != t.rseq.sig {
		return ReasonSignature
	}
	return ReasonNone
}

// NodeOf returns the NUMA node of a CPU: CPUs are dealt to nodes in blocks.
func (m *Machine) NodeOf(c CPUID) int {
	if m.cfg.Nodes <= 1 || c < 0 {
		return 0
	}
	return int(c) * m.cfg.Nodes / len(m.cpus)
}
