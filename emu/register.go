package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// sysRSeq is rseq(2). The order of its checks is part of the ABI.
func (m *Machine) sysRSeq(t *task, area ir.Addr, length, flags, sig uint32) abi.Errno {
	if flags&abi.RSeqFlagUnregister != 0 {
		return m.unregister(t, area, length, flags, sig)
	}
	return m.register(t, area, length, flags, sig)
}

// register checks, in this order: unknown flags; already registered (another
// address or length EINVAL, another signature EPERM, else EBUSY); length and
// alignment; that the area is user memory. Then it notes the registration and
// asks for the ids to be written on the way out.
func (m *Machine) register(t *task, area ir.Addr, length, flags, sig uint32) abi.Errno {
	known := uint32(0)
	if m.k.SliceFlag {
		known = abi.RSeqFlagSliceExtDefaultOn
	}
	if m.k.V2 != V2ByLength {
		known |= FlagV2
	}
	r := &t.rseq
	switch {
	case flags&^known != 0:
		return abi.EINVAL
	case r.area != 0 && (r.area != area || r.length != length):
		return abi.EINVAL
	case r.area != 0 && r.sig != sig:
		return abi.EPERM
	case r.area != 0:
		return abi.EBUSY
	case !m.fits(area, length):
		return abi.EINVAL
	case uint64(area)+uint64(length) > m.taskSize, uint64(area)+uint64(length) < uint64(area):
		return abi.EFAULT
	}
	if m.k.Notify == NotifyNew {
		return m.registerNew(t, area, length, flags, sig)
	}
	if errno := m.clearStale(t, area); errno != 0 {
		return errno
	}
	*r = rseqState{area: area, length: length, sig: sig, version: 1, notify: true, eventMask: r.eventMask}
	return 0
}

// fits checks length and alignment: 32 bytes that are 32-aligned; from 6.3 also
// an area that holds all features, with the alignment that the kernel asks for.
func (m *Machine) fits(area ir.Addr, length uint32) bool {
	if length == abi.RSeqOrigSize {
		return area%abi.RSeqOrigSize == 0
	}
	return m.k.LongAreas && length > abi.RSeqOrigSize && length >= m.k.FeatureSize &&
		area%ir.Addr(m.k.LongAlign) == 0
}

// clearStale clears an rseq_cs that the area still holds, where the kernel
// does; the access is what finds an unmapped area.
func (m *Machine) clearStale(t *task, area ir.Addr) abi.Errno {
	if !m.k.StaleCleared {
		return 0
	}
	mem := m.memOf(t)
	v, ok := mem.Load(area+abi.OffRSeqCS, 8)
	if ok && v != 0 {
		ok = mem.Store(int(max(t.cpu, 0)), area+abi.OffRSeqCS, 8, 0)
	}
	if !ok {
		return abi.EFAULT
	}
	return 0
}

// registerNew writes the fields at once (6.19): rseq_cs 0, the ids as if
// unregistered, and what came with slices (7.0): flags, and at first slice_ctrl,
// whether slices are built in or not and however long the area is; since then for
// version 2 where they are.
func (m *Machine) registerNew(t *task, area ir.Addr, length, flags, sig uint32) abi.Errno {
	old := t.rseq
	version := m.k.version(length, flags)
	t.rseq = rseqState{area: area, length: length, sig: sig, version: uint8(version), ids: ids{cpu: abi.CPUIDUninitialized}}
	mem, c := m.memOf(t), int(max(t.cpu, 0))
	ok := mem.Store(c, area+abi.OffRSeqCS, 8, 0) && m.putIDs(t, abi.CPUIDUninitialized, t.rseq.ids)
	if ok && m.k.SliceFlag {
		told := m.sliceFlags(version, flags)
		if told&abi.RSeqCSFlagSliceExtEnabled != 0 {
			t.rseq.slice = sliceEnabled
		}
		ok = mem.Store(c, area+abi.OffFlags, 4, uint64(told))
	}
	if ok && (m.k.SliceCtrlCleared || m.k.Slices != SlicesNone && version == 2) {
		ok = mem.Store(c, area+abi.OffSliceCtrl, 4, 0)
	}
	if !ok {
		t.rseq = old
		return abi.EFAULT
	}
	m.newForce(t)
	return 0
}

// unregister checks flags, that this is what was registered, and the signature,
// in that order; then it resets the ids and leaves rseq_cs and flags alone.
func (m *Machine) unregister(t *task, area ir.Addr, length, flags, sig uint32) abi.Errno {
	r := &t.rseq
	switch {
	case flags != abi.RSeqFlagUnregister:
		return abi.EINVAL
	case r.area == 0 || r.area != area || r.length != length:
		return abi.EINVAL
	case r.sig != sig:
		return abi.EPERM
	}
	// The kernels that leave -1 write it as they write other ids, which debug
	// checks before.
	intact := !m.k.Debug || m.k.UnregisterCPUIDStart == 0 || m.checkIDs(t) == ReasonNone
	if !intact || !m.putIDs(t, m.k.UnregisterCPUIDStart, ids{cpu: abi.CPUIDUninitialized}) {
		if m.k.Notify == NotifyOld {
			return abi.EFAULT
		}
		m.force(t, abi.SIGSEGV, ReasonUnregister)
	}
	*r = rseqState{eventMask: r.eventMask}
	return 0
}

// rewrite asks for a full update on the way out.
func (m *Machine) rewrite(t *task) {
	if m.k.Notify == NotifyOld {
		t.rseq.notify = true
	} else {
		m.newForce(t)
	}
}

// RSeqConfiguration is what ptrace's PTRACE_GET_RSEQ_CONFIGURATION tells of a
// task: all zero if it isn't registered. Kernels without PtraceConfig know no such
// request. Before 6.3, when there was one length only, it is always told (booted:
// 6.1).
func (m *Machine) RSeqConfiguration(id TaskID) abi.PtraceRSeqConfiguration {
	r := &m.tasks[id].rseq
	size := r.length
	if !m.k.LongAreas {
		size = abi.RSeqOrigSize
	}
	return abi.PtraceRSeqConfiguration{Pointer: uint64(r.area), Size: size, Signature: r.sig}
}
