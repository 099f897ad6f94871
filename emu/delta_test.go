package emu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// Whole-state tests of single transitions: the state before, the changes that
// are declared, and nothing else.

// wholeState compares states completely, memory by its words.
var wholeState = cmp.Options{
	cmp.AllowUnexported(state{}, task{}, rseqState{}, ids{}, cpu{}, process{}, mm{}, writes{}, write{}),
	cmp.Transformer("words", func(m *vcpu.Memory) memoryWords { return wordsOf(m) }),
}

type memoryWords struct {
	Words    map[ir.Addr]uint64 // those that aren't zero
	Reserved []ir.Addr
}

func wordsOf(m *vcpu.Memory) memoryWords {
	w := memoryWords{Words: map[ir.Addr]uint64{}, Reserved: m.Reservations()}
	for _, s := range m.Segments() {
		for off := uint64(0); off+8 <= s.Size && s.Perm&vcpu.Write != 0; off += 8 {
			if v, _ := m.Load(s.Base+ir.Addr(off), 8); v != 0 {
				w.Words[s.Base+ir.Addr(off)] = v
			}
		}
	}
	return w
}

// delta is what a transition may change.
type delta struct {
	*state
	rig *rig
}

// set declares a field of a thread's struct rseq.
func (d delta) set(id TaskID, field string, v int64) {
	f := fields[field]
	d.mem[d.procs[d.tasks[id].proc].mm].Store(none, d.rig.areaOf(id)+f.off, f.width, uint64(v))
}

// runs declares that a CPU runs a task, and off that it doesn't any more.
func (d delta) runs(c CPUID, id TaskID) {
	d.cpus[c].cur = id
	d.tasks[id].state, d.tasks[id].cpu = taskRunning, c
}

func (d delta) off(c CPUID, to taskState) *task {
	t := &d.tasks[d.cpus[c].cur]
	d.cpus[c].cur, t.state, t.cid = none, to, none
	return t
}

func TestTransitions(t *testing.T) {
	const one = section + "thread on 0-1: op\n"
	for _, tt := range []struct {
		name    string
		kernels []string
		program string
		before  string
		choice  string
		declare func(d delta)
	}{
		{
			"a step changes registers", []string{"5.10", "6.18", "7.3/v1", "7.3/v2"}, one, "t0 to start", "c0 step",
			func(d delta) { d.tasks[0].regs.IP += 4 },
		},
		{
			"preempt, old rule", []string{"5.10", "6.18"}, one, "t0 to inside", "c0 preempt",
			func(d delta) {
				task := d.off(0, taskRunnable)
				task.rseq.eventMask, task.rseq.notify = eventPreempt, true
			},
		},
		{
			"preempt, new rule", []string{"6.19", "7.3/v1", "7.3/v2"}, one, "t0 to inside", "c0 preempt",
			func(d delta) { d.off(0, taskRunnable).rseq.userIRQ = true },
		},
		{
			"preempt, nothing registered", []string{"6.18", "6.19"}, "register none\n" + one, "t0 to inside", "c0 preempt",
			func(d delta) {
				task := d.off(0, taskRunnable)
				task.rseq.userIRQ = d.rig.k.Notify == NotifyNew
				if d.rig.k.Notify == NotifyOld {
					task.rseq.eventMask = eventPreempt // noted all the same
				}
			},
		},
		{
			"run, old rule", []string{"5.10", "6.18"}, one, "t0 to inside; c0 preempt", "c0 run t0",
			func(d delta) {
				d.runs(0, 0)
				task := &d.tasks[0]
				task.rseq.eventMask, task.rseq.notify = 0, false
				task.regs.IP = d.rig.label("abort")
				if d.rig.k.CID != CIDNone {
					task.cid = 0
				}
				d.set(0, "rseq_cs", 0)
				d.counters.Exit++
				d.counters.SlowPath++
				d.counters.CS++
				d.counters.Fixup++
				d.counters.IDs++
			},
		},
		{
			"run, optimized: only rseq_cs", []string{"6.19", "7.3/v2"}, one, "t0 to inside; t0 poke cpu_id_start 99; c0 preempt", "c0 run t0",
			func(d delta) {
				d.runs(0, 0)
				task := &d.tasks[0]
				task.rseq.userIRQ, task.cid, task.regs.IP = false, 0, d.rig.label("abort")
				d.set(0, "rseq_cs", 0)
				d.counters.Exit++
				d.counters.FastPath++
				d.counters.CS++
				d.counters.Fixup++
			},
		},
		{
			"run, V1: the ids as well", []string{"7.3/v1"}, one, "t0 to inside; t0 poke cpu_id_start 99; c0 preempt", "c0 run t0",
			func(d delta) {
				d.runs(0, 0)
				task := &d.tasks[0]
				task.rseq.userIRQ, task.cid, task.regs.IP = false, 0, d.rig.label("abort")
				d.set(0, "rseq_cs", 0)
				d.set(0, "cpu_id_start", 0)
				d.counters.Exit++
				d.counters.FastPath++
				d.counters.IDs++
				d.counters.CS++
				d.counters.Fixup++
			},
		},
		{
			"run with nothing to do", []string{"6.19", "7.3/v2"}, inside("syscall nanosleep") + "thread: op\n",
			"t0 to inside; c0 step; t0 wake; t0 poke cpu_id_start 99", "c0 run t0",
			func(d delta) {
				d.runs(0, 0)
				d.tasks[0].cid, d.tasks[0].inSyscall = 0, false
				d.counters.Exit++
				d.counters.NoWork++
			},
		},
		{
			"run elsewhere, old rule", []string{"6.18"}, one + "nodes 2\n", "t0 to inside; c0 preempt", "c1 run t0",
			func(d delta) {
				d.runs(1, 0)
				task := &d.tasks[0]
				task.rseq.eventMask, task.rseq.notify, task.rseq.ids = 0, false, ids{1, 1, 0}
				task.cid, task.regs.IP = 0, d.rig.label("abort")
				d.cids[1] = 0
				d.set(0, "rseq_cs", 0)
				d.set(0, "cpu_id_start", 1)
				d.set(0, "cpu_id", 1)
				d.set(0, "node_id", 1)
				d.counters.Exit++
				d.counters.SlowPath++
				d.counters.CS++
				d.counters.Fixup++
				d.counters.IDs++
			},
		},
		{
			"run elsewhere, new rule", []string{"6.19", "7.3/v1", "7.3/v2"}, one + "nodes 2\n", "t0 to inside; c0 preempt", "c1 run t0",
			func(d delta) {
				d.runs(1, 0)
				task := &d.tasks[0]
				task.rseq.userIRQ, task.rseq.ids = false, ids{1, 1, 0}
				task.cid, task.regs.IP = 0, d.rig.label("abort")
				d.cids[1] = 0
				d.set(0, "rseq_cs", 0)
				d.set(0, "cpu_id_start", 1)
				d.set(0, "cpu_id", 1)
				d.set(0, "node_id", 1)
				d.counters.Exit++
				d.counters.FastPath++
				d.counters.IDs++
				d.counters.CS++
				d.counters.Fixup++
			},
		},
		{
			"irq", []string{"5.10", "6.18", "6.19", "7.3/v1", "7.3/v2"}, one, "t0 to inside", "c0 irq",
			func(d delta) { d.counters.Exit++; d.counters.NoWork++ },
		},
		{
			"fault", []string{"6.18", "7.3/v2"}, inside("ld.8 r5, [seen]") + "thread: op\n", "t0 to inside", "c0 fault",
			func(d delta) { d.counters.Exit++; d.counters.NoWork++ },
		},
		{
			"fault sleep, old rule", []string{"6.18"}, inside("ld.8 r5, [seen]") + "thread: op\n", "t0 to inside", "c0 fault sleep",
			func(d delta) {
				task := d.off(0, taskBlocked)
				task.wait, task.rseq.eventMask, task.rseq.notify = waitPage, eventPreempt, true
			},
		},
		{
			"fault sleep, new rule", []string{"7.3/v2"}, inside("ld.8 r5, [seen]") + "thread: op\n", "t0 to inside", "c0 fault sleep",
			func(d delta) {
				task := d.off(0, taskBlocked)
				task.wait, task.rseq.userIRQ = waitPage, true
			},
		},
		{
			"wake", []string{"6.18", "7.3/v2"}, inside("ld.8 r5, [seen]") + "thread: op\n", "t0 to inside; c0 fault sleep", "t0 wake",
			func(d delta) { d.tasks[0].state, d.tasks[0].wait = taskRunnable, waitNone },
		},
		{
			"signal, old rule", []string{"6.18"}, one, "t0 to inside", "t0 signal SIGUSR1",
			func(d delta) {
				d.frame(0, "abort")
				d.counters.Exit++
				d.counters.Signal++
				d.counters.CS++
				d.counters.Fixup++
				d.counters.IDs++
			},
		},
		{
			"signal, optimized", []string{"6.19", "7.3/v2"}, one, "t0 to inside; t0 poke cpu_id_start 99", "t0 signal SIGUSR1",
			func(d delta) {
				d.frame(0, "abort")
				d.counters.Exit++
				d.counters.Signal++
				d.counters.CS++
				d.counters.Fixup++
			},
		},
		{
			"signal, V1", []string{"7.3/v1"}, one, "t0 to inside; t0 poke cpu_id_start 99", "t0 signal SIGUSR1",
			func(d delta) {
				d.frame(0, "abort")
				d.set(0, "cpu_id_start", 0)
				d.counters.Exit++
				d.counters.Signal++
				d.counters.CS++
				d.counters.Fixup++
				d.counters.FastPath++
				d.counters.IDs++
			},
		},
		{
			"signal to a thread that is off its CPU", []string{"6.18", "7.3/v2"}, one, "t0 to inside; c0 preempt", "t0 signal SIGUSR1",
			func(d delta) { d.tasks[0].pending = sigBit(abi.SIGUSR1) },
		},
		{
			"offline", []string{"7.3/v2"}, one, "t0 to inside", "c0 offline",
			func(d delta) {
				d.off(0, taskRunnable).rseq.userIRQ = true
				d.cpus[0].online = false
			},
		},
		{
			"online", []string{"7.3/v2"}, one, "c1 offline", "c1 online",
			func(d delta) { d.cpus[1].online = true },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, kernel := range tt.kernels {
				r := boot(t, kernel, tt.program).run(tt.before)
				want := r.NewSnapshot()
				r.run(tt.choice)
				tt.declare(delta{&want.s, r})
				if diff := cmp.Diff(want.s, r.state, wholeState); diff != "" {
					t.Errorf("%s: %s (-declared +got):\n%s", kernel, tt.choice, diff)
				}
			}
		})
	}
}

// frame declares thread id's frame for SIGUSR1, with that ip, on an empty stack, and
// that its handler is entered.
func (d delta) frame(id TaskID, label string) {
	t, mem := &d.tasks[id], d.mem[0]
	frame := ir.Addr(t.regs.R[ir.SP]) - FrameSize
	for i := range 32 {
		mem.Store(none, frame+FrameRegs+ir.Addr(8*i), 8, t.regs.R[i])
	}
	mem.Store(none, frame+FrameIP, 8, uint64(d.rig.label(label)))
	mem.Store(none, frame+FrameSigno, 8, uint64(abi.SIGUSR1))
	t.blocked = sigBit(abi.SIGUSR1)
	t.regs.R[ir.R0], t.regs.R[ir.R1], t.regs.R[ir.SP] = uint64(abi.SIGUSR1), uint64(frame), uint64(frame)
	t.regs.R[ir.LR], t.regs.IP = uint64(d.rig.im.Restorer), d.rig.label("look")
	d.set(id, "rseq_cs", 0)
}

// TestSigreturnIsTheInverseOfDelivery: with a handler that does nothing, the state
// is back to what it was, up to the abort.
func TestSigreturnIsTheInverseOfDelivery(t *testing.T) {
	program := section + "func nothing()\n    ret\nhandler SIGUSR2: nothing\nthread: op\n"
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, program).run("t0 to commit")
		want := r.NewSnapshot()
		r.run("t0 signal SIGUSR2; t0 to nothing; t0 to commit")
		// Every rule has looked at rseq_cs, which is stale.
		d := delta{&want.s, r}
		d.set(0, "rseq_cs", 0)
		d.counters = r.counters
		if r.k.Notify == NotifyOld {
			d.tasks[0].rseq.eventMask = eventSignal
		}
		if diff := cmp.Diff(want.s, r.state, wholeState); diff != "" {
			t.Errorf("%s: (-before +after):\n%s", kernel, diff)
		}
	})
}

// TestMembarrierTransitions are the call, the interrupt, and the return.
func TestMembarrierTransitions(t *testing.T) {
	r := boot(t, "6.18", fenced+"thread: enable; fence_ 0, 0\nthread: op\n").run("t1 to inside; t0 to calling")
	want := r.NewSnapshot()
	r.run("c0 step")
	want.s.tasks[0].wait, want.s.tasks[0].fences, want.s.tasks[0].inSyscall = waitFences, 1<<1, true
	want.s.tasks[0].regs.R[ir.R0] = 0
	want.s.tasks[0].regs.IP += 4
	want.s.cpus[1].ipi = ipiRSeq
	if diff := cmp.Diff(want.s, r.state, wholeState); diff != "" {
		t.Errorf("the call (-declared +got):\n%s", diff)
	}

	want = r.NewSnapshot()
	r.run("c1 ipi")
	want.s.cpus[1].ipi = 0
	want.s.tasks[0].wait, want.s.tasks[0].fences, want.s.tasks[0].inSyscall = waitNone, 0, false
	want.s.tasks[1].regs.IP = r.label("abort")
	delta{&want.s, r}.set(1, "rseq_cs", 0)
	want.s.counters.Exit += 2
	want.s.counters.NoWork++
	want.s.counters.SlowPath++
	want.s.counters.CS++
	want.s.counters.Fixup++
	want.s.counters.IDs++
	if diff := cmp.Diff(want.s, r.state, wholeState); diff != "" {
		t.Errorf("the interrupt (-declared +got):\n%s", diff)
	}
}
