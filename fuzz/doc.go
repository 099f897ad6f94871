// Package fuzz has the fuzz targets that need more than one room: programs run
// from their text, schedules followed on a machine, and machines driven by the
// fuzzer's bytes. Targets of a single package (the parser, the warnings, the
// interpreter) are beside what they test.
//
//	go test -fuzz FuzzMachine ./fuzz
//
// Each asserts more than "no panic": that an error is one line, that a state
// survives being written and read, that right programs stay right. Inputs that
// once broke something stay in testdata/fuzz and run with every go test.
package fuzz
