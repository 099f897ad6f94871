// Package lifttest holds lifted instructions against a processor: QEMU's user
// mode runs machine code, package vcpu the bundles that were made of it, and
// registers, flags, memory and the way on must be the same.
//
// The machine code is in a static executable that is written here. It reads
// states, runs one of its instructions on each, and writes what came out; no
// compiler and no library takes part. What is run is drawn from patterns of bits
// with a fixed seed, so that a test does the same each time.
//
//	go test ./lift/arm64 -run AsQEMU -v -long
package lifttest
