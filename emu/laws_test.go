package emu

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/ir"
)

// The laws of the machine as a labelled transition system, over random programs
// and runs.

func parseMenu(program string) *ir.Program {
	p, err := ir.Parse("menu.rseq", []byte(program))
	if err != nil {
		panic(err)
	}
	return p
}

// TestRestoreUndoesEverything: whatever happens after Save, Restore brings the same
// bytes back, and the counters.
func TestRestoreUndoesEverything(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		walk(t, m, rapid.IntRange(0, 60).Draw(t, "before"), nil, nil)
		s := m.NewSnapshot()
		want, counters := m.AppendState(nil), m.Counters()
		walk(t, m, rapid.IntRange(0, 60).Draw(t, "after"), nil, nil)
		m.Restore(s)
		if got := m.AppendState(nil); !bytes.Equal(got, want) {
			t.Fatalf("another state after Restore")
		}
		if diff := cmp.Diff(counters, m.Counters()); diff != "" {
			t.Fatalf("counters after Restore (-want +got):\n%s", diff)
		}
	})
}

// TestSameChoicesSameBytes: a machine's twin, made by Fork, and one that has read
// the state's bytes, have the same choices, the same events and the same states
// for ever after.
func TestSameChoicesSameBytes(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		walk(t, m, rapid.IntRange(0, 60).Draw(t, "before"), nil, nil)
		fork, reader := m.Fork(), m.Fork()
		// The reader is somewhere else first.
		walk(t, reader, 20, nil, nil)
		b := m.AppendState(nil)
		rest, err := reader.SetState(append(slices.Clone(b), "more"...))
		if err != nil || string(rest) != "more" {
			t.Fatalf("SetState: rest %q, %v", rest, err)
		}
		twins := []*Machine{m, fork, reader}
		var events [3][]Event
		for i, twin := range twins {
			twin.Observe(func(e Event) { events[i] = append(events[i], e) })
		}
		for range 60 {
			choices := m.Choices(nil)
			for _, twin := range twins[1:] {
				if diff := cmp.Diff(choices, twin.Choices(nil)); diff != "" {
					t.Fatalf("choices (-one +twin):\n%s", diff)
				}
				if b := m.AppendState(nil); !bytes.Equal(b, twin.AppendState(nil)) {
					t.Fatalf("twins' states differ")
				}
			}
			if len(choices) == 0 {
				return
			}
			c := draw(t, choices)
			for i, twin := range twins {
				events[i] = events[i][:0]
				twin.Do(c)
			}
			for _, e := range events[1:] {
				if diff := cmp.Diff(events[0], e, cmp.Comparer(func(a, b Event) bool { return a == b })); diff != "" {
					t.Fatalf("%s: events (-one +twin):\n%s", c, diff)
				}
			}
		}
	})
}

// TestForkIsIndependent: what a fork does is nothing to the original.
func TestForkIsIndependent(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		walk(t, m, 30, nil, nil)
		want := m.AppendState(nil)
		walk(t, m.Fork(), 60, nil, nil)
		if !bytes.Equal(m.AppendState(nil), want) {
			t.Fatal("the fork changed the original")
		}
	})
}

// TestChoicesAreTrue: what Choices lists can be tried, prints and parses back, is
// listed once, and begins with what Progress lists.
func TestChoicesAreTrue(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		s := m.NewSnapshot()
		walk(t, m, 60, func(Choice) {
			m.Save(s)
			choices := m.Choices(nil)
			if progress := m.Progress(nil); !slices.Equal(progress, choices[:len(progress)]) {
				t.Fatalf("Progress lists %v, Choices %v", progress, choices)
			}
			seen := map[Choice]bool{}
			for _, c := range choices {
				if back, err := ParseChoice(c.String()); back != c || err != nil {
					t.Fatalf("%s parses to %s, %v", c, back, err)
				}
				if seen[c] {
					t.Fatalf("%s is listed twice", c)
				}
				seen[c] = true
				if err := m.Try(c); err != nil {
					t.Fatal(err)
				}
				m.Restore(s)
			}
		}, nil)
	})
}

// TestEventsCostTheirBudget, one each, and nothing else costs any. A Run may be a
// migration.
func TestEventsCostTheirBudget(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		var before Budget
		var choice Choice
		walk(t, m, 60, func(c Choice) { before, choice = m.Budget(), c }, func() {
			spent := 0
			for e, n := range m.Budget() {
				spent += int(before[e]) - int(n)
			}
			_, bounded := before.Expiries()
			unbounded := choice.Kind() == SliceTimer && !bounded
			if migrates := choice.Kind() == Run; spent != int(choice.Cost()) && !(migrates && spent == 1) && !(unbounded && spent == 0) {
				t.Fatalf("%s costs %d of %v, which is now %v", choice, spent, before, m.Budget())
			}
		})
	})
}

// TestStateIsConsistent: what is said twice is said the same way twice.
func TestStateIsConsistent(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		walk(t, m, 100, nil, func() {
			if err := m.inconsistency(); err != "" {
				t.Fatal(err)
			}
		})
	})
}

func (m *Machine) inconsistency() string {
	users, live := make([]int, len(m.mms)), make([]int, len(m.procs))
	for i := range m.tasks {
		t := &m.tasks[i]
		if t.alive() {
			users[m.procs[t.proc].mm]++
			live[t.proc]++
		}
		on := t.cpu >= 0 && m.cpus[t.cpu].cur == TaskID(i)
		switch {
		case on != (t.state == taskRunning):
			return fmt.Sprintf("t%d is running: %v, but on its CPU: %v", i, t.state == taskRunning, on)
		case (t.cid >= 0) != (on && m.k.CID != CIDNone):
			return fmt.Sprintf("t%d is running: %v, with mm_cid %d", i, on, t.cid)
		case (t.wait == waitFences) != (t.fences != 0):
			return fmt.Sprintf("t%d waits for %s and CPUs %b", i, waitNames[t.wait], t.fences)
		case t.state == taskBlocked && t.wait == waitNone, t.state == taskRunnable && t.wait != waitNone:
			return fmt.Sprintf("t%d is in state %d and waits for %s", i, t.state, waitNames[t.wait])
		case (t.blocked|t.pending)&^(allSignals&^1) != 0 || t.blocked&unblockable != 0:
			return fmt.Sprintf("t%d has signals %#x pending and %#x blocked", i, t.pending, t.blocked)
		case on && t.wait == waitNone && (t.inSyscall || t.rseq.notify || t.rseq.schedSwitch || t.rseq.idsChanged || t.rseq.userIRQ):
			return fmt.Sprintf("t%d is in user mode and has work left: %+v", i, t.rseq)
		}
	}
	for i := range m.cpus {
		if c := &m.cpus[i]; !c.online && (c.cur >= 0 || c.ipi != 0) {
			return fmt.Sprintf("CPU %d is offline and busy: %+v", i, *c)
		}
	}
	for i := range m.mms {
		if int(m.mms[i].users) != users[i] {
			return fmt.Sprintf("memory %d has %d users, but %d tasks", i, m.mms[i].users, users[i])
		}
	}
	for i := range m.procs {
		if p := &m.procs[i]; int(p.live) != live[i] || p.done && live[i] > 0 {
			return fmt.Sprintf("process %d counts %d threads, has %d, is done: %v", i, p.live, live[i], p.done)
		}
	}
	return ""
}

// TestCountersAddUp: every count has its events, and every evaluation of an
// rseq_cs an end.
func TestCountersAddUp(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		start := m.Counters()
		var ids, clears, aborts, fatal, forced uint64
		m.Observe(func(e Event) {
			switch e.Kind {
			case EvIDs:
				ids++
			case EvClear:
				clears++
			case EvAbort:
				aborts++
			case EvFatal:
				forced++
				switch r := Reason(e.B); r {
				case ReasonFlags, ReasonVersion, ReasonRange, ReasonAbortInside, ReasonAbortAddress, ReasonSignature, ReasonCSAddress, ReasonCSFault, ReasonSyscall:
					fatal++
				}
			}
		})
		walk(t, m, 200, nil, nil)
		c := m.Counters()
		did := Counters{IDs: c.IDs - start.IDs, CS: c.CS - start.CS, Clear: c.Clear - start.Clear, Fixup: c.Fixup - start.Fixup}
		// The old rule clears what is 0 already, which is no event.
		if did.IDs != ids || did.Fixup != aborts || did.Clear < clears || m.k.Notify == NotifyNew && did.Clear != clears {
			t.Fatalf("ids, clears, aborts happened %d, %d, %d times; counters before %+v, after %+v", ids, clears, aborts, start, c)
		}
		switch ended := did.Clear + did.Fixup; {
		// What is fatal is looked at by the fast path and by the slow path. Debug counts
		// a look at an rseq_cs of 0, too.
		// And it doesn't count what it looks at when a system call returns.
		case m.k.Notify == NotifyNew && m.k.Debug:
		case m.k.Notify == NotifyNew && (did.CS < ended+fatal || did.CS > ended+2*fatal), did.CS < ended:
			t.Fatalf("%d evaluations; %d clears, %d aborts, %d fatal", did.CS, did.Clear, aborts, fatal)
		}
		if m.k.Notify == NotifyOld && did.IDs > c.Signal+c.SlowPath-start.Signal-start.SlowPath {
			t.Fatalf("ids are written by signals and the slow path: %+v", c)
		}
		// What the fast path fails at is tried in the slow path, too. A signal that the
		// work brings on can make more of it.
		if c.NoWork > c.Exit || max(c.SlowPath, c.FastPath)+c.NoWork > c.Exit+forced && !m.cfg.Traced {
			t.Fatalf("an exit has work of a kind once, or none: %+v", c)
		}
		if m.k.Notify == NotifyOld && c.FastPath != 0 {
			t.Fatalf("the old rule has no fast path: %+v", c)
		}
	})
}

// TestSectionsLoseNothing is what it is all for: on every kernel but those
// that forget to abort, per-CPU counters lose nothing.
func TestSectionsLoseNothing(t *testing.T) {
	const program = `
cpus 2
thread: count_up; count_up
thread: count_up; count_up
thread: count_up; count_up
percpu count: u64
handler SIGUSR1: nothing
func nothing()
    ret
func count_up()
    cs count_cs: start_ip=count_start post_commit_ip=count_commit abort_ip=count_abort
again:
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, count }
    mov   r4, count_cs
    st.8  [tp + rseq_cs], r4
count_start:
    ld.4  r4, [tp + cpu_id]
    bne.4 r4, r2, count_abort
    ld.8  r5, [r3]
    add   r5, r5, 1
    st.8  [r3], r5
count_commit:
    ret
    sig
count_abort:
    jmp   again
`
	var machines []*Machine
	for _, k := range kernels(t) {
		if k.NoUserIRQ {
			continue
		}
		for _, legacy := range []bool{false, true} {
			k.Legacy = legacy
			m, err := New(parseMenu(program), Config{Kernel: k, Budget: &Budget{4, 4, 2, 1, 2, 2, 1}})
			if err != nil {
				t.Fatal(err)
			}
			machines = append(machines, m)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		m := drawOne(t, machines).Fork()
		if !walk(t, m, longestRun, nil, nil) || !m.Done() {
			t.Fatalf("%s: not done: %s", m.Kernel(), m.Blocked())
		}
		count := m.im.Symbols["count"]
		total := m.Peek(count, 8) + m.Peek(count+1<<m.im.PerCPUShift, 8)
		if total != 6 {
			t.Fatalf("%s: six operations count to %d", m.Kernel(), total)
		}
	})
}

// TestMachinesShareAProgram: the linked image and the compiled code are only read.
func TestMachinesShareAProgram(t *testing.T) {
	m, err := New(parseMenu(menu+"thread: incr; adds\nthread: incr; fences\n"), Config{Kernel: Linux("6.18", 0)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	final := make([][]byte, 4)
	for i := range final {
		one := m.Fork()
		wg.Go(func() {
			for !one.Done() {
				one.Do(one.Progress(nil)[0])
			}
			final[i] = one.AppendState(nil)
		})
	}
	wg.Wait()
	for _, b := range final[1:] {
		if !bytes.Equal(b, final[0]) {
			t.Error("the same run has two ends")
		}
	}
}

// TestDoTellsWhenTheChoicesAreTheSame: where it says so they are, and it says so
// of most steps.
func TestDoTellsWhenTheChoicesAreTheSame(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		for range 100 {
			choices := m.Choices(nil)
			if len(choices) == 0 {
				return
			}
			c := draw(t, choices)
			if !m.Do(c) {
				if diff := cmp.Diff(choices, m.Choices(nil)); diff != "" {
					t.Fatalf("%v changed the choices and doesn't say so (-before +after):\n%s", c, diff)
				}
			}
		}
	})
	m, said := busy(t, "6.18"), 0
	m.budget = Budget{Preemptions: 1}
	for range 12 {
		if !m.Do(StepOn(0)) {
			said++
		}
	}
	if said != 11 { // and the return
		t.Errorf("of 12 steps of a call %d changed nothing", said)
	}
}

// TestTwoPlacesHaveTwoNumbers: Place tells apart what it says that it does.
func TestTwoPlacesHaveTwoNumbers(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		what, number := map[uint64]string{}, map[string]uint64{}
		walk(t, m, 100, nil, func() {
			for i := range m.tasks {
				k := &m.tasks[i]
				w, n := fmt.Sprint(k.regs.IP, k.regs.Micro, k.call, k.state, k.cpu), m.Place(TaskID(i))
				if old, ok := what[n]; ok && old != w {
					t.Fatalf("%s and %s are both %#x", old, w, n)
				}
				if old, ok := number[w]; ok && old != n {
					t.Fatalf("%s is %#x and %#x", w, old, n)
				}
				what[n], number[w] = w, n
			}
		})
	})
}
