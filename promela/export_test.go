package promela_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/promela"
)

var update = flag.Bool("update", false, "write the models of testdata anew")

// TestModelIsReadable: the model of a small program, by each rule, is as its
// golden file has it.
func TestModelIsReadable(t *testing.T) {
	for kernel, file := range map[string]string{"5.10": "old.pml", "7.3/v2": "new.pml"} {
		got := model(t, source(t, "small"), config(t, kernel, "preempt=1,migrate=1"))
		name := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(name, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s (-update writes it):\n%s", name, d)
		}
	}
}

// TestRefusalNamesThePlace: what a model doesn't have is an error that says what
// it is and where, and nothing is written.
func TestRefusalNamesThePlace(t *testing.T) {
	const f = "func f()\n    ret\n"
	for _, c := range []struct{ text, kernel, budget, want string }{
		{"func f()\n    nop\n    syscall getpid\n    ret\nthread: f\n", "6.18", "none", "test.rseq:3:5: syscall getpid at f+4: not in a Promela model"},
		{f + "thread: f\nhandler SIGUSR1: f\n", "6.18", "none", "test.rseq:4:1: a handler of SIGUSR1: not in a Promela model"},
		{f + "thread: f\nbudget irq=1\n", "6.18", "", "test.rseq:4:1: budget irq=1 (preempt and migrate are): not in a Promela model"},
		{f + "thread: f\n", "7.3/slices", "none", "test.rseq: kernel 7.3/v2/slices, which has time slice extensions: not in a Promela model"},
		{f + "thread: f\n", "6.18", "fault=2", "test.rseq: budget fault=2 (preempt and migrate are): not in a Promela model"},
		{"func f()\n    mov r1, 0x100000000\n    ret\nthread: f\n", "6.18", "none", "test.rseq:2:5: mov r1, 0x100000000, with a number of more than 32 bits: not in a Promela model"},
		{"func f(n)\n    mov r1, r0\n    ret\nthread: f 0x80000000\n", "6.18", "none", "test.rseq:4:9: the argument 0x80000000, a number of more than 32 bits: not in a Promela model"},
		{"func f()\n    ld.8 r1, [0x80000000]\n    ret\nthread: f\n", "6.18", "none", "with a number of more than 32 bits"},
		{"func f()\n    { mov r1, 0; trap brk }\nthread: f\n", "6.18", "none", "test.rseq:2:5: a trap behind other micro-ops: not in a Promela model"},
		{"func f()\n    cs x: start_ip=0 post_commit_offset=0x20000 abort_ip=a\n    nop\na:\n    ret\nthread: f\n", "6.18", "none", "the descriptor x, which begins before the code: not in a Promela model"},
		{"func f()\n    cs x: start_ip=0 post_commit_offset=-1 abort_ip=a\n    nop\na:\n    ret\nthread: f\n", "6.18", "none", "the descriptor x, with 0xffffffffffffffff: not in a Promela model"},
		{f + "thread: f\n", "6.18/debug", "none", "test.rseq: kernel 6.18/debug: debug mode: not in a Promela model"},
		{f + "thread: f\n", "6.18/s390x", "none", "test.rseq: kernel 6.18/s390x: big-endian memory: not in a Promela model"},
		{"data a: u64[8000]\n" + f + "thread: f\n", "6.18", "none", "bytes of memory (at most 32768): not in a Promela model"},
		{f, "6.18", "none", "the program has no thread"},
	} {
		cfg := config(t, c.kernel, c.budget)
		if c.budget == "" {
			cfg.Budget = nil
		}
		p := parse(t, "test", c.text)
		var b bytes.Buffer
		err := promela.Write(&b, p, cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || b.Len() > 0 {
			t.Errorf("%q on %s: error %v and %d bytes; want %q and none", c.text, c.kernel, err, b.Len(), c.want)
		}
	}
}

// TestEveryProgramIsWrittenOrRefused: none of the built-in programs, under any
// family, makes Write panic.
func TestEveryProgramIsWrittenOrRefused(t *testing.T) {
	for name := range texts() {
		for _, k := range emu.DefaultKernels() {
			cfg := config(t, k.String(), "preempt=1,migrate=1")
			err := promela.Write(&bytes.Buffer{}, builtin(t, name), cfg)
			refused := err != nil && strings.HasSuffix(err.Error(), "not in a Promela model")
			if err != nil && !refused {
				t.Errorf("%s on %s: %v", name, k, err)
			}
		}
	}
}
