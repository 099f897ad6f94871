package emu

import (
	"bytes"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Canonical bytes: what matters is in them, what doesn't isn't.

// TestWhatMattersIsInTheState: each change alone gives other bytes, which another
// machine reads back.
func TestWhatMattersIsInTheState(t *testing.T) {
	program := section + "cpus 3\nfunc forks()\n    syscall fork\nforked:\n    ret\nthread: op\nthread: forks\n"
	for name, change := range map[string]func(m *Machine){
		"budget":           func(m *Machine) { m.budget[IRQs]-- },
		"cpu online":       func(m *Machine) { m.cpus[2].online = false },
		"cpu ipi":          func(m *Machine) { m.cpus[1].ipi = ipiKick },
		"cpu cur":          func(m *Machine) { m.cpus[0].cur = none },
		"task state":       func(m *Machine) { m.tasks[0].state = taskRunnable },
		"task wait":        func(m *Machine) { m.tasks[0].wait = waitPause },
		"task in syscall":  func(m *Machine) { m.tasks[0].inSyscall = true },
		"task in call":     func(m *Machine) { m.tasks[0].inCall = false },
		"task cpu":         func(m *Machine) { m.tasks[0].cpu = 1 },
		"task cid":         func(m *Machine) { m.tasks[0].cid = 2 },
		"task last cid":    func(m *Machine) { m.tasks[0].lastCID = 2 },
		"task parent":      func(m *Machine) { m.tasks[0].parent = 1 },
		"task script":      func(m *Machine) { m.tasks[0].script = none },
		"task call":        func(m *Machine) { m.tasks[0].call = 300 },
		"task reason":      func(m *Machine) { m.tasks[0].reason = ReasonFlags },
		"task reason at":   func(m *Machine) { m.tasks[0].reasonAt = 1 << 40 },
		"task affinity":    func(m *Machine) { m.tasks[0].affinity = 1 },
		"task pending":     func(m *Machine) { m.tasks[0].pending = 1 << 31 },
		"task blocked":     func(m *Machine) { m.tasks[0].blocked = 1 << 12 },
		"task wait addr":   func(m *Machine) { m.tasks[0].waitAddr = ir.DataBase },
		"task fences":      func(m *Machine) { m.tasks[0].fences = 4 },
		"register":         func(m *Machine) { m.tasks[0].regs.R[ir.SP]++ },
		"flags":            func(m *Machine) { m.tasks[0].regs.Flags = 8 },
		"ip":               func(m *Machine) { m.tasks[0].regs.IP += 4 },
		"micro":            func(m *Machine) { m.tasks[0].regs.Micro = 1 },
		"rseq area":        func(m *Machine) { m.tasks[0].rseq.area += 64 },
		"rseq length":      func(m *Machine) { m.tasks[0].rseq.length = 64 },
		"rseq sig":         func(m *Machine) { m.tasks[0].rseq.sig++ },
		"rseq events":      func(m *Machine) { m.tasks[0].rseq.eventMask = eventMigrate },
		"rseq notify":      func(m *Machine) { m.tasks[0].rseq.notify = true },
		"rseq version":     func(m *Machine) { m.tasks[0].rseq.version++ },
		"rseq switch":      func(m *Machine) { m.tasks[0].rseq.schedSwitch = true },
		"rseq ids changed": func(m *Machine) { m.tasks[0].rseq.idsChanged = true },
		"rseq user irq":    func(m *Machine) { m.tasks[0].rseq.userIRQ = true },
		"rseq cpu":         func(m *Machine) { m.tasks[0].rseq.ids.cpu = 7 },
		"rseq node":        func(m *Machine) { m.tasks[0].rseq.ids.node = 7 },
		"rseq cid":         func(m *Machine) { m.tasks[0].rseq.ids.cid = 7 },
		"process mm":       func(m *Machine) { m.procs[1].mm = 2 },
		"process live":     func(m *Machine) { m.procs[1].live++ },
		"process done":     func(m *Machine) { m.procs[2].done = true },
		"process exit":     func(m *Machine) { m.procs[2].done, m.procs[2].exit.Code = true, 3 },
		"process handlers": func(m *Machine) { m.procs[1].handlers[abi.SIGTERM] = sigIgnore },
		"mm users":         func(m *Machine) { m.mms[1].users++ },
		"mm membarrier":    func(m *Machine) { m.mms[0].membarrier = true },
		"memory":           func(m *Machine) { m.mem[0].Mutable()[100] ^= 1 },
		"forked memory":    func(m *Machine) { m.mem[1].Mutable()[0] ^= 1 },
		"reservation":      func(m *Machine) { m.mem[0].Reservations()[1] = ir.DataBase },
		"cpu's cid":        func(m *Machine) { m.cids[2] = 5 },
	} {
		r := boot(t, "6.18", program).run("t0 to inside; t1 to forked; c2 run t2")
		before := r.AppendState(nil)
		change(r.Machine)
		after := r.AppendState(nil)
		if bytes.Equal(before, after) {
			t.Errorf("%s: no change in the bytes", name)
			continue
		}
		reader := boot(t, "6.18", program).Machine
		if _, err := reader.SetState(after); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again := reader.AppendState(nil); !bytes.Equal(again, after) {
			t.Errorf("%s: read back, the bytes are others", name)
		}
	}
}

// TestWhatCantMatterIsLeftOut: the same bytes before and after.
func TestWhatCantMatterIsLeftOut(t *testing.T) {
	program := section + "func forks()\n    syscall fork\nforked:\n    ret\nthread: op\nthread: forks\n"
	for name, change := range map[string]func(m *Machine){
		"counters":          func(m *Machine) { m.counters.Exit++ },
		"temporaries":       func(m *Machine) { m.tasks[0].regs.R[ir.T0], m.tasks[0].regs.R[ir.T1] = 1, 2 },
		"a dead task":       func(m *Machine) { m.tasks[2].regs.R[0], m.tasks[2].affinity = 1, 1 },
		"a task not made":   func(m *Machine) { m.tasks[3].regs.R[0], m.tasks[3].rseq.area = 1, 1 },
		"an unused memory":  func(m *Machine) { m.mem[2].Mutable()[0] = 1 },
		"a dead memory":     func(m *Machine) { m.mem[1].Mutable()[0] = 1 },
		"a dead memory's":   func(m *Machine) { m.cids[2] = 1 },
		"a dead process's":  func(m *Machine) { m.procs[1].handlers[1] = 1 },
		"an unused process": func(m *Machine) { m.procs[2].handlers[1] = 1 },
	} {
		r := boot(t, "6.18", program).run("t0 to inside; t1 to forked; c1 preempt; c1 run t2; t2 through")
		before := r.AppendState(nil)
		change(r.Machine)
		if !bytes.Equal(before, r.AppendState(nil)) {
			t.Errorf("%s: other bytes", name)
		}
	}
}

// TestMiddleOfAnInstruction: what a bundle has in its temporaries is part of the
// state there.
func TestMiddleOfAnInstruction(t *testing.T) {
	program := "data x: u64 = 5\nfunc op()\n    nop\nhere:\n    { ld.8 t0, [x]; add t0, t0, 1; st.8 [x], t0 }\n    ret\nthread: op\n"
	r := boot(t, "6.18", program).run("t0 to here; c0 step")
	other := boot(t, "6.18", program)
	if _, err := other.SetState(r.AppendState(nil)); err != nil {
		t.Fatal(err)
	}
	if got := other.run("c0 step").data("x", 0); got != 6 {
		t.Errorf("x is %d, want 6", got)
	}
}

// TestSetStateCountsFromZero, since counters are no state.
func TestSetStateCountsFromZero(t *testing.T) {
	r := boot(t, "6.18", section+"thread: op\n").run(preemptInside)
	if _, err := r.SetState(r.AppendState(nil)); err != nil || r.Counters() != (Counters{}) {
		t.Errorf("%v, %+v", err, r.Counters())
	}
}

// TestSnapshotsHoldReservations, and the memory of a run that is over.
func TestSnapshotsHoldReservations(t *testing.T) {
	program := "data x: u64\nfunc op()\n    mov r2, 7\n    ll r1, [x]\nbetween:\n    sc r0, [x], r2\n    ret\nthread: op\n"
	r := boot(t, "6.18", program).run("t0 to between")
	between := r.NewSnapshot()
	r.run("t0 through")
	end := r.NewSnapshot()
	for range 2 {
		r.Restore(between)
		if got := r.data("x", 0); got != 0 {
			t.Errorf("before sc, x is %d", got)
		}
		r.run("t0 through")
		if got := r.data("x", 0); got != 7 {
			t.Errorf("after sc, x is %d, want 7", got)
		}
		r.Restore(between)
		r.Restore(end)
		if got := r.data("x", 0); got != 7 || !r.Done() {
			t.Errorf("at the end, x is %d, done: %v", got, r.Done())
		}
	}
}

// TestForkHasNoObserver: the original's sees nothing of it.
func TestForkHasNoObserver(t *testing.T) {
	r := boot(t, "6.18", section+"thread: op\n")
	before := len(r.log)
	f := r.Fork()
	for !f.Done() {
		f.Do(StepOn(0))
	}
	if len(r.log) != before {
		t.Error("the original's observer sees the fork's events")
	}
}

// TestReturnedCallsMeetAgain: an operation leaves nothing in its registers, nor its
// handler on the stack, so that two ways to the same memory are one state.
func TestReturnedCallsMeetAgain(t *testing.T) {
	program := "func op(a)\n    add r7, r0, 1\n    mov r0, 0\n    ret\nfunc look()\n    mov r2, 7\n    ret\nhandler SIGUSR1: look\n"
	one := boot(t, "6.18", program+"thread: op 1; op 1\n").run("t0 to op; c0 step; c0 step; c0 step")
	two := boot(t, "6.18", program+"thread: op 2; op 1\n").run("t0 to op; c0 step; c0 step; c0 step")
	if !bytes.Equal(one.AppendState(nil), two.AppendState(nil)) {
		t.Error("two calls with different arguments have left different states")
	}
	// A signal whose handler has returned; only its price is different.
	three := boot(t, "6.19", program+"thread: op 1; op 1\n").run("t0 to op; c0 step; t0 signal SIGUSR1; t0 to look; c0 step; c0 step; c0 step; c0 step; c0 step")
	four := boot(t, "6.19", program+"thread: op 1; op 1\n").run("t0 to op; c0 step; c0 step; c0 step")
	if !bytes.Equal(three.AppendState(nil), four.AppendState(nil)) {
		t.Error("a handler that has returned is still there")
	}
}

// TestStatesAreTheSameEverywhere pins the bytes of one state, which every platform
// must give. A change of the format or of the memory map is a new pin.
func TestStatesAreTheSameEverywhere(t *testing.T) {
	for kernel, want := range map[string]uint64{"6.18": 0x1cb8b9de4171c496, "7.3/s390x": 0x2eefe70868e75901} {
		r := boot(t, kernel, section+"thread: op\nthread: op\n").run("t0 to inside; t1 to last; c1 preempt; t1 signal SIGUSR1; c1 run t1")
		if got := fnv(r.AppendState(nil)); got != want {
			t.Errorf("%s: the state's hash is %#x, want %#x", kernel, got, want)
		}
	}
}

func fnv(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
