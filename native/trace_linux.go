//go:build amd64 || arm64

package native

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// longest is how long a run may take.
const longest = time.Minute

// tracee is a process that runs a case, and what has become of it.
type tracee struct {
	pid   int
	p     *process
	case_ *conform.Case
	stops []conform.Stop // that are still to come
	at    []ir.Addr
	took
	cpu  int // of cpus, where it is meant to be
	view conform.View
	out  conform.Outcome

	planted     ir.Addr // where the breakpoint is, or 0
	plantedOver []byte
	last        ir.Addr // where it was when it was about to get a signal
	observed    bool
}

// trace runs the process of a case under ptrace, on the calling thread, which is a
// tracer's.
//
//  1. start it and stop it before its first instruction
//  2. plant a breakpoint at the next stop's point, and let it run there: the
//     exception and the switch that follows are the preemption
//  3. restore the instruction, do what is to be done, go to 2
//  4. at the driver's last instruction, or when it is about to die, look
func (l *lane) trace(ctx context.Context, c *conform.Case, p *process) (conform.Outcome, error) {
	tr := &tracee{p: p, case_: c, stops: c.Waits(), took: l.took}
	for _, s := range tr.stops {
		a, err := s.At.Addr(p.im)
		if err != nil {
			return conform.Outcome{}, err
		}
		tr.at = append(tr.at, a)
	}
	tr.view = l.view(p, tr.load)
	tr.view.Configuration = tr.configuration
	tr.view.Auxv = func(entry uint64) (uint64, bool) { return auxv(strconv.Itoa(tr.pid), entry) }
	for i := range c.Stops {
		if c.Stops[i].Has(conform.Resched) {
			stop, err := startRival(l.cpus[0])
			if err != nil {
				return conform.Outcome{}, err
			}
			defer stop()
			break
		}
	}
	if c.Counts() {
		tr.view.Stat = grown(stats())
	}
	pid, err := tr.start(p)
	if err != nil {
		return conform.Outcome{}, err
	}
	tr.pid = pid
	limited, cancel := context.WithTimeout(ctx, longest)
	stop := context.AfterFunc(limited, func() { unix.Kill(pid, unix.SIGKILL) })
	err = tr.run()
	late := !stop()
	cancel()
	tr.reap()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s: %w", c.Name, ctx.Err())
	case late:
		err = fmt.Errorf("%s: no end after %v", c.Name, longest)
	}
	return tr.out, err
}

// errOver ends a run.
var errOver = errors.New("over")

func (tr *tracee) run() error {
	if _, err := tr.wait(tr.pid); err != nil {
		return err
	}
	if err := tr.setUp(); err != nil {
		return err
	}
	sig := 0
	for {
		if err := tr.resume(sig); err != nil {
			return err
		}
		ws, err := tr.wait(tr.pid)
		if err != nil {
			return err
		}
		if sig, err = tr.stopped(ws); errors.Is(err, errOver) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// setUp prepares the process before its first instruction.
func (tr *tracee) setUp() error {
	const exitKill = unix.PTRACE_O_EXITKILL
	err := unix.PtraceSetOptions(tr.pid, exitKill|unix.PTRACE_O_TRACEFORK|unix.PTRACE_O_TRACEVFORK|
		unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACEEXIT|unix.PTRACE_O_TRACEEXEC)
	if err != nil {
		return fmt.Errorf("PTRACE_SETOPTIONS: %w", err)
	}
	// Nobody wants the core files of those that are killed.
	if err := unix.Prlimit(tr.pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil); err != nil {
		return fmt.Errorf("prlimit: %w", err)
	}
	tr.touch()
	return tr.pin()
}

// touch has the kernel map what the program doesn't touch itself before the
// kernel reads it: descriptors, wherever rseq_cs points. From 6.19 on the way to
// user mode that finds everything in place differs from the one that doesn't, which
// checks and writes the ids as well (booted: 7.3.4, rseq_cs in untouched per-CPU
// data), and a case must not depend on what else is in a page, unless it says so.
func (tr *tracee) touch() {
	untouched := tr.case_.UntouchedPages(tr.p.im)
	page := unix.Getpagesize()
	var each []unix.RemoteIovec
	for _, s := range append([]segment{{at: ir.RodataBase, data: tr.p.im.Rodata}}, tr.p.left...) {
		for at := 0; at < len(s.data); at += page {
			if !untouched[s.at+ir.Addr(at)] {
				each = append(each, unix.RemoteIovec{Base: uintptr(s.at) + uintptr(at), Len: 1})
			}
		}
	}
	for some := range slices.Chunk(each, maxVectors) {
		b := make([]byte, len(some))
		unix.ProcessVMReadv(tr.pid, []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}, some, 0)
	}
}

// maxVectors is how many pieces of memory a system call takes.
const maxVectors = 1024

// pin puts the process on its CPU, and the tracer, which would disturb it there,
// on the other one if it has no third. A process that is stopped is moved when it goes on.
func (tr *tracee) pin() error {
	if !tr.apart {
		if err := setAffinity(0, tr.cpus[(tr.cpu+1)%len(tr.cpus)]); err != nil {
			return err
		}
	}
	return setAffinity(tr.pid, tr.cpus[tr.cpu])
}

func setAffinity(pid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(pid, &set); err != nil {
		return fmt.Errorf("sched_setaffinity: %w", err)
	}
	return nil
}

// resume lets the process go on to the next stop. A stop that is a sleep is no
// ptrace-stop: what is to be done is done while the process sleeps.
func (tr *tracee) resume(sig int) error {
	if err := tr.plantNext(); err != nil {
		return err
	}
	if err := unix.PtraceCont(tr.pid, sig); err != nil {
		return fmt.Errorf("PTRACE_CONT: %w", err)
	}
	for len(tr.stops) > 0 && tr.stops[0].Has(conform.Schedule) {
		slept, err := tr.asleep(tr.at[0])
		if err != nil || !slept {
			return err
		}
		s := tr.stops[0]
		tr.next()
		if err := tr.act(&s); err != nil {
			return err
		}
		if err := tr.plantNext(); err != nil {
			return err
		}
	}
	return nil
}

// plantNext puts a breakpoint at the next stop, unless there is one already or the
// stop is a sleep.
func (tr *tracee) plantNext() error {
	if len(tr.stops) == 0 || tr.planted != 0 || tr.stops[0].Has(conform.Schedule) {
		return nil
	}
	return tr.plant(tr.at[0])
}

func (tr *tracee) next() { tr.stops, tr.at = tr.stops[1:], tr.at[1:] }

// stopped is what to do about a stop of the process; it returns the signal to
// go on with.
func (tr *tracee) stopped(ws unix.WaitStatus) (int, error) {
	switch {
	case ws.Signaled():
		tr.out.Second = nil // who knows how far it came
		tr.out.End = fmt.Sprintf("%v at %s", abi.Signal(ws.Signal()), tr.view.Value(uint64(tr.last)))
		return 0, errOver
	case ws.Exited():
		if ws.ExitStatus() != 0 {
			tr.out.End = fmt.Sprintf("exit %d", ws.ExitStatus())
		}
		return 0, errOver
	case !ws.Stopped():
		return 0, fmt.Errorf("unexpected wait status %#x", uint32(ws))
	}
	switch ws.TrapCause() {
	case unix.PTRACE_EVENT_EXIT:
		return 0, tr.observe()
	case unix.PTRACE_EVENT_EXEC:
		tr.planted = 0 // what it was in is gone
		return 0, nil
	case unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK, unix.PTRACE_EVENT_CLONE:
		child, err := unix.PtraceGetEventMsg(tr.pid)
		if err != nil {
			return 0, err
		}
		return 0, tr.child(int(child))
	}
	r, err := registersOf(tr.pid)
	if err != nil {
		return 0, err
	}
	ip := r.ip()
	if ws.StopSignal() == unix.SIGTRAP {
		ip -= host.behind // of the program's own, a trap brk, the machine's ip stays there too
		switch ip {
		case tr.p.done, tr.p.doneAgain:
			if err := tr.observe(); err != nil {
				return 0, err
			}
			return 0, errOver
		case tr.planted:
			return tr.atPoint(r)
		}
	}
	if f, ok := tr.p.handlers[ip]; ok {
		ip = f
	}
	tr.last = ip
	return int(ws.StopSignal()), nil
}

// atPoint is a stop at a point of the case.
func (tr *tracee) atPoint(r *threadRegs) (int, error) {
	tr.last = tr.planted
	r.setIP(tr.planted)
	if err := tr.unplant(); err != nil {
		return 0, err
	}
	tr.planted = 0
	if err := r.write(tr.pid); err != nil {
		return 0, err
	}
	s := tr.stops[0]
	tr.next()
	if err := tr.act(&s); err != nil {
		return 0, err
	}
	for _, a := range s.Actions {
		if a.Kind == conform.Signal {
			return int(a.Signal), nil
		}
	}
	return 0, nil
}

// act does what is to be done to the process while it is stopped or asleep; a
// signal is for the caller.
func (tr *tracee) act(s *conform.Stop) error {
	for i := range s.Actions {
		a := &s.Actions[i]
		switch a.Kind {
		case conform.Migrate:
			tr.cpu = 1 - tr.cpu
			if err := tr.pin(); err != nil {
				return err
			}
		case conform.Write:
			at, w, n, err := a.Written(tr.view)
			if err != nil {
				return err
			}
			if err := tr.store(at, w, n); err != nil {
				return err
			}
		case conform.Look:
			saw, err := tr.view.Observe(a.Look)
			if err != nil {
				return err
			}
			tr.out.Looks = append(tr.out.Looks, conform.Looked{At: s.At.String(), Seen: saw})
		}
	}
	return nil
}

// observe looks at what is to be seen at the end, once.
func (tr *tracee) observe() error {
	if tr.observed {
		return nil
	}
	tr.observed = true
	for _, s := range tr.stops {
		tr.out.Missed = append(tr.out.Missed, s.At.String())
	}
	return finish(tr.view, tr.case_, &tr.out)
}

// child runs a new task to its end while its parent is held.
func (tr *tracee) child(pid int) error {
	if _, err := tr.wait(pid); err != nil {
		return err
	}
	r, err := registersOf(pid)
	if err != nil {
		return err
	}
	r.setLR(tr.p.childEnd) // where its function returns to
	if err := r.write(pid); err != nil {
		return err
	}
	for sig := 0; ; {
		if err := unix.PtraceCont(pid, sig); err != nil {
			return err
		}
		ws, err := tr.wait(pid)
		switch {
		case err != nil:
			return err
		case ws.Exited(), ws.Signaled():
			return nil
		}
		sig = 0
		if ws.TrapCause() > 0 {
			continue
		}
		if r, err = registersOf(pid); err != nil {
			return err
		}
		if ws.StopSignal() == unix.SIGTRAP && r.ip() == tr.p.childEnd+host.behind {
			tr.out.Children = append(tr.out.Children, tr.view.Result(r.r0()))
			r.setIP(tr.p.childEnd + ir.Addr(len(host.breakpoint)))
			if err := r.write(pid); err != nil {
				return err
			}
			continue
		}
		sig = int(ws.StopSignal())
	}
}
