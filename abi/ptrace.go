package abi

import "encoding/binary"

// PtraceGetRSeqConfiguration (PTRACE_GET_RSEQ_CONFIGURATION, 5.13) is the
// request that asks ptrace(2) where and how a stopped thread is registered. Its
// addr argument is the size of the buffer, its result the size of the answer, a
// [PtraceRSeqConfiguration].
const PtraceGetRSeqConfiguration = 0x420f

// PtraceRSeqConfigurationSize is the size of struct ptrace_rseq_configuration,
// in bytes.
const PtraceRSeqConfigurationSize = 24

// PtraceRSeqConfiguration is struct ptrace_rseq_configuration. It is all 0 for a
// thread that isn't registered.
//
//	 0               8       12      16      20      24
//	+---------------+-------+-------+-------+-------+
//	|rseq_abi_      |rseq_  |signa- | flags | pad   |
//	|pointer        |abi_   |ture   |       |       |
//	|               |size   |       |       |       |
//	+---------------+-------+-------+-------+-------+
type PtraceRSeqConfiguration struct {
	Pointer   uint64 // the address of the thread's [RSeq]
	Size      uint32 // the length that it was registered with, in bytes
	Signature uint32 // the signature that it was registered with
	Flags     uint32 // 0
	Pad       uint32 // 0
}

const ptraceStruct = "struct ptrace_rseq_configuration"

// Put writes c to the first [PtraceRSeqConfigurationSize] bytes of b. It fails,
// and writes nothing, with a [*ShortBufferError] if b is shorter.
func (c PtraceRSeqConfiguration) Put(b []byte, order binary.ByteOrder) error {
	if len(b) < PtraceRSeqConfigurationSize {
		return &ShortBufferError{Struct: ptraceStruct, Need: PtraceRSeqConfigurationSize, Have: len(b)}
	}
	big := isBig(order)
	put64(b, 0, c.Pointer, big)
	put32(b, 8, c.Size, big)
	put32(b, 12, c.Signature, big)
	put32(b, 16, c.Flags, big)
	put32(b, 20, c.Pad, big)
	return nil
}

// DecodePtraceRSeqConfiguration reads the answer of ptrace(2) from the first
// [PtraceRSeqConfigurationSize] bytes of b. It fails with a [*ShortBufferError]
// if b is shorter.
func DecodePtraceRSeqConfiguration(b []byte, order binary.ByteOrder) (PtraceRSeqConfiguration, error) {
	if len(b) < PtraceRSeqConfigurationSize {
		return PtraceRSeqConfiguration{}, &ShortBufferError{Struct: ptraceStruct, Need: PtraceRSeqConfigurationSize, Have: len(b)}
	}
	big := isBig(order)
	return PtraceRSeqConfiguration{
		Pointer:   get64(b, 0, big),
		Size:      get32(b, 8, big),
		Signature: get32(b, 12, big),
		Flags:     get32(b, 16, big),
		Pad:       get32(b, 20, big),
	}, nil
}
