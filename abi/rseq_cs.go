package abi

import "encoding/binary"

// RSeqCS is struct rseq_cs: the descriptor of a critical section. The thread
// has it in (usually read-only) memory, at an address that is a multiple of
// [RSeqCSAlign]; the kernel only ever reads it.
//
//	 0       4       8               16              24              32
//	+-------+-------+---------------+---------------+---------------+
//	|version| flags |   start_ip    |  post_commit_ |   abort_ip    |
//	|       |       |               |    offset     |               |
//	+-------+-------+---------------+---------------+---------------+
//
// Numbers are in the byte order of the architecture's data; addresses take
// eight bytes on 32-bit architectures too.
type RSeqCS struct {
	// Version of the descriptor. Only 0 exists.
	Version uint32

	// Flags takes the no-restart bits up to 5.x; 0 on any later kernel.
	Flags uint32

	// StartIP is the address of the first instruction of the section.
	StartIP uint64

	// PostCommitOffset is the distance from StartIP to the first instruction
	// after the section, in bytes. That before it is the commit.
	PostCommitOffset uint64

	// AbortIP is where the thread continues when the section is aborted. It lies
	// outside of it, with the signature in the four bytes before.
	AbortIP uint64
}

// Size and alignment of struct rseq_cs, in bytes.
const (
	RSeqCSSize  = 32
	RSeqCSAlign = 32
)

// RSeqSigSize is the size of the signature that stands before abort_ip, in
// bytes.
const RSeqSigSize = 4

// Offsets of the fields of struct rseq_cs, in bytes.
const (
	OffCSVersion          = 0
	OffCSFlags            = 4
	OffCSStartIP          = 8
	OffCSPostCommitOffset = 16
	OffCSAbortIP          = 24
)

// The no-restart bits of [RSeqCS.Flags] and [RSeq.Flags]. Kernels up to 5.x
// honour them, 6.0 to 6.18 kill a thread that sets one, later ones ignore them
// unless they are being debugged.
const (
	RSeqCSFlagNoRestartOnPreempt = 1 << 0 // RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT
	RSeqCSFlagNoRestartOnSignal  = 1 << 1 // RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL; only together with the others
	RSeqCSFlagNoRestartOnMigrate = 1 << 2 // RSEQ_CS_FLAG_NO_RESTART_ON_MIGRATE

	// RSeqCSFlagNoRestartMask has all three.
	RSeqCSFlagNoRestartMask = RSeqCSFlagNoRestartOnPreempt | RSeqCSFlagNoRestartOnSignal | RSeqCSFlagNoRestartOnMigrate
)

const rseqCSStruct = "struct rseq_cs"

// Contains reports whether a thread with its instruction pointer at ip is
// inside the section: at StartIP or after, and before the post-commit
// instruction. The difference is one unsigned 64-bit number, so that an ip
// before StartIP is far outside, and a section that wraps around the end of the
// address space still contains what lies between its ends.
func (cs RSeqCS) Contains(ip uint64) bool { return ip-cs.StartIP < cs.PostCommitOffset }

// PostCommitIP returns the address of the first instruction after the section.
// It wraps around, as the sum does in the kernel.
func (cs RSeqCS) PostCommitIP() uint64 { return cs.StartIP + cs.PostCommitOffset }

// Put writes cs to the first [RSeqCSSize] bytes of b. It fails, and writes
// nothing, with a [*ShortBufferError] if b is shorter.
func (cs RSeqCS) Put(b []byte, order binary.ByteOrder) error {
	if len(b) < RSeqCSSize {
		return &ShortBufferError{Struct: rseqCSStruct, Need: RSeqCSSize, Have: len(b)}
	}
	big := isBig(order)
	put32(b, OffCSVersion, cs.Version, big)
	put32(b, OffCSFlags, cs.Flags, big)
	put64(b, OffCSStartIP, cs.StartIP, big)
	put64(b, OffCSPostCommitOffset, cs.PostCommitOffset, big)
	put64(b, OffCSAbortIP, cs.AbortIP, big)
	return nil
}

// DecodeRSeqCS reads a descriptor from the first [RSeqCSSize] bytes of b. It
// fails with a [*ShortBufferError] if b is shorter; whether the kernel would
// accept the descriptor is not its business.
func DecodeRSeqCS(b []byte, order binary.ByteOrder) (RSeqCS, error) {
	if len(b) < RSeqCSSize {
		return RSeqCS{}, &ShortBufferError{Struct: rseqCSStruct, Need: RSeqCSSize, Have: len(b)}
	}
	big := isBig(order)
	return RSeqCS{
		Version:          get32(b, OffCSVersion, big),
		Flags:            get32(b, OffCSFlags, big),
		StartIP:          get64(b, OffCSStartIP, big),
		PostCommitOffset: get64(b, OffCSPostCommitOffset, big),
		AbortIP:          get64(b, OffCSAbortIP, big),
	}, nil
}
