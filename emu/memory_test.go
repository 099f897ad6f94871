package emu

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"pgregory.net/rapid"
)

// ordered is a program with something pending of every kind.
const ordered = `
data x: u64
data y: u64
data z: u64
func writer()
    ld.8  r0, [z]
    st.8  [x], 1
    st.8.rel [y], 1
writes:
    ret
func reader()
    ld.8  r1, [y]
    ld.8  r2, [x]
reads:
    ret
thread: writer
thread: reader
`

// bootOrdered goes to a state with pending accesses, views and a log.
func bootOrdered(t *testing.T) *rig {
	t.Helper()
	k := Linux("6.18", 0)
	return bootWith(t, ordered, Config{Kernel: k, Budget: &everything, Memory: ARM}).
		run("c0 delay; c0 step; c0 delay; c1 step; c0 flush; c0 flush; c1 stale")
}

// TestWhatMattersOfMemoryOrderIsInTheState, as TestWhatMattersIsInTheState.
func TestWhatMattersOfMemoryOrderIsInTheState(t *testing.T) {
	for name, change := range map[string]func(m *Machine){
		"pending":  func(m *Machine) { m.order[0].n++; m.order[0].pending[0].width = 8 },
		"floor":    func(m *Machine) { m.order[1].floor++ },
		"release":  func(m *Machine) { m.order[0].release++ },
		"last":     func(m *Machine) { m.order[0].last++ },
		"flags":    func(m *Machine) { m.order[1].flags++ },
		"register": func(m *Machine) { m.order[1].regs[7]++ },
		"seen":     func(m *Machine) { m.see(&m.order[1], seen{addr: ir.DataBase, width: 4, at: 1}) },
		"log":      func(m *Machine) { m.writes.log[0].old[1]++ },
		"log's place": func(m *Machine) {
			m.writes.log[0].addr += 8
		},
		"log's space": func(m *Machine) { m.writes.log[0].space++ },
	} {
		r := bootOrdered(t)
		before := r.AppendState(nil)
		change(r.Machine)
		after := r.AppendState(nil)
		if bytes.Equal(before, after) {
			t.Errorf("%s: no change in the bytes", name)
			continue
		}
		reader := bootOrdered(t).Machine
		if _, err := reader.SetState(after); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again := reader.AppendState(nil); !bytes.Equal(again, after) {
			t.Errorf("%s: read back, the bytes are others", name)
		}
	}
}

// TestSetStateRefusesViewsBehindTheLog.
func TestSetStateRefusesViewsBehindTheLog(t *testing.T) {
	m := bootOrdered(t).Machine
	m.order[1].floor = 200
	if _, err := bootOrdered(t).SetState(m.AppendState(nil)); err == nil {
		t.Error("no error")
	}
}

// TestNothingIsPendingInTheKernel: events are possible only while nothing is
// pending on their CPU, and whatever is pending can be performed.
func TestNothingIsPendingInTheKernel(t *testing.T) {
	ks := kernels(t)
	waited := 0
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		walk(t, m, 100, func(c Choice) {
			for i := range m.order {
				cpu, o := CPUID(i), &m.order[i]
				if o.n == 0 {
					continue
				}
				waited++
				if !strings.Contains(m.NotEnabled(0).Error(), FlushOn(cpu, 1).String()) {
					t.Fatalf("%d pending on c%d, and none can be performed: %v", o.n, cpu, m.NotEnabled(0))
				}
				if m.cpus[i].cur < 0 || m.tasks[m.cpus[i].cur].wait != waitNone {
					t.Fatalf("%d pending on c%d, which is idle or in the kernel", o.n, cpu)
				}
				if k := c.Kind(); c.CPU() == cpu && (k == IPI || c.Cost() > 0 && k != Signal) {
					t.Fatalf("%s with %d pending", c, o.n)
				}
			}
		}, nil)
	})
	if waited == 0 && !testing.Short() {
		t.Error("nothing was ever pending")
	}
}

// TestInOrderIsAlwaysPossible: a run without Delay and Stale is one of SC, with
// the same bytes but for what the memory model adds behind them.
func TestInOrderIsAlwaysPossible(t *testing.T) {
	ks := kernels(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t, ks)
		cfg := m.cfg
		cfg.Memory = SC
		budget := m.budget
		cfg.Budget = &budget
		sc, err := NewLinked(m.im, m.code, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			choices := sc.Choices(nil)
			if len(choices) == 0 {
				return
			}
			c := draw(t, choices)
			if err := m.Try(c); err != nil {
				t.Fatal(err)
			}
			sc.Do(c)
			if m.membarriers() {
				return // which take their time under other models only
			}
			if !bytes.HasPrefix(m.AppendState(nil), sc.AppendState(nil)) {
				t.Fatalf("%s leads elsewhere", c)
			}
		}
	})
}

// membarriers reports whether some membarrier is under way.
func (m *Machine) membarriers() bool {
	for i := range m.cpus {
		if m.cpus[i].ipi&ipiBarrier != 0 {
			return true
		}
	}
	return false
}
