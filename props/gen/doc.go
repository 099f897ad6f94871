// Package gen has rapid generators: for programs with critical sections, for
// kernels, and for the choices of a run.
//
//	rapid.Check(t, func(t *rapid.T) {
//		m, err := emu.New(gen.Program().Draw(t, "program"), emu.Config{Kernel: gen.Kernel().Draw(t, "kernel")})
//		…
//		out, err := explore.Run(m, properties, gen.Chooser(t), 0, nil)
//		…
//	})
//
// What fails shrinks: to fewer threads and shorter sections, to the newest
// kernel, and to a run with as few kernel events as it takes, since the first of a
// machine's choices is never an event.
//
// # Non-goals
//
// The programs are right by construction as far as restartable sequences go; to
// get wrong ones, leave out an instruction of theirs. Arbitrary instruction soup
// is for a fuzzer.
package gen
