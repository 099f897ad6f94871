// Package rseqemu is the front door of an emulator of Linux's restartable
// sequences (rseq). It holds no code; its rooms do, and data flows through
// them one way:
//
//   - abi: what user space and kernel agree on: layouts, flags, numbers
//   - ir: the instruction set and the text of programs; ir/vet warns about them
//   - vcpu: a CPU and its memory, without a kernel
//   - emu: the kernel, as a profile of switches for each release
//   - explore: exhaustive search, random runs, replay, the comparison of kernels
//   - props: what must hold; props/percpu has the per-CPU structures that people use,
//     props/debates what was claimed about rseq, and where it is true
//   - mmcid: the kernel's allocator of concurrency ids, as a model of its own
//   - report: verdicts and stories
//   - cmd/rseqemu: the command
//
// From a test, [github.com/rseqemu/rseqemu/explore.Check] with
// [github.com/rseqemu/rseqemu/props.Of] checks a program under every kernel
// family that it claims.
package rseqemu
