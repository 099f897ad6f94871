package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs a command on an input that nobody vouches for: it must end with
// one of the codes, and bad input must get one line.
func command(t *testing.T, in []byte, args ...string) (code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(args, bytes.NewReader(in), &out, &errOut)
	// A search or run that ends at a limit prints what is known so far.
	limit := strings.Contains(errOut.String(), "not finished") || strings.Contains(errOut.String(), "the run isn't over")
	switch {
	case code < exitHolds || code > exitNoAnswer:
		t.Errorf("%v: exit code %d", args, code)
	case code == exitNoAnswer && !limit && (out.Len() > 0 || strings.Count(errOut.String(), "\n") != 1 || !strings.HasPrefix(errOut.String(), "rseqemu: ")):
		t.Errorf("%v: bad input, and it printed %q and %q", args, &out, &errOut)
	}
	return code
}

// FuzzProgram feeds anything as a program to every command that takes one.
func FuzzProgram(f *testing.F) {
	for _, pattern := range []string{"../../examples/*.rseq", "../../ir/testdata/*.rseq", "../../props/percpu/programs/*.rseq"} {
		files, _ := filepath.Glob(filepath.FromSlash(pattern))
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if command(t, src, "fmt", "-") == exitNoAnswer {
			return
		}
		command(t, src, "vet", "-")
		bounds := []string{"--states", "500", "--steps", "200", "--budget", "preempt=1,migrate=1,signal=1,unplug=1"}
		command(t, src, append(bounds, "check", "-", "--kernels", "6.18,7.3", "--story", "full")...)
		command(t, src, append(bounds, "diff", "-", "--from", "6.18", "--to", "7.3")...)
		command(t, src, "run", "-", "--seed", "1", "--steps", "300")
	})
}

// FuzzSchedule feeds anything as a schedule to the commands that follow one.
func FuzzSchedule(f *testing.F) {
	for _, s := range []string{
		"rseqemu schedule 1\nprogram list 00000000\nkernel 6.18\ncpus 2\nbudget preempt=2 migrate=2\nbreaks it\n\nc0 step x14\nc0 preempt\nc1 preempt\nc1 run t0\n",
		"rseqemu schedule 1\nkernel 7.3/v1/debug\ncpus 64\nnodes 2\nidle\nbudget unplug=1 fault=unlimited irq=1 membarrier=1\n# nothing\nc0 run t1\nc0 fault sleep\nt1 wake\nc1 offline\nc1 online\nc0 membarrier\nc0 irq\nt0 signal SIGUSR1\nc0 ipi\n",
		"rseqemu schedule 1\nkernel 6.19/arm64\nc0 step ×1048576\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if bytes.Contains(src, []byte("x1")) && len(src) > 1<<12 {
			return // a schedule of a million steps takes its time
		}
		command(t, src, "replay", small, "-", "--force")
		command(t, src, "run", small, "--schedule", "-", "--steps", "300")
		command(t, src, "diff", small, "--to", "7.3", "--schedule", "-")
	})
}
