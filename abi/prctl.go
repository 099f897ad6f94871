package abi

// PrctlRSeqSliceExtension (PR_RSEQ_SLICE_EXTENSION, 7.0) is the option, the first
// argument of prctl(2), that controls time-slice extension for the calling
// thread. The second argument says what to do; the unused ones must be 0.
const PrctlRSeqSliceExtension = 79

// The second argument of prctl(2) with [PrctlRSeqSliceExtension].
const (
	PrctlRSeqSliceExtensionGet = 1 // PR_RSEQ_SLICE_EXTENSION_GET: return [PrctlRSeqSliceExtEnable] or 0
	PrctlRSeqSliceExtensionSet = 2 // PR_RSEQ_SLICE_EXTENSION_SET: set to the third argument
)

// PrctlRSeqSliceExtEnable (PR_RSEQ_SLICE_EXT_ENABLE) in the third argument of a
// [PrctlRSeqSliceExtensionSet] enables slice extension; without it, it is
// disabled.
const PrctlRSeqSliceExtEnable = 1 << 0
