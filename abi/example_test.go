package abi_test

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
)

// A registration for a 6.12 kernel: what user space puts into the area, and what
// the kernel has made of it after the first return to user mode.
func ExampleRSeq_Put() {
	area := make([]byte, abi.RSeqOrigSize)
	layout := abi.LayoutOf(6, 12)

	fresh := abi.RSeq{CPUID: abi.CPUIDUninitialized}
	if err := fresh.Put(area, binary.LittleEndian, layout); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("% x\n", area[:layout.Size()])

	updated := abi.RSeq{CPUIDStart: 3, CPUID: 3, NodeID: 1, MMCID: 2}
	if err := updated.Put(area, binary.LittleEndian, layout); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("% x\n", area[:layout.Size()])
	// Output:
	// 00 00 00 00 ff ff ff ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
	// 03 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 02 00 00 00
}

// The area of old is too short for a kernel with slices.
func ExampleDecodeRSeq() {
	area := make([]byte, abi.RSeqOrigSize)
	_, err := abi.DecodeRSeq(area, binary.LittleEndian, abi.LayoutOf(7, 0))
	fmt.Println(err)

	var short *abi.ShortBufferError
	if errors.As(err, &short) {
		area = append(area, make([]byte, short.Need-short.Have)...)
	}
	r, err := abi.DecodeRSeq(area, binary.LittleEndian, abi.LayoutOf(7, 0))
	fmt.Println(r.CPUID, err)
	// Output:
	// abi: struct rseq needs 33 bytes, buffer has 32
	// 0 <nil>
}

func ExampleRSeqCS_Put() {
	cs := abi.RSeqCS{StartIP: 0x401000, PostCommitOffset: 0x12, AbortIP: 0x402004}
	b := make([]byte, abi.RSeqCSSize)
	for _, arch := range []abi.Arch{abi.AMD64, abi.S390X} {
		if err := cs.Put(b, arch.ByteOrder()); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-5v start_ip % x\n", arch, b[abi.OffCSStartIP:abi.OffCSPostCommitOffset])
	}
	// Output:
	// amd64 start_ip 00 10 40 00 00 00 00 00
	// s390x start_ip 00 00 00 00 00 40 10 00
}

func ExampleRSeqCS_Contains() {
	cs := abi.RSeqCS{StartIP: 0x1000, PostCommitOffset: 0x10, AbortIP: 0x2004}
	for _, ip := range []uint64{0xfff, 0x1000, 0x100f, cs.PostCommitIP(), cs.AbortIP} {
		fmt.Printf("%#x %v\n", ip, cs.Contains(ip))
	}
	// Output:
	// 0xfff false
	// 0x1000 true
	// 0x100f true
	// 0x1010 false
	// 0x2004 false
}

func ExampleFeatureSize() {
	for _, v := range [][2]int{{5, 10}, {6, 12}, {7, 0}} {
		size, align := abi.FeatureSize(v[0], v[1])
		fmt.Printf("%d.%d: size %d, align %d\n", v[0], v[1], size, align)
	}
	// Output:
	// 5.10: size 0, align 0
	// 6.12: size 28, align 32
	// 7.0: size 33, align 64
}

// The bytes that must stand before an abort handler.
func ExampleArch_Signature() {
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64, abi.ARM64BE, abi.S390X} {
		var b [abi.RSeqSigSize]byte
		arch.ByteOrder().PutUint32(b[:], arch.Signature())
		fmt.Printf("%-7v % x\n", arch, b)
	}
	// Output:
	// amd64   53 30 05 53
	// arm64   00 bc 28 d4
	// arm64be 00 bc 28 d4
	// s390x   b2 ff 0f ff
}

func ExampleArch_Nr() {
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64} {
		for _, s := range []abi.Syscall{abi.SysRSeq, abi.SysFork} {
			nr, ok := arch.Nr(s)
			fmt.Println(arch, s, nr, ok)
		}
	}
	// Output:
	// amd64 rseq 334 true
	// amd64 fork 57 true
	// arm64 rseq 293 true
	// arm64 fork 0 false
}

func ExampleArch_Syscall() {
	s, ok := abi.RISCV64.Syscall(283)
	fmt.Println(s, ok)
	// Output:
	// membarrier true
}

func ExampleErrnoOf() {
	for _, ret := range []uint64{0, 7, abi.EBUSY.Ret(), 0xfffffffffffffdf4} {
		if errno, failed := abi.ErrnoOf(ret); failed {
			fmt.Println("failed:", errno)
		} else {
			fmt.Println("result:", ret)
		}
	}
	// Output:
	// result: 0
	// result: 7
	// failed: EBUSY
	// failed: ENOTSUPP
}

func ExampleParseSignal() {
	byName, _ := abi.ParseSignal("SIGUSR1")
	byNumber, _ := abi.ParseSignal("10")
	fmt.Println(byName, byNumber, byName == byNumber)
	// Output:
	// SIGUSR1 SIGUSR1 true
}

func ExampleDecodePtraceRSeqConfiguration() {
	answer := []byte{
		0x20, 0x19, 0xf7, 0xff, 0xff, 0x7f, 0, 0, // rseq_abi_pointer
		32, 0, 0, 0, // rseq_abi_size
		0x53, 0x30, 0x05, 0x53, // signature
		0, 0, 0, 0, 0, 0, 0, 0, // flags, pad
	}
	c, err := abi.DecodePtraceRSeqConfiguration(answer, abi.AMD64.ByteOrder())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d bytes at %#x, signature %#x\n", c.Size, c.Pointer, c.Signature)
	// Output:
	// 32 bytes at 0x7ffffff71920, signature 0x53053053
}
