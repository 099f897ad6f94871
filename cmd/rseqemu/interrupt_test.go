package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// endlessly are the arguments of a check that takes minutes.
func endlessly(file string) []string {
	return []string{"check", file, "--budget", "preempt=unlimited,migrate=unlimited", "--reduce", "none", "--kernels", "6.18,7.3"}
}

var (
	list  = filepath.Join("..", "..", "examples", "list.rseq")
	small = filepath.Join("..", "..", "examples", "overwrite.rseq")
)

// onWrite does something when it is written to for the first time.
type onWrite struct {
	bytes.Buffer
	do func()
}

func (w *onWrite) Write(b []byte) (int, error) {
	if w.do != nil {
		w.do()
		w.do = nil
	}
	return w.Buffer.Write(b)
}

// TestInterruptSaysHowFarItGot cancels the search once it has shown progress.
func TestInterruptSaysHowFarItGot(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	var out bytes.Buffer
	progress := &onWrite{do: func() { cancel(errInterrupted) }}
	a := &app{out: newOutput(&out), err: newOutput(progress)}
	a.err.tty = true
	if code := a.run(ctx, endlessly(list)); code != exitNoAnswer {
		t.Errorf("exit code %d, not %d", code, exitNoAnswer)
	}
	for _, k := range []string{"6.18", "7.3/v2"} {
		if !strings.Contains(out.String(), "  "+k) {
			t.Errorf("no row for %s:\n%s", k, &out)
		}
	}
	for _, want := range []string{"not finished (interrupted: Ctrl-C): ", " states, "} {
		if strings.Count(out.String(), want) != 2 {
			t.Errorf("%q isn't there twice:\n%s", want, &out)
		}
	}
	if !strings.Contains(progress.String(), ": not finished on 6.18, 7.3/v2: interrupted: Ctrl-C") {
		t.Errorf("standard error says %q", progress)
	}
}

// TestInterruptSignal sends the process the signal that Ctrl-C sends.
func TestInterruptSignal(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		t.Skip("a process can't send itself an interrupt here")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	code := make(chan int)
	go func() {
		code <- run(endlessly(list), nil, w, new(bytes.Buffer))
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	lines.Scan() // the heading: the search is about to begin
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(os.Interrupt)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != exitNoAnswer {
		t.Errorf("exit code %d, not %d", got, exitNoAnswer)
	}
	var rest strings.Builder
	for lines.Scan() {
		rest.WriteString(lines.Text() + "\n")
	}
	if strings.Count(rest.String(), "not finished (interrupted: Ctrl-C): ") != 2 {
		t.Errorf("it said:\n%s", &rest)
	}
}

// TestTimeoutIsAnInterrupt that nobody has to wait for.
func TestTimeoutIsAnInterrupt(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := run(append(endlessly(list), "--timeout", "1ns"), nil, &out, &errOut); code != exitNoAnswer {
		t.Errorf("exit code %d, not %d", code, exitNoAnswer)
	}
	if !strings.Contains(out.String(), "not finished (interrupted: --timeout 1ns): ") {
		t.Errorf("it said:\n%s", &out)
	}
}
