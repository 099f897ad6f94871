package stress

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rseqemu/rseqemu/native"
)

// runs starts a program, or skips the test where none can be run.
func runs(t *testing.T, name, text string) *runner {
	t.Helper()
	r, err := newRunner(parse(t, name, text))
	if errors.Is(err, native.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.hangs = minutes // however slow the machine is
	return r
}

// minutes are more than any test takes that finds something.
const minutes = 5 * time.Minute

// TestWrongProgramsAreFound whatever the kernel does: each round of theirs is wrong.
func TestWrongProgramsAreFound(t *testing.T) {
	const counts = "percpu count: u64\n"
	for _, tt := range []struct{ name, text, property, message string }{
		{"final", counts + "func op()\n    ret\nthread: op\nthread: op\nfinal sum(count) == 1\n",
			"final sum(count) == 1", "the left side is 0, the right side 1"},
		{"result", counts + "func add(n)\n    mov r0, 9\n    mov r1, 0\n    ret\nthread: add 1\nspec counter(add)\n",
			"linearizable(counter)", "t0's add returned 9 with r1 = 0, which no order of the calls explains"},
		{"always", counts + "func op()\n    st.8 [count], 3\n    ret\nthread: op\nalways count[0] == 0\n",
			"always count[0] == 0", "the left side is 3, the right side 0"},
		{"killed", "func op()\n    mov r1, 0\n    ld.8 r0, [r1]\n    ret\nthread: op\n",
			"survives", "a thread was killed by SIGSEGV"},
		{"overwrites", "data x: u64\nfunc op()\n    mov r1, x\n    mov r2, 600\n    mov r3, 7\nnext:\n    sub r2, r2, 1\n    st.8 [r1 + r2<<3], r3\n    bne r2, 0, next\n    ret\nthread: op\n",
			"survives", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := runs(t, tt.name, tt.text)
			got, err := r.run(t.Context(), Options{For: minutes, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if got.Failure == nil {
				t.Fatalf("nothing broke in %d rounds", got.Rounds)
			}
			if f := got.Failure; f.Property != tt.property || !strings.HasPrefix(f.Message, tt.message) {
				t.Errorf("%v is broken: %s", f.Property, f.Message)
			}
		})
	}
}

// TestAHangIsFound: the round that doesn't end is.
func TestAHangIsFound(t *testing.T) {
	r := runs(t, "hang", "func op()\nround:\n    jmp round\nthread: op\n")
	r.hangs = 50 * time.Millisecond
	got, err := r.run(t.Context(), Options{For: minutes, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got.Failure == nil || got.Failure.Property != "ends" || got.Failure.Message != "a round never does" {
		t.Errorf("the failure is %v", got.Failure)
	}
}

// TestRightProgramsBreakNothing in the time that a test has.
func TestRightProgramsBreakNothing(t *testing.T) {
	for _, name := range []string{"counter", "slab", "nested", "list_mm_cid"} {
		r := runs(t, name, builtIn(t, name).String())
		got, err := r.run(t.Context(), Options{For: 300 * time.Millisecond, Seed: 1})
		if err != nil || got.Failure != nil {
			t.Errorf("%s: %v, %v", name, got.Failure, err)
		}
	}
}

// TestRunEndsWithItsContext, and leaves no process behind.
func TestRunEndsWithItsContext(t *testing.T) {
	r := runs(t, "counter", builtIn(t, "counter").String())
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
	got, err := r.run(ctx, Options{For: minutes, Seed: 1})
	if err != nil || got.Failure != nil {
		t.Errorf("%v, %v", got.Failure, err)
	}
	children, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range children {
		if b, err := os.ReadFile(c); err == nil && len(strings.TrimSpace(string(b))) > 0 {
			t.Errorf("there are still processes %s", b)
		}
	}
}

// TestWhatCantBeRun is refused in one line.
func TestWhatCantBeRun(t *testing.T) {
	if _, err := native.Here(); err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct{ text, want string }{
		{"func op()\n    syscall fork\n    ret\nthread: op\n", "the native target doesn't run here: p makes processes with fork, and can't begin anew"},
		{"func op()\n    syscall exit_group\nthread: op\n", "the native target doesn't run here: p ends its process with exit_group, and can't begin anew"},
		{"func op()\n    syscall rt_sigaction\n    ret\nthread: op\n", "p.rseq:2:5: syscall rt_sigaction: "},
		{"func op()\n    ret\nthread: op\nthread on 63: op\n", "the native target doesn't run here: thread 1 is for CPUs that this process may not use"},
		{"func op()\n    ret\nthread: op\nspec nothing(op)\n", `p.rseq:4:1: unknown specification "nothing"`},
		{"func op()\n    ret\n", "p has no thread: add a line such as \"thread: f\""},
	} {
		_, err := Run(t.Context(), parse(t, "p", tt.text), Options{For: time.Nanosecond})
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("the error is %v, want %s", err, tt.want)
		}
	}
}
