package abi

import (
	"encoding/binary"
	"fmt"
)

// RSeq is struct rseq: the area that a thread registers with rseq(2), and that
// it and the kernel both read and write.
//
//	 0       4       8               16      20      24      28      32 33
//	+-------+-------+---------------+-------+-------+-------+-------+--+
//	|cpu_id_|cpu_id |    rseq_cs    | flags |node_id|mm_cid |slice_ |r |
//	|start  |       |               |       |       |       |ctrl   |  |
//	+-------+-------+---------------+-------+-------+-------+-------+--+
//	|<---------- 4.18: 20 bytes ----------->|               :       :  :
//	|<--------------------- 6.3: 28 bytes ----------------->|       :  :
//	|<----------------------------- 7.0: 33 bytes -------------------->|
//
//	slice_ctrl:   28        29        30                  32
//	             +---------+---------+-------------------+
//	             | request | granted |     reserved      |
//	             +---------+---------+-------------------+
//
// Numbers are in the byte order of the architecture's data. Every field is
// aligned to its size, so that the kernel and the thread never see half of one.
type RSeq struct {
	// CPUIDStart is the CPU that the thread runs on, as an index that is always
	// in range: 0 without a registration (though some 6.19 and 7.0 kernels leave
	// -1 when they unregister). The kernel writes it.
	CPUIDStart uint32

	// CPUID is the CPU that the thread runs on, [CPUIDUninitialized] or
	// [CPUIDRegistrationFailed]. The kernel writes it. A section compares it
	// with the CPUIDStart that it began with.
	CPUID uint32

	// RSeqCS is the user address of the descriptor of the section that the
	// thread is in, or 0. The thread stores it; the kernel clears it when it
	// aborts the section, or finds the thread outside of it.
	RSeqCS uint64

	// Flags takes the no-restart bits ([RSeqCSFlagNoRestartMask]) from the
	// thread up to 5.x, and shows it the slice-extension bits from 7.0 on.
	Flags uint32

	// NodeID is the NUMA node of that CPU. The kernel writes it, from 6.3 on.
	NodeID uint32

	// MMCID is the thread's concurrency id: no two threads of the process that
	// run at one time have the same, and they are dense from 0. The kernel
	// writes it, from 6.3 on.
	MMCID uint32

	// SliceRequest, set by the thread, asks for more time if its slice ends
	// now; the kernel clears it when it grants that. 0 or 1, from 7.0 on.
	SliceRequest uint8

	// SliceGranted is 1 while the kernel has given it more time; the thread
	// should then call rseq_slice_yield as soon as it can. The kernel writes it,
	// from 7.0 on.
	SliceGranted uint8

	// SliceReserved fills slice_ctrl up to four bytes. It must be 0.
	SliceReserved uint16

	// Reserved makes the feature size 33, so that it differs from the 32 that
	// older kernels take. From 7.0 on.
	Reserved uint8
}

// Offsets of the fields of struct rseq, in bytes.
const (
	OffCPUIDStart    = 0
	OffCPUID         = 4
	OffRSeqCS        = 8
	OffFlags         = 16
	OffNodeID        = 20 // from 6.3
	OffMMCID         = 24 // from 6.3
	OffSliceCtrl     = 28 // from 7.0: the four bytes of request, granted and reserved
	OffSliceRequest  = 28 // from 7.0
	OffSliceGranted  = 29 // from 7.0
	OffSliceReserved = 30 // from 7.0
	OffReserved      = 32 // from 7.0
)

// Values of cpu_id that are no CPU. As signed numbers they are -1 and -2.
const (
	CPUIDUninitialized      uint32 = 0xffff_ffff // no area is registered, or it has been unregistered
	CPUIDRegistrationFailed uint32 = 0xffff_fffe // a library's sign to others that registration failed
)

// Bits of the flags argument of rseq(2).
const (
	RSeqFlagUnregister        = 1 << 0 // RSEQ_FLAG_UNREGISTER, 4.18: unregister; must be the only one
	RSeqFlagSliceExtDefaultOn = 1 << 1 // RSEQ_FLAG_SLICE_EXT_DEFAULT_ON, 7.0: with slice extension enabled
)

// Bits of [RSeq.Flags] that the kernel writes, from 7.0 on.
const (
	RSeqCSFlagSliceExtAvailable = 1 << 4 // RSEQ_CS_FLAG_SLICE_EXT_AVAILABLE: prctl can enable it
	RSeqCSFlagSliceExtEnabled   = 1 << 5 // RSEQ_CS_FLAG_SLICE_EXT_ENABLED: it is enabled
)

const rseqStruct = "struct rseq"

// Registered reports whether CPUID is a CPU, which says to a reader of the area
// that the kernel maintains it.
func (r RSeq) Registered() bool { return r.CPUID < CPUIDRegistrationFailed }

// Put writes the fields that l has to the first l.Size() bytes of b, and leaves
// the others alone. It fails, and writes nothing, if b is shorter than that (a
// [*ShortBufferError]) or l is no layout.
func (r RSeq) Put(b []byte, order binary.ByteOrder, l Layout) error {
	if err := checkRSeq(b, l); err != nil {
		return err
	}
	big := isBig(order)
	put32(b, OffCPUIDStart, r.CPUIDStart, big)
	put32(b, OffCPUID, r.CPUID, big)
	put64(b, OffRSeqCS, r.RSeqCS, big)
	put32(b, OffFlags, r.Flags, big)
	if l >= LayoutMMCID {
		put32(b, OffNodeID, r.NodeID, big)
		put32(b, OffMMCID, r.MMCID, big)
	}
	if l >= LayoutSlice {
		b[OffSliceRequest] = r.SliceRequest
		b[OffSliceGranted] = r.SliceGranted
		put16(b, OffSliceReserved, r.SliceReserved, big)
		b[OffReserved] = r.Reserved
	}
	return nil
}

// DecodeRSeq reads the fields that l has from the first l.Size() bytes of b; the
// others are 0. It fails if b is shorter than that (a [*ShortBufferError]) or l
// is no layout.
func DecodeRSeq(b []byte, order binary.ByteOrder, l Layout) (RSeq, error) {
	if err := checkRSeq(b, l); err != nil {
		return RSeq{}, err
	}
	big := isBig(order)
	r := RSeq{
		CPUIDStart: get32(b, OffCPUIDStart, big),
		CPUID:      get32(b, OffCPUID, big),
		RSeqCS:     get64(b, OffRSeqCS, big),
		Flags:      get32(b, OffFlags, big),
	}
	if l >= LayoutMMCID {
		r.NodeID = get32(b, OffNodeID, big)
		r.MMCID = get32(b, OffMMCID, big)
	}
	if l >= LayoutSlice {
		r.SliceRequest = b[OffSliceRequest]
		r.SliceGranted = b[OffSliceGranted]
		r.SliceReserved = get16(b, OffSliceReserved, big)
		r.Reserved = b[OffReserved]
	}
	return r, nil
}

// checkRSeq reports why b can't hold a struct rseq of layout l.
func checkRSeq(b []byte, l Layout) error {
	if !l.Valid() {
		return fmt.Errorf("abi: %s has no %v", rseqStruct, l)
	}
	if len(b) < l.Size() {
		return &ShortBufferError{Struct: rseqStruct, Need: l.Size(), Have: len(b)}
	}
	return nil
}
