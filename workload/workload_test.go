package workload_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/workload"
)

func kernels(t testing.TB, names ...string) []emu.Kernel {
	t.Helper()
	var ks []emu.Kernel
	for _, name := range names {
		k, err := emu.ParseKernel(name)
		if err != nil {
			t.Fatal(err)
		}
		ks = append(ks, k)
	}
	return ks
}

// measure runs a mix.
func measure(t testing.TB, m *workload.Mix, names ...string) []workload.Result {
	t.Helper()
	meter, err := workload.NewMeter(kernels(t, names...))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(meter.Apply); err != nil {
		t.Fatal(err)
	}
	return meter.Results()
}

const small = `rseqemu workload 1
title small
exit 1000
switch 100
signal 10
notify 20
start 5
switch.preempt 40%
switch.migrate 10%
signal.interrupt 50%
other.interrupt 30%
code.sections 50%
code.inside 25%
seed 1
cpus 4
threads 9
generate 10000
`

func parse(t testing.TB, text string) *workload.Mix {
	t.Helper()
	m, err := workload.Parse("t.workload", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAMixIsKeptExactly: the kernel from before 6.19 has to do with every switch,
// signal, notify and start, and so counts them.
func TestAMixIsKeptExactly(t *testing.T) {
	r := measure(t, parse(t, small), "6.18", "7.3/v2")
	c := r[0].Counters
	if c.Exit != 10000 || c.Signal != 100 || c.SlowPath != 1250 || c.IDs != 1350 || c.CS != 1350 {
		t.Errorf("%+v", c)
	}
	// 10% of 1000 switches, and what starts.
	if c := r[1].Counters; c.IDs != 150 || c.Signal != 50 || c.Exit != 10000 {
		t.Errorf("%+v", c)
	}
}

// TestSameMixSameEvents: to the byte, and another seed has others.
func TestSameMixSameEvents(t *testing.T) {
	events := func(text string) (all []workload.Event) {
		parse(t, text).Run(func(e []workload.Event) error { all = append(all, e...); return nil })
		return all
	}
	a := events(small)
	if diff := cmp.Diff(a, events(small)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(a, events(strings.Replace(small, "seed 1", "seed 2", 1))) {
		t.Error("the seed makes no difference")
	}
}

// TestRunStops when nobody wants more.
func TestRunStops(t *testing.T) {
	enough, n := errors.New("enough"), 0
	err := parse(t, small).Run(func([]workload.Event) error { n++; return enough })
	if err != enough || n != 1 {
		t.Errorf("%v after %d batches", err, n)
	}
}

// TestRunRefuses what a file couldn't say either.
func TestRunRefuses(t *testing.T) {
	for _, change := range []func(m *workload.Mix){
		func(m *workload.Mix) { *m = workload.Mix{} }, func(m *workload.Mix) { m.CPUs = 0 }, func(m *workload.Mix) { m.Generate = 0 },
		func(m *workload.Mix) { m.Switch = 1 << 63; m.Signal = 1 << 63 }, func(m *workload.Mix) { m.Migrate = workload.All + 1 }, func(m *workload.Mix) { m.Threads = 1 << 20 },
	} {
		m := parse(t, small)
		change(m)
		if err := m.Run(func([]workload.Event) error { t.Error("events"); return nil }); err == nil {
			t.Errorf("%+v runs", m)
		}
	}
}

// TestParseErrors say where and what.
func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{"rseqemu workload 1\n", "", `t.workload:1:1: a workload begins with "rseqemu workload 1"`},
		{"signal 10", "signals 10", `t.workload:5:1: unknown key "signals" (title, seed, `},
		{"signal 10", "signal ten", `t.workload:5:8: signal: "ten" is no number from 0 to 9007199254740992`},
		{"signal 10", "signal -1", `t.workload:5:8: signal: "-1" is no number`},
		{"signal 10", "signal", `t.workload:5:8: "signal" has no value`},
		{"signal 10", "exit 10", `t.workload:5:1: "exit" is on line 3 already`},
		{"seed 1\n", "", `t.workload:17:1: the workload has no seed`},
		{"40%", "140%", `t.workload:8:16: switch.preempt: "140%" is no share from 0% to 100%`},
		{"40%", "40", `"40" is no share`},
		{"40%", "4.00001%", `is no share`},
		{"40%", "4.%", `is no share`},
		{"switch 100", "switch 1000", `t.workload:3:6: there are 1000 exits, and more that had a reason: 1035`},
		{"threads 9", "threads 3", `t.workload:16:9: 3 threads don't keep 4 CPUs busy`},
		{"threads 9", "threads 4", `t.workload:9:16: no thread ever waits`},
		{"code.sections 50%", "", `t.workload:13:13: a thread that never runs a section is never inside of one`},
		{"cpus 4", "cpus 5000", `t.workload:15:6: cpus: "5000" is no number from 1 to 4096`},
		{"cpus 4", "cpus 1", `there is no other CPU to migrate to`},
	} {
		text := strings.Replace(small, tt.old, tt.new, 1)
		_, err := workload.Parse("t.workload", []byte(text))
		var at *ir.SyntaxError
		if !errors.As(err, &at) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s for %s: %v, want %s", tt.new, tt.old, err, tt.want)
		}
	}
}

// TestBuiltIns parse, and the six kernels have less to do from one to the next.
func TestBuiltIns(t *testing.T) {
	for _, name := range workload.BuiltIns {
		text, ok := workload.BuiltIn(name)
		if !ok {
			t.Fatalf("%s isn't there", name)
		}
		m, err := workload.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		m.Generate = 100_000
		r := measure(t, m, "6.18", "6.19/none", "7.3/v1", "7.3/v2")
		for i := range r[1:] {
			if a, b := r[i].Counters, r[i+1].Counters; b.NoWork < a.NoWork && r[i].Kernel.String() != "6.19/none" {
				t.Errorf("%s: %s has more to do than %s", name, r[i+1].Kernel, r[i].Kernel)
			}
		}
		if r[3].Counters.IDs*5 > r[0].Counters.IDs {
			t.Errorf("%s: the ids are written %d times, on 6.18 %d", name, r[3].Counters.IDs, r[0].Counters.IDs)
		}
	}
	if _, ok := workload.BuiltIn("../builtin/idle"); ok {
		t.Error("a path is no name")
	}
}

// TestAnyMixMakesSense: whatever a file says, the events are such as can happen, and
// as many as it says.
func TestAnyMixMakesSense(t *testing.T) {
	share := func(t *rapid.T, name string) workload.Share {
		return workload.Share(rapid.Uint32Range(0, uint32(workload.All)).Draw(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		cpus := rapid.IntRange(2, 5).Draw(t, "cpus")
		m := &workload.Mix{
			Seed: rapid.Uint64().Draw(t, "seed"), CPUs: cpus, Threads: rapid.IntRange(cpus+1, 12).Draw(t, "threads"), Generate: 500,
			Switch: rapid.Uint64Range(0, 200).Draw(t, "switch"), Signal: rapid.Uint64Range(0, 100).Draw(t, "signal"),
			Notify: rapid.Uint64Range(0, 100).Draw(t, "notify"), Start: rapid.Uint64Range(0, 100).Draw(t, "start"), Exit: 500,
			Preempt: share(t, "preempt"), Migrate: share(t, "migrate"), Strike: share(t, "strike"), Interrupt: share(t, "interrupt"),
			Sections: share(t, "sections"), Inside: share(t, "inside"),
		}
		k, err := emu.ParseKernel("6.19")
		if err != nil {
			t.Fatal(err)
		}
		old, err := emu.ParseKernel("6.18")
		if err != nil {
			t.Fatal(err)
		}
		meter, err := workload.NewMeter([]emu.Kernel{old, k})
		if err != nil {
			t.Fatal(err)
		}
		if m.Sections == 0 {
			m.Inside = 0
		}
		if err := m.Run(meter.Apply); err != nil {
			t.Fatal(err)
		}
		r := meter.Results()
		if c := r[0].Counters; c.Exit != 500 || c.SlowPath != m.Switch+m.Notify+m.Start || c.Signal != m.Signal {
			t.Fatalf("%+v of %+v", c, m)
		}
		// A thread that starts has its ids written, as has one that migrates.
		if c, n := r[1].Counters, m.Switch*uint64(m.Migrate)/uint64(workload.All)+m.Start; c.IDs != n {
			t.Fatalf("%d ids, want %d: %+v", c.IDs, n, m)
		}
	})
}

// FuzzParse: nothing panics, errors have a place, and what is accepted runs.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range workload.BuiltIns {
		text, _ := workload.BuiltIn(name)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := workload.Parse("f", text)
		if err != nil {
			var at *ir.SyntaxError
			if !errors.As(err, &at) || at.Pos.Line < 1 || at.Pos.Line > bytes.Count(text, []byte("\n"))+1 {
				t.Fatalf("%v", err)
			}
			return
		}
		m.Generate = min(m.Generate, 1000)
		measure(t, m, "6.18", "7.3/v1")
	})
}

// BenchmarkGenerate is a kernel build on one kernel and on six, generated and
// applied.
func BenchmarkGenerate(b *testing.B) {
	text, _ := workload.BuiltIn("kernel-build")
	for _, names := range [][]string{{"6.18"}, {"6.18", "6.19", "7.3/v1", "7.3/v2", "6.19/irq-only", "6.19/none"}} {
		b.Run(fmt.Sprint(len(names)), func(b *testing.B) {
			events := uint64(0)
			for b.Loop() {
				m := parse(b, string(text))
				m.Generate = 200_000
				meter, err := workload.NewMeter(kernels(b, names...))
				if err != nil {
					b.Fatal(err)
				}
				m.Run(meter.Apply)
				events += meter.Events()
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// TestEveryKernelCounts: of every release, architecture, registration and debug.
func TestEveryKernelCounts(t *testing.T) {
	m := parse(t, small)
	m.Generate = 500
	for _, release := range emu.Releases() {
		for _, arch := range abi.Arches() {
			for _, suffix := range []string{"", "/v1", "/debug", "/none", "/irq-only/v1"} {
				name := release + "/" + arch.String() + suffix
				r := measure(t, m, name)[0]
				c, missed := r.Counters, r.Kernel.NoUserIRQ
				if c.Exit != 500 || c.NoWork == 500 || (c.Fixup == 0) != missed || r.Killed > 0 && !(missed && r.Kernel.Debug) {
					t.Errorf("%s: %+v, killed %d", name, c, r.Killed)
				}
			}
		}
	}
}
