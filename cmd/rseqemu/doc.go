// Command rseqemu runs restartable sequences on an emulated multi-CPU machine
// under the rules of any Linux release, where every interruption is a choice.
//
//	rseqemu check list.rseq                             does it hold, for all schedules within the bounds?
//	rseqemu run list.rseq --seed 7                      one run, told step by step
//	rseqemu replay list.rseq fail.sched                 a saved schedule again
//	rseqemu diff list.rseq --from 6.18 --to 7.3         the first step at which two kernels part
//	rseqemu kernels                                     the kernels and what differs
//	rseqemu fmt -w list.rseq                            canonical text
//	rseqemu vet list.rseq                               what looks wrong without running it
//	rseqemu lint libfoo.so                              what looks wrong in compiled sections
//
// It exits with 0 if what was asked holds, 1 if something is broken, and 2 if there
// is no answer: the input is bad, or a limit or an interrupt came first. With --json it prints one JSON object; `rseqemu help json` has the
// fields.
//
// The command is a thin skin over the packages explore and report.
package main
