package native

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// freely runs a program, for at most so much processor time, and returns what it writes
// and how it ends.
func freely(t *testing.T, ctx context.Context, most time.Duration, text string) (string, abi.Signal, error) {
	t.Helper()
	h, err := Here()
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	write := map[abi.Arch]string{abi.AMD64: "1", abi.ARM64: "64"}[h.Arch]
	p, err := ir.Parse("p.rseq", []byte(strings.ReplaceAll(text, "WRITE", write)))
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		read <- string(b)
	}()
	sig, err := h.RunFree(ctx, p, h.CPUs, w, new(atomic.Uint64), most)
	w.Close()
	return <-read, sig, err
}

const say = `
func say(what, n)
    mov  r2, r1
    mov  r1, r0
    mov  r0, 1
    mov  r8, WRITE
    syscall r8
    ret
`

// TestFreeThreadsMakeTheirCalls, each on its own stack and area, and the process ends
// with the last.
func TestFreeThreadsMakeTheirCalls(t *testing.T) {
	out, sig, err := freely(t, t.Context(), time.Hour, say+`
data word: u8[3] = 'a', 'b', 'c'
data turn: u64

# Waits for its turn, says its letter, and is registered: its cpu_id isn't negative.
func letter(n)
    mov  r7, r30
wait:
    ld.8 r2, [turn]
    bne  r2, r0, wait
    mov  r6, r0
    ld.4 r3, [tp + cpu_id]
    cmp  r3, 64
    b.hs unregistered
    la   r0, [r0 + word]
    mov  r1, 1
    call say
    add  r6, r6, 1
    st.8 [turn], r6
    jmpr r7
unregistered:
    trap brk

thread: letter 1
thread: letter 0
thread: letter 2
`)
	if out != "abc" || sig != 0 || err != nil {
		t.Errorf("%q, %v, %v", out, sig, err)
	}
}

// TestFreeProcessesOfBothInstructionSets run, if something is there that runs them: they
// aren't registered.
func TestFreeProcessesOfBothInstructionSets(t *testing.T) {
	for _, tt := range []struct {
		arch  abi.Arch
		write string
	}{{abi.AMD64, "1"}, {abi.ARM64, "64"}} {
		t.Run(tt.arch.String(), func(t *testing.T) {
			command := runner(t, tt.arch)
			p, err := ir.Parse("p.rseq", []byte(strings.ReplaceAll(say, "WRITE", tt.write)+`
data word: u8[3] = 'a', 'b', 'c'
data turn: u64
func letter(n)
    mov  r7, r30
wait:
    ld.8 r2, [turn]
    bne  r2, r0, wait
    mov  r6, r0
    mov  r3, word
    add  r0, r0, r3
    mov  r1, 1
    call say
    add  r6, r6, 1
    st.8 [turn], r6
    jmpr r7
register none
thread: letter 1
thread: letter 0
thread: letter 2
`))
			if err != nil {
				t.Fatal(err)
			}
			im, masks, err := layFree(p, tt.arch, 1)
			if err != nil {
				t.Fatal(err)
			}
			proc, err := buildFree(im, 0, masks)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(file, proc.file, 0o755); err != nil {
				t.Fatal(err)
			}
			command = append(slices.Clone(command), file)
			out, err := exec.Command(command[0], command[1:]...).Output()
			if err != nil || string(out) != "abc" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

// TestFreeProcessTellsWhatKilledIt, and what it wrote before stays.
func TestFreeProcessTellsWhatKilledIt(t *testing.T) {
	got := map[string]abi.Signal{}
	want := map[string]abi.Signal{"trap brk": abi.SIGTRAP, "trap ud": abi.SIGILL, "ld.8 r0, [r9]": abi.SIGSEGV}
	for last := range want {
		out, sig, err := freely(t, t.Context(), time.Hour, say+`
data word: u8 = 'x'
func op()
    mov  r9, 0
    mov  r0, word
    mov  r1, 1
    call say
    `+last+`
thread: op
`)
		if err != nil || out != "x" {
			t.Errorf("%s: %q, %v", last, out, err)
		}
		got[last] = sig
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFreeHandlerRuns on the stack of the thread that the signal is sent to.
func TestFreeHandlerRuns(t *testing.T) {
	out, sig, err := freely(t, t.Context(), time.Hour, say+`
data word: u8[2] = 'h', 'o'
func op()
    mov  r7, r30
    syscall getpid
    mov  r6, r0
    syscall gettid
    mov  r1, r0
    mov  r0, r6
    mov  r2, SIGUSR1
    syscall tgkill
    mov  r0, word + 1
    mov  r1, 1
    call say
    jmpr r7
func on_signal(signal)
    mov  r7, r30
    mov  r0, word
    mov  r1, 1
    call say
    jmpr r7
handler SIGUSR1: on_signal
thread: op
`)
	if out != "ho" || sig != 0 || err != nil {
		t.Errorf("%q, %v, %v", out, sig, err)
	}
}

// TestEndlessFreeProcessIsKilled with its context.
func TestEndlessFreeProcessIsKilled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	go cancel(errors.New("enough"))
	if _, _, err := freely(t, ctx, time.Hour, "func op()\nround:\n    jmp round\nthread: op\nthread: op\n"); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// TestAFreeProcessThatHangs is killed, be it busy or asleep.
func TestAFreeProcessThatHangs(t *testing.T) {
	for _, text := range []string{
		"func op()\nround:\n    jmp round\nthread: op\n",
		"func op()\n    syscall pause\n    ret\nthread: op\nthread: op\n",
	} {
		if runtime.GOARCH == "arm64" && strings.Contains(text, "pause") {
			continue // it has none
		}
		if _, _, err := freely(t, t.Context(), 50*time.Millisecond, text); !errors.Is(err, ErrHangs) {
			t.Errorf("the error is %v", err)
		}
	}
}

// TestWhatCantRunFreely is refused, in one line.
func TestWhatCantRunFreely(t *testing.T) {
	const op = "func op()\n    ret\n"
	for _, tt := range []struct{ text, want string }{
		{op + strings.Repeat("thread: op\n", MaxFreeThreads+1), "p has 17 threads, and may have 1 to 16"},
		{op, "p has 0 threads, and may have 1 to 16"},
		{op + "thread: op\nthread on 63: op\n", "the native target doesn't run here: thread 1 is for CPUs that this process may not use"},
	} {
		p, err := ir.Parse("p.rseq", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := layFree(p, abi.AMD64, 3); err == nil || err.Error() != tt.want {
			t.Errorf("the error is %v, want %s", err, tt.want)
		}
	}
}
