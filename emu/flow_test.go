package emu

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestFlowCounts: what each event is work for, on each rule set. A thread that has
// run a section is preempted, and so on.
func TestFlowCounts(t *testing.T) {
	type counts = Counters
	preempt := func(did Code, cpu int) func(f *Flow) {
		return func(f *Flow) { f.Interrupt(0, did); f.Out(0); f.In(0, cpu); f.Exit(0) }
	}
	block := func(did Code, cpu int) func(f *Flow) {
		return func(f *Flow) { f.Syscall(0, did); f.Out(0); f.In(0, cpu); f.Exit(0) }
	}
	signal := func(f *Flow) { f.Syscall(0, RanOne); f.Signal(0); f.Exit(0) }
	signalled := func(f *Flow) { f.Interrupt(0, RunsOne); f.Signal(0); f.Exit(0) }
	for _, tt := range []struct {
		name    string
		do      func(f *Flow)
		kernels map[string]counts
	}{
		{"a system call", func(f *Flow) { f.Syscall(0, RanOne); f.Exit(0) }, map[string]counts{
			"6.18 6.19 7.3/v1 7.3/v2 6.19/irq-only 6.19/none": {Exit: 1, NoWork: 1},
		}},
		{"an interrupt inside", func(f *Flow) { f.Interrupt(0, RunsOne); f.Exit(0) }, map[string]counts{
			"6.18 6.19 7.3/v1 7.3/v2 6.19/irq-only 6.19/none": {Exit: 1, NoWork: 1},
		}},
		{"a preemption inside, same CPU", preempt(RunsOne, 0), map[string]counts{
			"6.18":                  {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Fixup: 1},
			"6.19 7.3/v2":           {Exit: 1, FastPath: 1, CS: 1, Fixup: 1},
			"7.3/v1":                {Exit: 1, FastPath: 1, IDs: 1, CS: 1, Fixup: 1},
			"6.19/irq-only":         {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Fixup: 1},
			"6.19/none 7.3/none/v1": {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Fixup: 1},
			"6.19/arm64":            {Exit: 1, NoWork: 1}, // the bug
		}},
		{"a preemption inside, another CPU", preempt(RunsOne, 3000), map[string]counts{
			"6.18 6.19/irq-only": {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Fixup: 1},
			"6.19 7.3/v1 7.3/v2": {Exit: 1, FastPath: 1, IDs: 1, CS: 1, Fixup: 1},
		}},
		{"a preemption, no section ever", preempt(Nothing, 0), map[string]counts{
			"6.18":        {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Clear: 1}, // of 0
			"6.19 7.3/v2": {Exit: 1, FastPath: 1},
			"7.3/v1":      {Exit: 1, FastPath: 1, IDs: 1},
			"6.19/none":   {Exit: 1, SlowPath: 1, IDs: 1},
		}},
		{"a system call that blocks, same CPU", block(RanOne, 0), map[string]counts{
			"6.18":                      {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Clear: 1},
			"6.19 7.3/v2 6.19/irq-only": {Exit: 1, NoWork: 1},
			"7.3/v1":                    {Exit: 1, FastPath: 1, IDs: 1},
			"6.19/none":                 {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Clear: 1},
		}},
		{"a system call that blocks, another CPU", block(RanOne, 1), map[string]counts{
			"6.18":               {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Clear: 1},
			"6.19 7.3/v1 7.3/v2": {Exit: 1, FastPath: 1, IDs: 1},
			"6.19/irq-only":      {Exit: 1, SlowPath: 1, IDs: 1},
		}},
		{"there and back in the kernel", func(f *Flow) {
			f.Syscall(0, Nothing)
			f.Out(0)
			f.In(0, 1)
			f.Out(0)
			f.In(0, 0)
			f.Exit(0)
		}, map[string]counts{
			// ids_changed is noted when the CPU changes and not taken back.
			"6.19 7.3/v2": {Exit: 1, FastPath: 1, IDs: 1},
		}},
		{"a signal behind a system call", signal, map[string]counts{
			"6.18":        {Exit: 1, Signal: 1, IDs: 1, CS: 1, Clear: 1},
			"6.19 7.3/v2": {Exit: 1, NoWork: 1},
			"7.3/v1":      {Exit: 1, Signal: 1, FastPath: 1, IDs: 1, CS: 1, Clear: 1},
		}},
		{"a signal inside", signalled, map[string]counts{
			"6.18":        {Exit: 1, Signal: 1, IDs: 1, CS: 1, Fixup: 1},
			"6.19 7.3/v2": {Exit: 1, Signal: 1, CS: 1, Fixup: 1},
			"7.3/v1":      {Exit: 1, Signal: 1, FastPath: 1, IDs: 1, CS: 1, Fixup: 1},
		}},
		{"task_work", func(f *Flow) { f.Syscall(0, Nothing); f.Notify(0); f.Exit(0) }, map[string]counts{
			"6.18":               {Exit: 1, SlowPath: 1, IDs: 1, CS: 1, Clear: 1},
			"6.19 7.3/v1 7.3/v2": {Exit: 1, NoWork: 1},
		}},
	} {
		for names, want := range tt.kernels {
			for _, name := range strings.Fields(names) {
				f := newFlow(t, name)
				f.Adopt(0, 0)
				if c := f.Counters(); c != (Counters{}) {
					t.Errorf("%s: adopting a thread counts: %+v", name, c)
				}
				tt.do(f)
				if diff := cmp.Diff(want, f.Counters()); diff != "" {
					t.Errorf("%s, %s (-want +got):\n%s", tt.name, name, diff)
				}
			}
		}
	}
}

// TestFlowDoesAsAMachine: a program in which the kernel does the same things to one
// thread has the same counts, and the same accesses.
func TestFlowDoesAsAMachine(t *testing.T) {
	const program = section + "thread: op\n"
	for _, tt := range []struct {
		schedule string
		flow     func(f *Flow)
	}{
		{"c0 preempt; c0 run t0", func(f *Flow) { f.Interrupt(0, RunsOne); f.Out(0); f.In(0, 0); f.Exit(0) }},
		{"c0 preempt; c1 run t0", func(f *Flow) { f.Interrupt(0, RunsOne); f.Out(0); f.In(0, 1); f.Exit(0) }},
		{"c0 irq", func(f *Flow) { f.Interrupt(0, RunsOne); f.Exit(0) }},
	} {
		for _, k := range kernels(t) {
			r := boot(t, k.String(), program).run("t0 to inside")
			var want Accesses
			before := r.Counters()
			r.CountAccesses(&want)
			after := r.run(tt.schedule).Counters()

			f := newFlow(t, k.String())
			f.Adopt(0, 0)
			tt.flow(f)
			got := f.Counters()
			got.add(&before)
			if diff := cmp.Diff(after, got); diff != "" {
				t.Errorf("%s, %s (-machine +flow):\n%s", k, tt.schedule, diff)
			}
			if diff := cmp.Diff(want, f.Accesses()); diff != "" {
				t.Errorf("%s, %s (-machine +flow):\n%s", k, tt.schedule, diff)
			}
		}
	}
}

// TestFlowGoesOnWhereAKernelKills: debug on arm64's 6.19, where interrupts are missed.
func TestFlowGoesOnWhereAKernelKills(t *testing.T) {
	f := newFlow(t, "6.19/arm64/debug")
	f.Adopt(0, 0)
	for i := range 3 {
		f.Interrupt(0, RunsOne)
		f.Out(0)
		f.In(0, i+1)
		f.Exit(0)
	}
	if f.Killed() != 3 {
		t.Errorf("killed %d times, want 3", f.Killed())
	}
}

// TestFlowAccesses are the claims: what a preemption costs in accesses.
func TestFlowAccesses(t *testing.T) {
	ids := func(a Accesses, n uint64, check uint64) Accesses {
		for _, f := range []Field{FieldCPUIDStart, FieldCPUID, FieldNodeID, FieldMMCID} {
			a[f].Stores += n
			a[f].Loads += check
		}
		return a
	}
	for name, want := range map[string]Accesses{
		"6.18":   ids(Accesses{FieldRSeqCS: {1, 1}}, 1, 0),
		"6.19":   {FieldRSeqCS: {1, 0}},
		"7.3/v1": ids(Accesses{FieldRSeqCS: {1, 0}}, 1, 0),
		"7.3/v2": {FieldRSeqCS: {1, 0}},
		"5.10":   {FieldRSeqCS: {1, 1}, FieldCPUIDStart: {0, 1}, FieldCPUID: {0, 1}},
	} {
		f := newFlow(t, name)
		f.Adopt(0, 0)
		f.Interrupt(0, Nothing)
		f.Out(0)
		f.In(0, 0)
		f.Exit(0)
		if diff := cmp.Diff(want, f.Accesses()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// drawFlow does random things to a few threads on several flows at once.
func drawFlow(t *rapid.T, flows []*Flow) {
	const threads, cpus = 70, 4 // more than a block
	state := make([]flowState, threads)
	all := func(do func(f *Flow)) {
		for _, f := range flows {
			do(f)
		}
	}
	code := rapid.SampledFrom([]Code{Nothing, RanOne, RunsOne})
	for range 200 {
		th := rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(0, threads-1)).Draw(t, "thread")
		n := rapid.IntRange(0, 4).Draw(t, "event")
		cpu := rapid.IntRange(0, cpus-1).Draw(t, "cpu")
		switch did := code.Draw(t, "did"); state[th] {
		case flowNone:
			if n == 0 {
				all(func(f *Flow) { f.Adopt(th, cpu) })
			} else {
				all(func(f *Flow) { f.Start(th, cpu) })
			}
			state[th] = flowUser
		case flowUser:
			if n < 2 && did != RunsOne {
				all(func(f *Flow) { f.Syscall(th, did) })
			} else {
				all(func(f *Flow) { f.Interrupt(th, did) })
			}
			state[th] = flowKernel
		case flowKernel:
			switch n {
			case 0:
				all(func(f *Flow) { f.Exit(th) })
				state[th] = flowUser
			case 1:
				all(func(f *Flow) { f.Signal(th) })
			case 2:
				all(func(f *Flow) { f.Notify(th) })
			default:
				all(func(f *Flow) { f.Out(th) })
				state[th] = flowOff
			}
		case flowOff:
			if n == 0 {
				all(func(f *Flow) { f.End(th) })
				state[th] = flowNone
			} else {
				all(func(f *Flow) { f.In(th, cpu) })
				state[th] = flowKernel
			}
		}
	}
}

// TestOptimizedDoesNoMoreThanV1: whatever happens, and V1 no more than 6.18, field
// by field; and what an entry class lacks can only add work.
func TestOptimizedDoesNoMoreThanV1(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"7.3/v2", "7.3/v1", "6.18"}
		flows := make([]*Flow, len(names))
		for i, name := range names {
			flows[i] = newFlow(t, name)
		}
		drawFlow(t, flows)
		for i := range len(flows) - 1 {
			a, b := flows[i].Counters(), flows[i+1].Counters()
			if a.Exit != b.Exit {
				t.Fatalf("%s and %s have as many exits: %d, %d", names[i], names[i+1], a.Exit, b.Exit)
			}
			for _, field := range []string{"IDs", "CS", "Clear"} {
				if x, y := count(a, field), count(b, field); x > y {
					t.Fatalf("%s of %s: %d, of %s: %d", field, names[i], x, names[i+1], y)
				}
			}
			if a.NoWork < b.NoWork {
				t.Fatalf("exits without work: %s %d, %s %d", names[i], a.NoWork, names[i+1], b.NoWork)
			}
			x, y := flows[i].Accesses(), flows[i+1].Accesses()
			if x.Total().Stores > y.Total().Stores {
				t.Fatalf("stores: %s %+v, %s %+v", names[i], x, names[i+1], y)
			}
		}
	})
}

// TestFlowCountersAddUp: fast + slow ≤ exit but in debug mode, clear + fixup ≤ cs (the old rule can be
// told to work without an event of its own, and leaves a section alone then), and
// ids only where there is work.
func TestFlowCountersAddUp(t *testing.T) {
	ks := append(kernels(t), mustKernel(t, "6.19/irq-only"), mustKernel(t, "6.19/none"), mustKernel(t, "7.3/none/v1"), mustKernel(t, "7.3/irq-only/v2"), mustKernel(t, "7.3/debug"), mustKernel(t, "7.3/v1/debug"), mustKernel(t, "6.18/debug"))
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(ks).Draw(t, "kernel")
		f := newFlow(t, k.String())
		drawFlow(t, []*Flow{f})
		c := f.Counters()
		switch {
		case max(c.FastPath, c.SlowPath)+c.NoWork > c.Exit, c.FastPath+c.SlowPath+c.NoWork > c.Exit && !k.Debug, c.IDs > c.Work():
			t.Fatalf("%s: %+v", k, c)
		case k.Notify == NotifyNew && k.Debug:
			// What is looked at when a system call returns isn't counted, what comes of it is;
			// and the fast path fails at an rseq_cs of 0, and leaves it to the slow path.
		case c.Clear+c.Fixup > c.CS, k.Notify == NotifyNew && c.Clear+c.Fixup < c.CS, c.CS > c.Work():
			t.Fatalf("%s: %+v", k, c)
		case k.Notify == NotifyOld && (c.FastPath != 0 || c.IDs != c.SlowPath+c.Signal || c.CS != c.IDs):
			t.Fatalf("%s: every work is all of it: %+v", k, c)
		case k.Notify == NotifyNew && k.Entry == EntryGeneric && c.SlowPath != 0, k.Entry != EntryGeneric && c.FastPath != 0:
			t.Fatalf("%s: the fast path is the generic entry code's: %+v", k, c)
		}
		if f.Killed() > 0 {
			t.Fatalf("%s kills", k)
		}
		a := f.Accesses()
		if a[FieldCPUID].Stores != c.IDs || a[FieldRSeqCS].Stores != c.Clear+c.Fixup {
			t.Fatalf("%s: %+v, %+v", k, c, a)
		}
	})
}

func count(c Counters, field string) uint64 { return reflect.ValueOf(c).FieldByName(field).Uint() }

// TestCountersAddAll: a sum leaves no field out.
func TestCountersAddAll(t *testing.T) {
	var one, sum Counters
	v := reflect.ValueOf(&one).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(uint64(i) + 1)
	}
	sum.add(&one)
	if diff := cmp.Diff(one, sum); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkFlow is a preemption and a system call: six events.
func BenchmarkFlow(b *testing.B) {
	for _, name := range []string{"6.18", "6.19", "7.3/v1", "7.3/v2"} {
		b.Run(name, func(b *testing.B) {
			f := newFlow(b, name)
			for th := range 64 {
				f.Adopt(th, th%4)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				th := n % 64
				n++
				f.Interrupt(th, RanOne)
				f.Out(th)
				f.In(th, th%4)
				f.Exit(th)
				f.Syscall(th, Nothing)
				f.Exit(th)
			}
			b.ReportMetric(6*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func newFlow(t interface{ Fatal(...any) }, name string) *Flow {
	k, err := ParseKernel(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFlow(k)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
