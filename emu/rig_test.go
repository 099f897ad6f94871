package emu

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// rig drives a machine as a tracer drives a thread on a real kernel: run to a
// label, do something to the thread, look at what came of it.
//
// A schedule is lines, or parts of a line with ; between them:
//
//	t0 to inside        step thread 0 until it is at a label or function
//	t0 through          step thread 0 until it ends, waking and placing it again
//	t0 poke flags 1     write a field of its struct rseq
//	c0 preempt          any choice, as in a schedule of the command line
type rig struct {
	testing.TB
	*Machine
	results map[TaskID][]uint64 // r0 of every call that returned
	log     []Event
}

// everything lets a rig do what it wants.
var everything = Budget{Unlimited, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited}

// boot starts a program on a kernel, both in their text forms.
func boot(t testing.TB, kernel, program string) *rig {
	t.Helper()
	k, err := ParseKernel(kernel)
	if err != nil {
		t.Fatal(err)
	}
	return bootWith(t, program, Config{Kernel: k, Budget: &everything})
}

func bootWith(t testing.TB, program string, cfg Config) *rig {
	t.Helper()
	m, err := New(parse(t, program), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, Machine: m, results: map[TaskID][]uint64{}}
	m.Observe(func(e Event) {
		r.log = append(r.log, e)
		if e.Kind == EvReturn {
			r.results[e.Task] = append(r.results[e.Task], e.A)
		}
	})
	return r
}

func parse(t testing.TB, program string) *ir.Program {
	t.Helper()
	p, err := ir.Parse("test.rseq", []byte(program))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run follows a schedule.
func (r *rig) run(schedule string) *rig {
	r.Helper()
	for _, line := range strings.FieldsFunc(schedule, func(c rune) bool { return c == ';' || c == '\n' }) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case len(words) == 3 && words[1] == "to":
			r.to(r.taskID(words[0]), words[2])
		case len(words) == 2 && words[1] == "through":
			r.through(r.taskID(words[0]))
		case len(words) == 4 && words[1] == "poke":
			r.poke(r.taskID(words[0]), words[2], words[3])
		default:
			c, err := ParseChoice(line)
			if err == nil {
				err = r.Try(c)
			}
			if err != nil {
				r.Fatalf("schedule %q: %v", line, err)
			}
		}
	}
	return r
}

func (r *rig) taskID(word string) TaskID {
	r.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(word, "t"))
	if err != nil || n >= len(r.tasks) {
		r.Fatalf("%q is no thread", word)
	}
	return TaskID(n)
}

// longest bounds every run of a rig: no test program is longer.
const longest = 300

// to steps a running task until it stands at the label.
func (r *rig) to(id TaskID, label string) {
	r.Helper()
	target, t := r.label(label), &r.tasks[id]
	for range longest {
		if t.state == taskRunning && t.user() && r.Next(id) == target {
			return
		}
		if t.state != taskRunning || t.wait != waitNone {
			r.Fatalf("t%d does not get to %s: it is off its CPU, or waits (%s) %s", id, label, r.Blocked(), r.end())
		}
		r.Do(StepOn(t.cpu))
	}
	r.Fatalf("t%d does not get to %s in %d steps", id, label, longest)
}

// through steps a task to its end. Where it leaves its CPU it is woken and put
// back on that CPU.
func (r *rig) through(id TaskID) {
	r.Helper()
	t := &r.tasks[id]
	for range longest {
		switch {
		case t.state == taskDead:
			return
		case t.state == taskRunning && t.wait == waitNone:
			r.Do(StepOn(t.cpu))
		case t.state == taskRunnable:
			if c := max(t.cpu, 0); r.cpus[c].cur < 0 {
				r.Do(RunOn(c, id))
				continue
			}
			fallthrough
		default:
			if r.Try(WakeTask(id)) != nil {
				r.Fatalf("t%d does not go on: %s", id, r.Blocked())
			}
		}
	}
	r.Fatalf("t%d does not end in %d steps", id, longest)
}

// label finds a label or function; labels of test programs are unique.
func (r *rig) label(name string) ir.Addr {
	r.Helper()
	for _, f := range r.im.Funcs {
		if f.Name == name {
			return f.Entry
		}
		for _, l := range f.Labels {
			if l.Name == name {
				return l.Addr
			}
		}
	}
	r.Fatalf("there is no label %q", name)
	return 0
}

// fields are the fields of struct rseq.
var fields = map[string]struct {
	off   ir.Addr
	width ir.Width
}{
	"cpu_id_start": {abi.OffCPUIDStart, 4}, "cpu_id": {abi.OffCPUID, 4}, "rseq_cs": {abi.OffRSeqCS, 8},
	"flags": {abi.OffFlags, 4}, "node_id": {abi.OffNodeID, 4}, "mm_cid": {abi.OffMMCID, 4},
	"slice_ctrl": {abi.OffSliceCtrl, 4},
}

func (r *rig) poke(id TaskID, field, value string) {
	r.Helper()
	f, ok := fields[field]
	v, err := strconv.ParseInt(value, 0, 64)
	if !ok || err != nil {
		r.Fatalf("poke %s %s", field, value)
	}
	r.memOf(&r.tasks[id]).Store(none, r.areaOf(id)+f.off, f.width, uint64(v))
}

// areaOf is the struct rseq that thread id's thread pointer points to.
func (r *rig) areaOf(id TaskID) ir.Addr { return r.im.TP(int(id)) }

// field reads a field of a thread's struct rseq, also when it has ended.
func (r *rig) field(id TaskID, name string) int64 {
	r.Helper()
	f, ok := fields[name]
	if !ok {
		r.Fatalf("there is no field %q", name)
	}
	v, _ := r.memOf(&r.tasks[id]).Load(r.areaOf(id)+f.off, f.width)
	if f.width == 4 {
		return int64(int32(v))
	}
	return int64(v)
}

// data reads an element of a variable in the first process's memory.
func (r *rig) data(name string, i int) int64 {
	r.Helper()
	a, ok := r.im.Symbols[name]
	if !ok {
		r.Fatalf("there is no data %q", name)
	}
	return r.Peek(a+ir.Addr(8*i), 8)
}

// end says how a process was killed: "SIGSEGV version", or nothing.
func (r *rig) end() string {
	e, ok := r.Killed()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s %s", e.Signal, reasonWords[e.Reason])
}

// reasonWords are short names of the reasons, for tables.
var reasonWords = [numReasons]string{
	ReasonAreaFault: "area", ReasonCSAddress: "cs address", ReasonCSFault: "cs unmapped", ReasonVersion: "version",
	ReasonRange: "range", ReasonAbortInside: "abort inside", ReasonAbortAddress: "abort address",
	ReasonSignature: "signature", ReasonFlags: "flags", ReasonIDs: "ids", ReasonSyscall: "syscall",
	ReasonUnregister: "unregister", ReasonFrame: "frame", ReasonLoad: "load", ReasonStore: "store",
	ReasonFetch: "fetch", ReasonAlign: "align", ReasonUD: "ud", ReasonBrk: "brk", ReasonSent: "sent",
	ReasonSliceCtrl: "slice_ctrl", ReasonSliceFlags: "slice flags",
}

// results of an operation that has a critical section, by convention of the
// test programs.
const (
	wentCommit = 1
	wentAbort  = 2
)

// result names what a system call or an operation returned.
func result(v uint64) string {
	if n := -int64(v); n > 0 && n < 4096 {
		return abi.Errno(n).String()
	}
	return strconv.FormatInt(int64(v), 10)
}
