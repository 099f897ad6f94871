package abi

import "fmt"

// Layout is a version of struct rseq: how many of its fields a kernel knows.
// Fields were only ever added at the end.
type Layout uint8

// The layouts, by the release that brought them.
const (
	LayoutOriginal Layout = iota // 4.18: up to flags
	LayoutMMCID                  // 6.3: and node_id, mm_cid
	LayoutSlice                  // 7.0: and slice_ctrl, and a reserved byte

	layoutCount = iota
)

// Sizes and alignments of struct rseq, in bytes.
const (
	// RSeqOrigSize is the length that a kernel before 6.3 insists on, and that
	// all later ones take. Its last twelve bytes had no meaning at first.
	RSeqOrigSize = 32

	// RSeqOrigAlign is the alignment of an area of that length.
	RSeqOrigAlign = 32

	FeatureSizeOriginal = 20 // of [LayoutOriginal]; no kernel reports it
	FeatureSizeMMCID    = 28 // of [LayoutMMCID]
	FeatureSizeSlice    = 33 // of [LayoutSlice]; odd, so that it can't be mistaken for the 32 of old

	RSeqAlign      = 32 // of an area of up to 32 bytes
	RSeqAlignSlice = 64 // of an area for [LayoutSlice]: the next power of two
)

// Entries of the auxiliary vector, in which a kernel from 6.3 on tells a
// program what it knows. Both are absent before.
const (
	AuxvRSeqFeatureSize = 27 // AT_RSEQ_FEATURE_SIZE: bytes of struct rseq that are in use
	AuxvRSeqAlign       = 28 // AT_RSEQ_ALIGN: alignment of an area that holds them, in bytes
)

// FeatureSize returns what the kernel major.minor reports in
// [AuxvRSeqFeatureSize] and [AuxvRSeqAlign], in bytes: 0, 0 before 6.3, which
// has neither entry; 28, 32 up to 6.19; 33, 64 from 7.0.
func FeatureSize(major, minor int) (size, align uint32) {
	l := LayoutOf(major, minor)
	if l == LayoutOriginal {
		return 0, 0
	}
	return uint32(l.Size()), uint32(l.Align())
}

// LayoutOf returns the layout that the kernel major.minor knows. A kernel
// before 4.18 has no rseq(2); it gets [LayoutOriginal] too.
func LayoutOf(major, minor int) Layout {
	switch {
	case major >= 7:
		return LayoutSlice
	case major == 6 && minor >= 3:
		return LayoutMMCID
	}
	return LayoutOriginal
}

// Valid reports whether l is one of the layouts above.
func (l Layout) Valid() bool { return l < layoutCount }

// Size returns how many bytes of the area have a meaning: 20, 28 or 33; 0 if l
// is no layout. An area for [LayoutOriginal] is registered with the length
// [RSeqOrigSize] all the same.
func (l Layout) Size() int {
	switch l {
	case LayoutOriginal:
		return FeatureSizeOriginal
	case LayoutMMCID:
		return FeatureSizeMMCID
	case LayoutSlice:
		return FeatureSizeSlice
	}
	return 0
}

// Align returns what the address of an area with all of l's fields must be a
// multiple of, in bytes: 32, or 64 for [LayoutSlice]; 0 if l is no layout.
func (l Layout) Align() int {
	switch l {
	case LayoutOriginal, LayoutMMCID:
		return RSeqAlign
	case LayoutSlice:
		return RSeqAlignSlice
	}
	return 0
}

// String returns the release that brought the layout: "4.18", "6.3" or "7.0".
func (l Layout) String() string {
	switch l {
	case LayoutOriginal:
		return "4.18"
	case LayoutMMCID:
		return "6.3"
	case LayoutSlice:
		return "7.0"
	}
	return fmt.Sprintf("layout %d", uint8(l))
}
