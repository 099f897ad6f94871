// Package vcpu is a virtual CPU without a kernel: registers, memory with
// permissions, and the execution of one instruction, one step of one, or many.
//
// A program's linked image is compiled once into a flat list of micro-ops with
// every operand resolved ([Compile]); [Code.Step] then runs from one interruption
// point to the next, or to the point inside an instruction where another CPU
// may look, and returns what happened as a [Trap] value. Nothing here panics on
// what a guest does, allocates while running, or knows what a thread is.
//
// # Where an instruction splits
//
// An interrupt never splits an instruction. Another CPU can see the middle of
// one that isn't locked, but only memory is shared, so the middle exists
// between two memory accesses and nowhere else: a step runs up to and
// including the micro-op before the next access. An instruction with at most
// one access is one step.
//
// # Traps
//
// An instruction that traps has no effect, whichever of its micro-ops it was:
// registers, flags and memory are as before. So one that could trap after its
// first effect is tried before it is run. Two exceptions no instruction set has:
// a bundle that reads what it has itself written, and one that reads the pointer
// for its next access, which another CPU may change in between.
//
// # Memory
//
// A memory is one address space: a table of segments, each read-only and shared
// by all copies or part of one contiguous mutable buffer, so that saving and
// restoring a machine is a copy of a few hundred bytes. Plain accesses need no
// alignment; acquire, release and atomic ones do ([TrapAlign]), as on arm64.
// Accesses take effect at once here. Whoever lets them wait, as package emu does
// under a memory model, asks what the next step accesses ([Code.Peek]) and makes
// it without the access ([Code.Issue]).
//
// # Non-goals
//
// No cycle counts, caches or speculation; no self-modifying code; no floating
// point.
package vcpu
