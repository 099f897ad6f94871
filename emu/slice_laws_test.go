package emu

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ledger watches a machine with slices and says what is against their laws.
type ledger struct {
	m      *Machine
	out    [MaxTasks]bool // left its CPU since it was granted a slice
	lost   uint64         // slices that ended with their processes
	had    [MaxTasks]bool
	left   [MaxTasks]bool // in this transition
	ended  [MaxTasks]bool // in this transition, and the thread has to make room
	broken string
}

func (l *ledger) event(e Event) {
	switch e.Kind {
	case EvGrant:
		l.out[e.Task] = false
		if t := &l.m.tasks[e.Task]; t.state != taskRunning || t.rseq.version != 2 || t.rseq.slice&sliceEnabled == 0 {
			l.broken = fmt.Sprintf("t%d is granted a slice", e.Task)
		}
	case EvSchedOut:
		l.out[e.Task], l.left[e.Task] = true, true
	case EvExpire, EvGiveUp:
		l.ended[e.Task] = true
	}
}

// before and after stand around a transition.
func (l *ledger) before() {
	l.left, l.ended = [MaxTasks]bool{}, [MaxTasks]bool{}
	for i := range l.m.tasks {
		t := &l.m.tasks[i]
		l.had[i] = t.rseq.slice&sliceGranted != 0 && t.entering == 0
	}
}

func (l *ledger) after(c Choice) string {
	m, open := l.m, uint64(0)
	for i := range m.tasks {
		t := &m.tasks[i]
		has := t.rseq.slice&sliceGranted != 0 && t.entering == 0
		switch {
		case has:
			open++
		case l.had[i] && !t.alive() && !l.ended[i]:
			l.lost++
		}
		if has && l.out[i] && t.state == taskRunning {
			return fmt.Sprintf("%s: t%d is back on a CPU, with the slice that it had before", c, i)
		}
		if l.ended[i] && t.alive() && !l.left[i] {
			return fmt.Sprintf("%s: t%d's slice is over, and it doesn't make room", c, i)
		}
		second := (c.Kind() == Preempt || c.Kind() == PreemptNow) && l.had[i] && m.cpus[c.CPU()].cur == TaskID(i)
		if second {
			return fmt.Sprintf("%s: t%d has a slice and is put off again", c, i)
		}
	}
	n := &m.counters
	if sum := n.SliceRevoked + n.SliceYielded + n.SliceAborted + open + l.lost; n.SliceGranted != sum {
		return fmt.Sprintf("%s: %s; %d are under way and %d lost", c, n.slices(), open, l.lost)
	}
	if n.SliceExpired > n.SliceRevoked {
		return fmt.Sprintf("%s: %s", c, n.slices())
	}
	return l.broken
}

// TestSliceLaws on random programs: a slice doesn't outlive its thread's time on
// the CPU, who gave one up or was out of time makes room, a second reschedule is
// never put off, and the kernel's books balance.
func TestSliceLaws(t *testing.T) {
	var ks []Kernel
	for _, name := range []string{"7.3/slices", "7.3/slices/preempt-rt", "7.3/riscv64/slices"} {
		ks = append(ks, mustKernel(t, name))
	}
	granted := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		m := drawAsking(t, ks)
		l := &ledger{m: m}
		m.Observe(l.event)
		var now Choice
		walk(t, m, 120, func(c Choice) { now = c; l.before() }, func() {
			if broken := l.after(now); broken != "" {
				t.Fatal(broken)
			}
		})
		granted += m.counters.SliceGranted
	})
	t.Logf("%d slices", granted) // TestSliceLawsEverywhere is sure to have some
}

// drawAsking is drawMachine with threads that mostly ask for slices.
func drawAsking(t *rapid.T, ks []Kernel) *Machine {
	var b strings.Builder
	b.WriteString(menu)
	for range rapid.IntRange(1, 3).Draw(t, "threads") {
		fmt.Fprintf(&b, "thread: asks 1; %s; asks 1\n", rapid.SampledFrom(append(ops, "asks 1")).Draw(t, "op"))
	}
	bound := rapid.SampledFrom([]uint8{2, Unlimited}).Draw(t, "bound")
	budget := Budget{bound, 1, 1, bound, 1, 1, 1, rapid.Uint8Range(0, 2).Draw(t, "expiries")}
	k := ks[rapid.IntRange(0, len(ks)-1).Draw(t, "kernel")]
	m, err := New(parseMenu(b.String()), Config{Kernel: k, CPUs: rapid.IntRange(1, 2).Draw(t, "cpus"), Budget: &budget})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sharing are two threads on one CPU, of which one asks, and a signal.
const sharing = asking + "thread on 0: enable; op\nthread on 0: get\n"

// TestSliceLawsEverywhere are the laws in every state of a program with every kind of
// event, and on the way: who asked in time leaves its CPU before it is through only
// if there was a second reschedule, an expiry, or another reason to sleep.
func TestSliceLawsEverywhere(t *testing.T) {
	for _, tt := range []struct {
		kernel string
		budget Budget
	}{
		{"7.3/slices", Budget{Preemptions: 2, IRQs: 1}},
		{"7.3/slices", Budget{Preemptions: 1, Faults: 1}},
		{"7.3/slices", Budget{Preemptions: 2, Membarriers: 1}},
		{"7.3/slices/debug", Budget{Preemptions: 1, Signals: 1}},
		{"7.3/slices/preempt-rt", Budget{Preemptions: 2}},
		{"7.3/slices/s390x", Budget{Preemptions: 2, Membarriers: 1}},
	} {
		r := boot(t, tt.kernel, sharing)
		m, kernel := r.Machine, tt.kernel
		m.budget = tt.budget
		l := &ledger{m: m}
		m.Observe(l.event)
		states, grants := 0, 0
		seen := map[string]bool{}
		var visit func()
		visit = func() {
			key := string(m.AppendState(nil))
			if seen[key] {
				return
			}
			seen[key] = true
			states++
			snap, books := m.NewSnapshot(), *l
			for _, c := range m.Choices(nil) {
				l.before()
				asked := m.asks(0)
				m.Do(c)
				if broken := l.after(c); broken != "" {
					t.Fatalf("%s: %s", kernel, broken)
				}
				if asked && c.Kind() == Preempt && m.tasks[0].state != taskRunning {
					t.Fatalf("%s: t0 asked and is preempted", kernel)
				}
				grants += int(m.counters.SliceGranted - snap.s.counters.SliceGranted)
				visit()
				m.Restore(snap)
				*l = books
			}
		}
		visit()
		if states < 300 || grants == 0 {
			t.Errorf("%s within %v: %d states, %d grants", kernel, tt.budget, states, grants)
		}
	}
}

// asks reports whether the task is where a reschedule must be put off.
func (m *Machine) asks(id TaskID) bool {
	t := &m.tasks[id]
	v, _ := m.memOf(t).Load(t.rseq.area+28, 1)
	return t.state == taskRunning && t.user() && v == 1 && t.rseq.slice == sliceEnabled && t.deliverable() == 0
}

// TestSliceIsState: what a slice is made of is in the bytes of kernels that have
// slices, and others' are as long as they were.
func TestSliceIsState(t *testing.T) {
	for name, change := range map[string]func(m *Machine){
		"enabled":  func(m *Machine) { m.tasks[0].rseq.slice ^= sliceEnabled },
		"granted":  func(m *Machine) { m.tasks[0].rseq.slice ^= sliceGranted },
		"yielded":  func(m *Machine) { m.tasks[0].rseq.slice ^= sliceYielded },
		"watched":  func(m *Machine) { m.tasks[0].rseq.slice ^= sliceWatched },
		"entering": func(m *Machine) { m.tasks[0].entering = 3 },
		"expiries": func(m *Machine) { m.budget[Expiries] = 4 },
	} {
		r := boot(t, "7.3/slices", sharing)
		before := r.AppendState(nil)
		change(r.Machine)
		after := r.AppendState(nil)
		other := boot(t, "7.3/slices", sharing)
		if rest, err := other.SetState(after); err != nil || len(rest) != 0 || bytes.Equal(before, after) || !bytes.Equal(after, other.AppendState(nil)) {
			t.Errorf("%s isn't in the state, or not read back: %v", name, err)
		}
	}
	with, without := boot(t, "7.3/slices", "register none\n"+sharing).AppendState(nil), boot(t, "7.3", "register none\n"+sharing).AppendState(nil)
	if want := len(without) + 1 + 2*2; len(with) != want {
		t.Errorf("%d bytes with slices, %d without: want two for each of two threads and one for the budget more", len(with), len(without))
	}
}

// TestSlicesAreNotReduced: what the reductions rest on was not proven with slices.
func TestSlicesAreNotReduced(t *testing.T) {
	p := "data x: u64\nfunc op()\n    ld.8 r1, [x]\n    add r1, r1, 1\n    st.8 [x], r1\n    ret\nthread: op\nthread: op\n"
	if set := boot(t, "7.3", p).Reduce(AllReductions).Set(); set == 0 {
		t.Error("nothing is reduced without slices")
	}
	if set := boot(t, "7.3/slices", p).Reduce(AllReductions).Set(); set != 0 {
		t.Errorf("%s with slices", set)
	}
	m := boot(t, "7.3/slices", p).Machine
	var f Footprint
	for _, c := range m.Choices(nil) {
		if m.Footprint(c, &f); f.Everything() != (c.Kind() != Step) {
			t.Errorf("%s: the footprint is everything: %v", c, f.Everything())
		}
	}
}

// TestSliceOfAChild: it may ask as its parent may if it is a process of its own, and
// has no slice; a thread starts with nothing.
func TestSliceOfAChild(t *testing.T) {
	r := boot(t, "7.3/slices", asking+"thread: enable; forks\n").run("t0 to forks; c0 preempt; c0 run t0; c0 step")
	if granted, enabled := r.Slice(1); granted || !enabled {
		t.Errorf("a forked child: granted %v, enabled %v", granted, enabled)
	}
	thread := strings.Replace(asking, "syscall fork", "mov r0, 0x10900\n    syscall clone", 1)
	r = boot(t, "7.3/slices", thread+"thread: enable; forks\n").run("t0 to forks; c0 step; c0 step")
	if granted, enabled := r.Slice(1); granted || enabled {
		t.Errorf("a thread: granted %v, enabled %v", granted, enabled)
	}
}

// TestSliceHoldsUpAMigration as any other reschedule, but for PREEMPT_RT.
func TestSliceHoldsUpAMigration(t *testing.T) {
	const program = asking + "data mask: u64 = 2\nfunc moves()\n    mov r0, 1000\n    mov r1, 8\n    mov r2, mask\n    syscall sched_setaffinity\n    ret\n" +
		"thread: enable; op\nthread: moves\n"
	for kernel, want := range map[string]string{
		"7.3/slices":            "0 1 granted 1 expired 0 revoked 0 yielded 1 aborted 0",
		"7.3/slices/preempt-rt": "0 7 granted 0 expired 0 revoked 0 yielded 0 aborted 0",
	} {
		r := boot(t, kernel, program).run("t0 to asked; t1 through; c0 ipi")
		if strings.HasPrefix(want, "0 1") {
			r.run("t0 to calling; c0 step")
		}
		r.run("c1 run t0; t0 through")
		if got := r.observe("calls") + " " + r.Counters().slices(); got != want {
			t.Errorf("%s: %s, want %s", kernel, got, want)
		}
	}
}
