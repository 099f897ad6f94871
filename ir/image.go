package ir

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
)

// The address map. Areas are far apart, so that a stray address faults instead
// of hitting a neighbour, and below 2 GiB, so that a displacement reaches them.
const (
	ReturnIP   Addr = 0xf000   // where an operation returns to; never mapped
	CodeBase   Addr = 0x10000  // functions, in order
	RodataBase Addr = 0x100000 // descriptors, then rodata
	DataBase   Addr = 0x200000 // data
	PerCPUBase Addr = 0x300000 // per-CPU areas
	ThreadBase Addr = 0x400000 // thread areas
	StackBase  Addr = 0x500000 // stacks

	// RSeqSpace is the room for struct rseq at the thread pointer: the newest
	// layout is 33 bytes long and 64-aligned (Linux 7.0).
	RSeqSpace = 64
	// AreaSpace is the distance between two of the areas above: what all CPUs',
	// or all threads', parts of one have room in.
	AreaSpace = uint64(DataBase - RodataBase)
	// MaxCode bounds the code of a program in bytes.
	MaxCode = uint64(RodataBase - CodeBase)
	// MaxArea bounds each kind of data of one owner (program, CPU, thread).
	MaxArea = 64 << 10
)

// Image is a linked program: every name resolved, every byte placed, for one
// architecture's byte order and signature. It is immutable and shared by all
// machines that run it.
type Image struct {
	Prog   *Program
	Arch   abi.Arch
	Instrs []Instr // resolved: Imm, Mem.Disp and TargetIP hold the values, Sym is gone
	Source []Instr // the same as the program has them, with names: for messages
	Addrs  []Addr  // of Instrs
	Origin []Pos   // of Instrs
	// Machine is the machine code that each of Instrs was lifted from, in the
	// words of its assembler, with its address and source line: what a trailing
	// comment says that begins with the address, as in "401136: ret  list.c:7".
	// Empty for others.
	Machine  []string
	Code     []byte // at CodeBase; signatures are readable here
	Rodata   []byte // at RodataBase
	Data     []byte // at DataBase, initial
	PerCPU   []byte // at PerCPUBase + cpu<<PerCPUShift, initial
	Thread   []byte // thread t's area, initial; struct rseq at ThreadBefore
	Symbols  map[string]Addr
	Funcs    []PlacedFunc
	Sections []PlacedSection
	// PerCPUShift is log2 of the distance between two CPUs' areas.
	PerCPUShift uint8
	// ThreadBefore is the number of bytes of a thread's area before struct
	// rseq, ThreadStride the distance between two threads' areas.
	ThreadBefore, ThreadStride uint64
	StackSize                  uint64
	Restorer                   Addr // code that does rt_sigreturn; 0 without handlers

	index []int32 // (address - CodeBase) → index into Instrs, -1 inside and between
}

// PlacedFunc is a function's place in the code.
type PlacedFunc struct {
	Name       string
	Entry, End Addr
	Labels     []PlacedLabel // in address order
}

// PlacedLabel is a label's place.
type PlacedLabel struct {
	Name string
	Addr Addr
}

// PlacedSection is a descriptor's place and contents.
type PlacedSection struct {
	Name string
	Func string
	Addr Addr
	CS   abi.RSeqCS
}

// Index returns the index into Instrs of the instruction at ip, or -1 if none
// begins there.
func (im *Image) Index(ip Addr) int {
	if off := uint64(ip - CodeBase); off < uint64(len(im.index)) {
		return int(im.index[off])
	}
	return -1
}

// TP returns the thread pointer of thread t: the address of its struct rseq.
func (im *Image) TP(t int) Addr {
	return ThreadBase + Addr(uint64(t)*im.ThreadStride+im.ThreadBefore)
}

// StackTop returns the initial stack pointer of thread t.
func (im *Image) StackTop(t int) Addr {
	return StackBase + Addr(uint64(t+1)*im.StackSize)
}

// Func returns the function of that name.
func (im *Image) Func(name string) (PlacedFunc, bool) {
	for _, f := range im.Funcs {
		if f.Name == name {
			return f, true
		}
	}
	return PlacedFunc{}, false
}

// Fit reports why the image has no room for that many CPUs and threads.
func (im *Image) Fit(cpus, threads int) error {
	for _, a := range []struct {
		n    int
		who  string
		size uint64
		what string
	}{
		{cpus, "CPUs", 1 << im.PerCPUShift, "percpu data"},
		{threads, "threads", im.ThreadStride, "tls data"},
		{threads, "threads", im.StackSize, "stack"},
	} {
		if a.n < 0 || uint64(a.n)*a.size > AreaSpace {
			return fmt.Errorf("%d %s with %d bytes of %s each are too many: there is room for %d", a.n, a.who, a.size, a.what, AreaSpace/a.size)
		}
	}
	return nil
}
