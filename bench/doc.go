// Package bench holds the emulator's speed against that of other interpreters.
// It is a module of its own, so that those who use the emulator don't download
// what it is compared with.
//
//	go test -bench . -count 6
//
// Beside that it has the reference models on whose numbers of states other model
// checkers agree (models), and a command that prints check beside Spin on them
// (cmd/compare).
//
// # The loop
//
// Each engine runs the same loop on one 8-byte cell in memory: load, add, store,
// decrement, compare and branch. That is 5 instructions of this emulator, and
// 13 of WebAssembly, which is a stack machine: a constant is an operation too.
// So there are two readings, and both are reported: iterations per second, what
// a user waits for, and instructions per second, what an interpreter's dispatch
// costs.
//
// The peer is wazero's interpreter: pure Go as well, well kept, and without
// wazero's compiler, since an emulator that can stop before every instruction
// has nothing to compile.
package bench
