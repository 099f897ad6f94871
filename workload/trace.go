package workload

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// maxLine bounds a line of a trace, in bytes.
const maxLine = 64 << 10

// ReadTrace turns a trace into events and gives them in batches. It reads the trace
// once and keeps what it knows of CPUs and threads that are alive, no more. An error
// in the trace is a [*ir.SyntaxError] with its line; what is tolerable is counted in
// the summary. An error of give ends it, too.
func ReadTrace(file string, src io.Reader, give func([]Event) error) (Summary, error) {
	r := tracer{out: newBatch(give), threads: map[int32]*traced{}, unknown: map[string]uint64{}}
	lines := bufio.NewReaderSize(src, maxLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		fail := func(err error) (Summary, error) {
			return r.summary(), &ir.SyntaxError{File: file, Pos: ir.Pos{Line: n, Col: 1}, Msg: err.Error(), Line: strings.TrimRight(string(line[:min(len(line), 400)]), "\r\n")}
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return fail(fmt.Errorf("a line of more than %d bytes", maxLine))
		case err != nil && !errors.Is(err, io.EOF):
			return r.summary(), fmt.Errorf("%s: %w", file, err)
		}
		if r.out.err != nil {
			return r.summary(), r.out.err
		}
		whole := err == nil
		if e := r.line(strings.TrimRight(string(line), "\r\n")); e != nil {
			if whole {
				return fail(e)
			}
			r.sum.Cut++ // somebody stopped writing
		}
		if !whole {
			break
		}
	}
	for c := range r.cpus {
		if t := r.threads[r.cpus[c].cur]; t != nil && t.state == tracedLeaving && t.cpu == int32(c) {
			r.settle(t)
		}
	}
	r.out.flush()
	return r.summary(), r.out.err
}

// tracer follows the CPUs and threads of a trace.
type tracer struct {
	out     *batch
	cpus    []tracedCPU
	threads map[int32]*traced // by pid
	free    []int32           // numbers of threads that have ended
	numbers int32             // that were dealt out
	unknown map[string]uint64
	sum     Summary
}

type tracedCPU struct {
	seen  bool
	cur   int32 // the pid on it, 0: idle, nobody: not known
	nanos int64 // of its last event
}

const nobody int32 = -1

// traced is a thread.
type traced struct {
	number int32 // as the events have it, or nobody: it hasn't done anything yet
	cpu    int32 // where it is, or was last
	state  tracedState
	born   bool // the trace has its beginning
	kernel bool // a kernel thread, which never is in user mode
	bare   bool // not registered, as far as is known
	inside bool // off its CPU, and will go on inside of a system call whose end is traced
}

// tracedState is where a thread is, as far as it is known.
type tracedState uint8

const (
	tracedOff     tracedState = iota
	tracedUser                // in user mode
	tracedSyscall             // in a system call, whose end the trace will have
	tracedIRQ                 // interrupted
	tracedFault               // in a page fault, which may sleep
	tracedLeaving             // on its way to user mode, or there: what comes next will tell
)

// line takes a line of the trace.
func (r *tracer) line(text string) error {
	r.sum.Lines++
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "", trimmed[0] == '#', strings.HasPrefix(trimmed, "cpus="), strings.HasPrefix(trimmed, "version ="):
		return nil
	}
	if cpu, n, ok := parseLost(text); ok {
		r.lost(cpu, n)
		return nil
	}
	l, err := parseLine(text)
	switch {
	case err == errNoEvent && isStack(trimmed):
		return nil
	case err == errNoEvent && r.cpus == nil:
		return fmt.Errorf("%w, nor the first of a workload, %q", err, Header)
	case err != nil:
		return err
	}
	c := r.cpu(l.cpu)
	if l.nanos < c.nanos {
		return fmt.Errorf("the clock of CPU %d goes backwards, by %d ns", l.cpu, c.nanos-l.nanos)
	}
	c.nanos, c.seen = l.nanos, true
	if r.sum.Nanos[0] == 0 || l.nanos < r.sum.Nanos[0] {
		r.sum.Nanos[0] = l.nanos
	}
	r.sum.Nanos[1] = max(r.sum.Nanos[1], l.nanos)
	return r.event(&l)
}

func (r *tracer) cpu(n int32) *tracedCPU {
	for int(n) >= len(r.cpus) {
		r.cpus = append(r.cpus, tracedCPU{cur: nobody})
	}
	return &r.cpus[n]
}

// lost is what is known after events of a CPU were lost: not who is on it.
func (r *tracer) lost(cpu int32, n uint64) {
	r.sum.Lost += n
	r.sum.LostReports++
	c := r.cpu(cpu)
	if t := r.threads[c.cur]; t != nil && t.number != nobody && t.state != tracedOff && t.cpu == cpu {
		r.vanish(t)
	}
	c.cur = nobody
}

// event takes an event.
func (r *tracer) event(l *traceLine) error {
	kind := kindOf(l.event)
	switch kind {
	case lineUnknown:
		name := l.event
		if _, ok := r.unknown[name]; !ok && len(r.unknown) >= maxUnknown {
			name = "others"
		}
		r.unknown[name]++
		r.sum.Unknown++
		return nil
	case lineSilent:
		return nil
	case lineBorn:
		return r.born(l)
	case lineSwitch:
		r.sum.Switches++
		return r.switches(l)
	case lineUpdate:
		return r.update(l)
	case lineFixup:
		r.sum.Fixups++
		return nil
	}
	r.count(kind)
	t, err := r.acting(l.pid, l.comm, l.cpu)
	if err != nil || t == nil {
		return err
	}
	switch kind {
	case lineEnter:
		r.enters(t)
		t.state = tracedSyscall
	case lineExit:
		if t.state != tracedSyscall {
			r.enters(t)
		}
		t.state = tracedLeaving
	case lineIRQ, lineFault:
		if t.state == tracedSyscall {
			return nil
		}
		r.returns(t)
		r.out.enter(Interrupt, t.number, emu.Nothing)
		t.state = tracedIRQ
		if kind == lineFault {
			t.state = tracedFault
		}
	case lineSignal:
		return r.signal(t, l)
	}
	return nil
}

func (r *tracer) count(kind lineKind) {
	switch kind {
	case lineEnter:
		r.sum.Enters++
	case lineExit:
		r.sum.Exits++
	case lineIRQ, lineFault:
		r.sum.Interrupts++
	}
}

// enters has a thread make a system call.
func (r *tracer) enters(t *traced) {
	r.returns(t)
	r.out.enter(Syscall, t.number, emu.Nothing)
}

// returns has a thread go back to user mode, if it isn't there.
func (r *tracer) returns(t *traced) {
	if t.state != tracedUser {
		r.out.add(Exit, t.number)
		t.state = tracedUser
	}
}

// settle is returns for a thread that is on its way.
func (r *tracer) settle(t *traced) {
	if t.state == tracedLeaving {
		r.returns(t)
	}
}

// update is the traced kernel's writing ids: the thread is registered. From the
// first on the trace has them for all threads, and those without aren't.
func (r *tracer) update(l *traceLine) error {
	if r.sum.Updates == 0 {
		for _, pid := range slices.Sorted(maps.Keys(r.threads)) {
			if t := r.threads[pid]; t.number != nobody {
				if t.state != tracedOff {
					r.vanish(t)
				}
				r.out.add(End, t.number)
				r.free = append(r.free, t.number)
				t.number = nobody
				r.sum.Threads--
			}
		}
	}
	r.sum.Updates++
	t, err := r.thread(l.pid, l.comm)
	if err != nil || t.kernel || l.pid == 0 {
		return err
	}
	if t.bare {
		t.bare = false
		r.sum.Unregistered--
	}
	if t.number == nobody {
		r.cpu(l.cpu).cur = l.pid
		r.begin(t, l.cpu)
	}
	return nil
}

// signal has a thread take a signal, if it has a handler.
func (r *tracer) signal(t *traced, l *traceLine) error {
	handler, ok := field(l.args, "sa_handler=")
	if !ok {
		return errors.New("a signal_deliver without its sa_handler")
	}
	if h := strings.TrimLeft(strings.TrimPrefix(handler, "0x"), "0"); h == "" || h == "1" {
		return nil // the default, or ignored
	}
	r.sum.Signals++
	switch t.state {
	case tracedUser:
		r.out.enter(Interrupt, t.number, emu.Nothing)
		t.state = tracedIRQ
	case tracedSyscall:
		t.state = tracedLeaving
	}
	r.out.add(Signal, t.number)
	return nil
}

// born notes that a thread is new.
func (r *tracer) born(l *traceLine) error {
	name := "pid="
	if l.event == "sched_process_fork" {
		name = "child_pid="
	}
	word, _ := field(l.args, name)
	pid, ok := digits(word)
	if !ok || pid == 0 || pid > 1<<30 {
		if !strings.Contains(l.args, "=") { // trace-cmd's and perf's way to print a wakeup
			return nil
		}
		return fmt.Errorf("a %s without its %s", l.event, strings.TrimSuffix(name, "="))
	}
	if t := r.threads[int32(pid)]; t != nil {
		if t.number == nobody || t.state != tracedOff || l.event != "sched_process_fork" {
			return nil
		}
		r.end(int32(pid), t) // the number is used again
	}
	t, err := r.thread(int32(pid), "")
	if err == nil {
		t.born = true
	}
	return err
}

// switches takes a sched_switch.
func (r *tracer) switches(l *traceLine) error {
	s, ok := parseSwitch(l.args)
	if !ok {
		return errors.New("a sched_switch without its fields")
	}
	prev, err := r.acting(s.prev, s.prevComm, l.cpu)
	if err != nil {
		return err
	}
	if prev != nil {
		r.leaves(prev, s.state)
		if strings.ContainsAny(s.state, "XZ") {
			r.end(s.prev, prev)
		}
	}
	r.cpus[l.cpu].cur = s.next
	if s.next == 0 {
		return nil
	}
	next, err := r.thread(s.next, s.nextComm)
	if err != nil || next.kernel || next.number == nobody {
		return err
	}
	r.arrives(next, l.cpu)
	return nil
}

// leaves takes a thread off its CPU. One that is still runnable, and not in a
// system call as far as is known, was interrupted in user mode; one that isn't
// blocks in a system call, or in the page fault that it is in.
func (r *tracer) leaves(t *traced, state string) {
	runnable := state[0] == 'R'
	kernel := t.state == tracedSyscall || t.state == tracedFault ||
		t.state == tracedIRQ && runnable ||
		t.state == tracedLeaving && runnable && r.sum.Interrupts > 0
	t.inside = t.state == tracedSyscall || !runnable && t.state != tracedFault && r.sum.Exits > 0
	if !kernel {
		r.returns(t)
		kind := Syscall
		if runnable {
			kind = Interrupt
		}
		r.out.enter(kind, t.number, emu.Nothing)
	}
	r.out.add(Out, t.number)
	t.state = tracedOff
}

// arrives puts a thread on a CPU.
func (r *tracer) arrives(t *traced, cpu int32) {
	if t.state != tracedOff { // on another CPU, as it seemed
		r.sum.Gaps++
		r.vanish(t)
	}
	r.out.on(In, t.number, cpu)
	t.cpu, t.state = cpu, tracedLeaving
	if t.inside {
		t.state = tracedSyscall
	}
}

// vanish takes a thread off its CPU of which nobody knows what it did there.
func (r *tracer) vanish(t *traced) {
	if t.state == tracedUser {
		r.out.enter(Syscall, t.number, emu.Nothing)
	}
	r.out.add(Out, t.number)
	t.state, t.inside = tracedOff, false
}

// end forgets a thread that is off its CPU.
func (r *tracer) end(pid int32, t *traced) {
	r.out.add(End, t.number)
	r.free = append(r.free, t.number)
	delete(r.threads, pid)
}

// acting returns the thread that an event is of, on its CPU; nil if that is idle or
// runs a kernel thread. Where the trace doesn't say how it came there, that is a gap.
func (r *tracer) acting(pid int32, comm string, cpu int32) (*traced, error) {
	c := r.cpu(cpu)
	if c.cur != pid {
		if c.cur != nobody {
			r.sum.Gaps++
			if t := r.threads[c.cur]; t != nil && t.number != nobody && t.state != tracedOff && t.cpu == cpu {
				r.vanish(t)
			}
		}
		c.cur = pid
	}
	if pid == 0 {
		return nil, nil
	}
	t, err := r.thread(pid, comm)
	switch {
	case err != nil || t.kernel:
		return nil, err
	case t.number == nobody && r.sum.Updates > 0:
		if !t.bare {
			t.bare = true
			r.sum.Unregistered++
		}
		return nil, nil
	case t.number == nobody:
		r.begin(t, cpu)
	case t.state == tracedOff || t.cpu != cpu:
		r.arrives(t, cpu)
	}
	return t, nil
}

// begin gives a thread its number, in user mode.
func (r *tracer) begin(t *traced, cpu int32) {
	if n := len(r.free); n > 0 {
		t.number, r.free = r.free[n-1], r.free[:n-1]
	} else {
		t.number = r.numbers
		r.numbers++
	}
	kind := Adopt
	if t.born {
		kind = Start
	}
	r.out.on(kind, t.number, cpu)
	t.cpu, t.state = cpu, tracedUser
	r.sum.Threads++
}

// thread returns what is known of a pid.
func (r *tracer) thread(pid int32, comm string) (*traced, error) {
	t := r.threads[pid]
	if t == nil {
		if len(r.threads) >= MaxThreads {
			return nil, fmt.Errorf("more than %d threads are alive", MaxThreads)
		}
		t = &traced{number: nobody, cpu: nobody}
		r.threads[pid] = t
	}
	if t.number == nobody && !t.kernel && isKernelThread(comm) {
		t.kernel = true
		r.sum.KernelThreads++
	}
	return t, nil
}
