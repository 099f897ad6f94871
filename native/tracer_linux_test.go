//go:build amd64 || arm64

package native

import (
	"testing"

	"github.com/rseqemu/rseqemu/conform"
	"golang.org/x/sys/unix"
)

// started has a lane's tracer start the process of the smallest case, and leaves it
// before its first instruction.
func started(t *testing.T, apart bool) (l *lane, pid int) {
	t.Helper()
	target, _ := here(t)
	if why := target.Untraced(); why != nil {
		t.Skip(why)
	}
	cases, err := conform.Parse("f.txtar", []byte("-- program --\nregister none\nfunc op()\n    ret\nthread: op\n-- SIG.nothing --\n"))
	if err != nil {
		t.Fatal(err)
	}
	l = target.take(nil)
	l.apart = apart
	l.tracer = newTracer(l.took)
	p, err := target.processOf(&cases[0], l)
	if err != nil {
		t.Fatal(err)
	}
	tr := &tracee{p: p, case_: &cases[0], took: l.took}
	l.tracer.do(func() {
		if tr.pid, err = tr.start(p); err == nil {
			if _, err = tr.wait(tr.pid); err == nil {
				err = tr.setUp()
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, tr.pid
}

// TestWhatATracerTracesDiesWithIt: nothing is left of a run that failed.
func TestWhatATracerTracesDiesWithIt(t *testing.T) {
	l, pid := started(t, false)
	close(l.tracer)
	var ws unix.WaitStatus
	if _, err := unix.Wait4(pid, &ws, unix.WALL, nil); err != nil || !ws.Signaled() || ws.Signal() != unix.SIGKILL {
		t.Errorf("%v, %v", ws, err)
	}
}

// TestATracerBesideIsARealTimeThread, on the CPU of the process and nowhere else, and
// the process is none.
func TestATracerBesideIsARealTimeThread(t *testing.T) {
	l, pid := started(t, true)
	defer close(l.tracer)
	var own *unix.SchedAttr
	var at unix.CPUSet
	var err error
	l.tracer.do(func() {
		if own, err = unix.SchedGetAttr(0, 0); err == nil {
			err = unix.SchedGetaffinity(0, &at)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if own.Policy != unix.SCHED_FIFO {
		t.Skip("this process may not have real-time threads")
	}
	if at.Count() != 1 || !at.IsSet(l.cpus[0]) {
		t.Errorf("the tracer may be on %d CPUs, CPU %d among them: %v", at.Count(), l.cpus[0], at.IsSet(l.cpus[0]))
	}
	child, err := unix.SchedGetAttr(pid, 0)
	if err != nil || child.Policy != unix.SCHED_NORMAL {
		t.Errorf("the process's policy: %v, %v", child, err)
	}
}
