package explore_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/gen"
	"pgregory.net/rapid"
)

// traces enumerates runs one after the other and sorts them by what they are but for
// the order of independent transitions.
type traces struct {
	m       *emu.Machine
	history bool // the order of calls and returns matters
	names   map[string]bool
	ends    map[string]bool
	broken  bool
	left    int // transitions until it gives up
	run     []made
	foot    *emu.Footprint
	props   []explore.Property
}

// made is a transition of the run.
type made struct {
	choice emu.Choice
	foot   *emu.Footprint
}

func enumerateTraces(t fataler, m *emu.Machine, factories []explore.Factory, history bool, most int) *traces {
	e := &traces{m: m, history: history, names: map[string]bool{}, ends: map[string]bool{}, left: most}
	for _, f := range factories {
		p, err := f(m)
		if err != nil {
			t.Fatal(err)
		}
		e.props = append(e.props, p)
	}
	m.Observe(func(ev emu.Event) {
		e.foot.Observe(ev)
		for _, p := range e.props {
			p.Observe(ev)
		}
	})
	e.walk()
	return e
}

func (e *traces) walk() {
	if len(e.m.Progress(nil)) == 0 {
		if !e.m.Done() {
			e.broken = true
			return
		}
		for _, p := range e.props {
			e.broken = e.broken || p.AtEnd(e.m) != nil
		}
		e.names[e.name()] = true
		e.ends[string(e.m.AppendState(nil))] = true
		return
	}
	snap := e.m.NewSnapshot()
	var props [][]byte
	for _, p := range e.props {
		props = append(props, p.AppendState(nil))
	}
	for _, c := range e.m.Choices(nil) {
		if e.left--; e.left < 0 || e.broken {
			return
		}
		e.m.Restore(snap)
		for i, p := range e.props {
			if rest, err := p.SetState(props[i]); err != nil || len(rest) > 0 {
				panic(fmt.Sprint(err, rest))
			}
		}
		e.foot = new(emu.Footprint)
		e.m.Footprint(c, e.foot)
		e.m.Do(c)
		for _, p := range e.props {
			e.broken = e.broken || p.After(e.m, c) != nil
		}
		e.run = append(e.run, made{c, e.foot})
		e.walk()
		e.run = e.run[:len(e.run)-1]
	}
}

// name is the same for runs that differ only in the order of independent transitions:
// of those that can come next the least does.
func (e *traces) name() string {
	n := len(e.run)
	waits := make([]int, n) // for so many before it
	for i, x := range e.run {
		for _, y := range e.run[:i] {
			if e.ordered(x, y) {
				waits[i]++
			}
		}
	}
	var b strings.Builder
	for range n {
		least := -1
		for i, x := range e.run {
			if waits[i] == 0 && (least < 0 || x.choice < e.run[least].choice) {
				least = i
			}
		}
		fmt.Fprintln(&b, e.run[least].choice)
		waits[least] = -1
		for i := least + 1; i < n; i++ {
			if waits[i] > 0 && e.ordered(e.run[i], e.run[least]) {
				waits[i]--
			}
		}
	}
	return b.String()
}

func (e *traces) ordered(x, y made) bool {
	return x.foot.Conflicts(y.foot) || e.history && x.foot.OrdersHistory(y.foot)
}

// quiet is a property that notes where runs end and lets a stateless search reorder
// what it can.
type quiet struct {
	ends
	orderless bool
}

func (q quiet) Allows() emu.Reduction                          { return emu.AllReductions }
func (q quiet) Orderless() bool                                { return q.orderless }
func (q quiet) factory(*emu.Machine) (explore.Property, error) { return q, nil }

// boundProgram draws a program whose threads are mostly bound to a CPU.
func boundProgram(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("cpus 2\ndata a: u64\ndata b: u64\npercpu c: u64\n")
	if rapid.Bool().Draw(t, "section") {
		tinySection(t, &b)
	} else {
		tinyFunc(t, &b, "f")
	}
	tinyFunc(t, &b, "g")
	b.WriteString("\nfunc h()\n")
	for range rapid.IntRange(1, 2).Draw(t, "length") {
		in := append([]string{"syscall nanosleep", "syscall gettid", "ll r1, [a]", "sc r0, [a], r1", "st.4 [b + 4], 3", "nop", "syscall exit_group", "syscall exit"}, tinyInstrs...)
		fmt.Fprintf(&b, "    %s\n", rapid.SampledFrom(in).Draw(t, "instruction"))
	}
	b.WriteString("    ret\n\n")
	for range rapid.IntRange(2, 3).Draw(t, "threads") {
		on := rapid.SampledFrom([]string{" on 0", " on 0", " on 1", ""}).Draw(t, "on")
		fmt.Fprintf(&b, "thread%s: %s\n", on, rapid.SampledFrom([]string{"f", "g", "h", "h; h"}).Draw(t, "thread"))
	}
	if rapid.Bool().Draw(t, "condition") {
		b.WriteString(strings.Replace(tinyCondition(t), "always", "final", 1))
	}
	return b.String()
}

// most is how many transitions are enumerated.
const most = 12_000

// sameTraces holds a stateless search against the enumeration of all runs: exactly one
// run of each trace, and so every end, unless a property may see every state; and if
// something can be broken it finds something.
func sameTraces(t fataler, p *ir.Program, cfg emu.Config, orderless bool) (want *traces, r *explore.ExecutionResult) {
	t.Helper()
	want = enumerateTraces(t, boot(t, p, cfg), propsOf(t, p), !orderless, most)
	if want.left < 0 {
		return want, nil
	}
	got := quiet{ends{map[string]bool{}}, orderless}
	r, err := explore.Executions(context.Background(), boot(t, p, cfg), append(propsOf(t, p), got.factory), explore.ExecutionLimits{})
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.Contains(p.String(), "always ")
	switch {
	case want.broken && (r.Failure == nil || r.Complete):
		t.Fatalf("enumeration breaks it, %+v\n%s", r, p)
	case want.broken:
		follow(t, p, cfg, r.Failure, propsOf(t, p))
	case !r.Complete || !plain && r.Executions != len(want.names) || !maps.Equal(got.seen, want.ends):
		t.Fatalf("%s %s, idle %t, orderless %t: %d traces with %d ends, but %d with %d: %+v\n%s", cfg.Kernel, cfg.Budget, cfg.Idle, orderless,
			len(want.names), len(want.ends), r.Executions, len(got.seen), r, p)
	}
	return want, r
}

// TestOneExecutionOfEachTrace on small random programs.
func TestOneExecutionOfEachTrace(t *testing.T) {
	var held, broke, tooMany, runs, blocked int
	rapid.Check(t, func(t *rapid.T) {
		p := parse(t, rapid.SampledFrom([]func(*rapid.T) string{tinyProgram, boundProgram, boundProgram}).Draw(t, "kind")(t))
		kernel := rapid.SampledFrom(append(releases(), "6.1", "6.19/arm64", "6.19/debug")).Draw(t, "kernel")
		bounds := rapid.SampledFrom([]string{"none", "preempt=1", "preempt=1", "preempt=2", "preempt=1 migrate=1", "irq=1", "fault=1", "membarrier=1", "unplug=1"}).Draw(t, "budget")
		cfg := on(t, kernel, bounds)
		cfg.Idle = rapid.Bool().Draw(t, "idle")
		want, r := sameTraces(t, p, cfg, rapid.Bool().Draw(t, "orderless"))
		switch {
		case r == nil:
			tooMany++
		case want.broken:
			broke++
		default:
			held++
			runs, blocked = runs+r.Executions, blocked+r.Blocked
		}
	})
	if t.Failed() || testing.Short() {
		return
	}
	if held < 5 || broke < 5 || tooMany > held+broke {
		t.Errorf("%d programs hold, %d break, %d were too large: hardly a test", held, broke, tooMany)
	}
	if blocked > runs/5 {
		t.Errorf("%d runs were given up, and %d made", blocked, runs)
	}
}

// TestOneExecutionWhereTransitionsTakeOthersAway is where DPOR's usual assumptions
// fail: a transition that ends what others would have done, or that nobody has to make.
func TestOneExecutionWhereTransitionsTakeOthersAway(t *testing.T) {
	const funcs = "cpus 2\ndata a: u64\nfunc one()\n    st.8 [a], 1\n    ret\nfunc two()\n    ld.8 r0, [a]\n    st.8 [a], 2\n    ret\n" +
		"func quit()\n    syscall exit_group\n    ret\nfunc sleep()\n    syscall nanosleep\n    st.8 [a], 3\n    ret\n" +
		"func reserve()\n    ll.4 r1, [a]\n    sc.4 r0, [a], r1\n    ret\nfunc half()\n    st.4 [a + 4], 5\n    ret\nfunc nothing()\n    ret\n"
	for _, tt := range []struct {
		name, threads, kernel, bounds string
		idle                          bool
	}{
		{"the end of the process", "thread on 0: quit\nthread on 1: two\n", "6.1", "none", false},
		{"who gets the thread", "thread: one\nthread: two\n", "6.1", "none", true},
		{"a migration", "thread: two\nthread on 0: one\n", "6.1", "preempt=1 migrate=1", true},
		{"a thread that wakes up", "thread on 0: one\nthread on 1: sleep\nthread on 1: two\n", "6.1", "none", false},
		{"a page that comes", "thread on 0: one\nthread on 1: two\nthread on 1: one\n", "6.1", "fault=1", false},
		{"a signal", "handler SIGUSR1: nothing\nthread on 0: one\nthread on 1: one\n", "6.18", "signal=1", false},
		{"a CPU that goes", "thread: one\nthread: one\n", "6.18", "unplug=1", false},
		{"a reservation", "thread on 0: reserve\nthread on 1: half\n", "6.1/arm64", "none", false},
		{"an exhausted budget", "thread on 0: two\nthread on 1: one\nthread on 1: one\n", "6.1", "preempt=1", false},
	} {
		p := parse(t, funcs+tt.threads)
		cfg := on(t, tt.kernel, tt.bounds)
		cfg.Idle = tt.idle
		for _, orderless := range []bool{true, false} {
			want, r := sameTraces(t, p, cfg, orderless)
			if r == nil || want.broken || len(want.names) < 2 {
				t.Errorf("%s: hardly a test: %+v", tt.name, r)
			}
		}
	}
}

// TestStatelessIsStateful: on programs that are too large to be enumerated a stateless
// search comes to the ends and to the verdict of a search that stores states and makes
// no reduction.
func TestStatelessIsStateful(t *testing.T) {
	var held, broke int
	rapid.Check(t, func(t *rapid.T) {
		var p *ir.Program
		switch rapid.IntRange(0, 2).Draw(t, "program") {
		case 0:
			p = lists(t)
		case 1:
			p = gen.Program().Draw(t, "operations")
		default:
			p = parse(t, tinyProgram(t))
		}
		kernel := rapid.SampledFrom(append(releases(), "6.1", "6.19/arm64", "7.3/v1")).Draw(t, "kernel")
		cfg := on(t, kernel, rapid.SampledFrom([]string{"none", "preempt=1", "preempt=1 migrate=1", "preempt=2", "preempt=2 migrate=1", "irq=1", "fault=1"}).Draw(t, "budget"))
		want, got := ends{map[string]bool{}}, quiet{ends{map[string]bool{}}, true}
		lim := explore.Limits{States: 20_000, Without: emu.AllReductions, Workers: 1}
		r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), append(propsOf(t, p), want.factory), lim, nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := explore.Executions(context.Background(), boot(t, p, cfg), append(propsOf(t, p), got.factory), explore.ExecutionLimits{Executions: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Why != "" || e.Why != "":
		case r.Failure != nil:
			broke++
			if e.Failure == nil {
				t.Fatalf("%s %s: %v, but %+v\n%s", kernel, cfg.Budget, &r.Failure.Violation, e, p)
			}
			follow(t, p, cfg, e.Failure, propsOf(t, p))
		default:
			held++
			if !e.Complete || !maps.Equal(got.seen, want.seen) {
				t.Fatalf("%s %s: %d ends, but %d: %+v\n%s", kernel, cfg.Budget, len(want.seen), len(got.seen), e, p)
			}
		}
	})
	if !t.Failed() && !testing.Short() && (held < 5 || broke < 5) {
		t.Errorf("%d programs hold, %d break: hardly a test", held, broke)
	}
}
