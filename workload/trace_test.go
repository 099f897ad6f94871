package workload_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/workload"
)

// events reads a trace and prints its events: "adopt 0 c3; interrupt 0; out 0".
func events(text string) (string, workload.Summary, error) {
	var b strings.Builder
	s, err := workload.ReadTrace("t.txt", strings.NewReader(text), func(es []workload.Event) error {
		for _, e := range es {
			fmt.Fprintf(&b, "%s %d", e.Kind, e.Thread)
			switch e.Kind {
			case workload.Start, workload.Adopt, workload.In:
				fmt.Fprintf(&b, " c%d", e.CPU)
			}
			b.WriteString("; ")
		}
		return nil
	})
	return strings.TrimSuffix(b.String(), "; "), s, err
}

// line writes a line of a trace, with sched_switch in short: "a 1 S b 2".
func line(cpu int, micros int, task string, event string, args string) string {
	if w := strings.Fields(args); event == "sched_switch" && len(w) == 5 {
		args = fmt.Sprintf("prev_comm=%s prev_pid=%s prev_prio=120 prev_state=%s ==> next_comm=%s next_pid=%s next_prio=120", w[0], w[1], w[2], w[3], w[4])
	}
	return fmt.Sprintf("%16s [%03d] d..2. %d.%06d: %s: %s\n", task, cpu, micros/1e6, micros%1e6, event, args)
}

func TestTraceEvents(t *testing.T) {
	for _, tt := range []struct{ name, trace, want string }{
		{
			"preempted by the timer, and back on another CPU",
			line(0, 1, "a-1", "local_timer_entry", "vector=236") +
				line(0, 2, "a-1", "local_timer_exit", "vector=236") +
				line(0, 3, "a-1", "sched_switch", "a 1 R b 2") +
				line(1, 9, "<idle>-0", "sched_switch", "swapper/1 0 R a 1") +
				line(1, 10, "a-1", "sys_enter", "NR 1 (0)"),
			"adopt 0 c0; interrupt 0; out 0; in 0 c1; exit 0; syscall 0",
		},
		{
			"a system call that blocks: the way out is where the trace has it",
			line(0, 1, "a-1", "sys_enter", "NR 0 (3)") +
				line(0, 2, "a-1", "sched_switch", "a 1 S swapper/0 0") +
				line(0, 5, "<idle>-0", "sched_switch", "swapper/0 0 R a 1") +
				line(0, 6, "a-1", "sched_switch", "a 1 S swapper/0 0") +
				line(0, 7, "<idle>-0", "sched_switch", "swapper/0 0 R a 1") +
				line(0, 8, "a-1", "sys_exit", "NR 0 = 1") +
				line(0, 9, "a-1", "sys_enter", "NR 0 (3)"),
			"adopt 0 c0; syscall 0; out 0; in 0 c0; out 0; in 0 c0; exit 0; syscall 0",
		},
		{
			"only switches: who is runnable was interrupted, who isn't was in a system call",
			line(0, 1, "a-1", "sched_switch", "a 1 R+ b 2") +
				line(0, 2, "b-2", "sched_switch", "b 2 S a 1") +
				line(0, 3, "a-1", "sched_switch", "a 1 D b 2"),
			"adopt 0 c0; interrupt 0; out 0; adopt 1 c0; syscall 1; out 1; in 0 c0; exit 0; syscall 0; out 0; in 1 c0; exit 1",
		},
		{
			"an interrupt in a system call isn't one of user mode",
			line(0, 1, "a-1", "sys_enter", "NR 0 (3)") +
				line(0, 2, "a-1", "irq_handler_entry", "irq=9 name=eth0") +
				line(0, 3, "a-1", "sched_switch", "a 1 R+ b 2"),
			"adopt 0 c0; syscall 0; out 0",
		},
		{
			"a reschedule on the way out of a system call, where interrupts are traced",
			line(0, 1, "a-1", "reschedule_entry", "vector=253") +
				line(0, 2, "a-1", "sys_enter", "NR 0 (3)") +
				line(0, 3, "a-1", "sys_exit", "NR 0 = 0") +
				line(0, 4, "a-1", "sched_switch", "a 1 R b 2"),
			"adopt 0 c0; interrupt 0; exit 0; syscall 0; out 0",
		},
		{
			"… and where they aren't",
			line(0, 2, "a-1", "sys_enter", "NR 0 (3)") +
				line(0, 3, "a-1", "sys_exit", "NR 0 = 0") +
				line(0, 4, "a-1", "sched_switch", "a 1 R b 2"),
			"adopt 0 c0; syscall 0; exit 0; interrupt 0; out 0",
		},
		{
			"a page fault that sleeps",
			line(0, 2, "a-1", "page_fault_user", "address=0x1 ip=0x2 error_code=0x4") +
				line(0, 4, "a-1", "sched_switch", "a 1 D b 2") +
				line(0, 5, "b-2", "sched_switch", "b 2 X a 1"),
			"adopt 0 c0; interrupt 0; out 0; adopt 1 c0; syscall 1; out 1; end 1; in 0 c0; exit 0",
		},
		{
			"signals that have a handler, behind a system call and in user mode",
			line(0, 2, "a-1", "sys_exit", "NR 62 = 0") +
				line(0, 3, "a-1", "signal_deliver", "sig=10 errno=0 code=0 sa_handler=5581d0 sa_flags=4000000") +
				line(0, 4, "a-1", "signal_deliver", "sig=17 errno=0 code=0 sa_handler=0 sa_flags=0") +
				line(0, 5, "a-1", "sys_enter", "NR 15 (0)"),
			"adopt 0 c0; syscall 0; signal 0; exit 0; syscall 0",
		},
		{
			"a thread that begins",
			line(0, 1, "a-1", "sched_process_fork", "comm=a pid=1 child_comm=a child_pid=2") +
				line(1, 2, "<idle>-0", "sched_switch", "swapper/1 0 R a 2") +
				line(1, 3, "a-2", "sys_enter", "NR 334 (0)"),
			"start 0 c1; syscall 0",
		},
		{
			"an rseq_update tells who is registered: none of the others is",
			line(0, 1, "a-1", "sys_enter", "NR 0") +
				line(1, 2, "c-3", "sys_enter", "NR 0") +
				line(0, 3, "a-1", "rseq_update", "cpu_id=0 node_id=0 mm_cid=0") +
				line(1, 4, "c-3", "sys_exit", "NR 0 = 0") +
				line(0, 5, "a-1", "sys_enter", "NR 0"),
			"adopt 0 c0; syscall 0; adopt 1 c1; syscall 1; out 0; end 0; out 1; end 1; adopt 1 c0; syscall 1",
		},
		{
			"kernel threads have no user mode",
			line(0, 1, "kworker/0:1-9", "sched_switch", "kworker/0:1 9 I a 1") +
				line(0, 2, "a-1", "sched_switch", "a 1 S kworker/0:1 9"),
			"adopt 0 c0; syscall 0; out 0",
		},
		{
			"as perf and trace-cmd print it, and a comm with blanks",
			"  Web Content  12/11 [002] 100.000001: sched:sched_switch: Web Content:11 [120] S ==> a b:2 [120]\n" +
				"      a b     2 [002]   100.000002:    raw_syscalls:sys_enter: NR 1 (1, 2)\n" +
				"          a b-2     [002]   100.000003: sys_exit:             NR 1 = 0\n",
			"adopt 0 c2; syscall 0; out 0; adopt 1 c2; syscall 1; exit 1",
		},
		{
			"as the trace file prints system calls, and tgids",
			" a-1 ( 1) [000] ..... 1.000001: sys_read(fd: 3, buf: 7ff, count: 1)\n a-1 (-------) [000] ..... 1.000002: sys_read -> 0x1\n",
			"adopt 0 c0; syscall 0; exit 0",
		},
	} {
		got, s, err := events(tt.trace)
		if err != nil || got != tt.want || s.Gaps+s.Lost+s.Unknown+s.Cut != 0 {
			t.Errorf("%s: %v, %+v\n got %s\nwant %s", tt.name, err, s, got, tt.want)
		}
	}
}

// TestTraceSaysWhatItLacks: what is tolerable is counted.
func TestTraceSaysWhatItLacks(t *testing.T) {
	trace := "# tracer: nop\n#\ncpus=4\n" +
		line(0, 1, "a-1", "sys_enter", "NR 0 (3)") +
		"CPU:0 [LOST 12 EVENTS]\n" +
		line(0, 2, "b-2", "sys_enter", "NR 0 (3)") + // no gap: it was told
		"CPU:3 [EVENTS DROPPED]\n" +
		line(0, 3, "a-1", "sys_enter", "NR 0 (3)") + // a gap
		line(0, 4, "a-1", "my_event", "x=1") +
		line(2, 5, "a-1", "kfree", "x=1") +
		"a-1 [000] 0.00000"
	got, s, err := events(trace)
	want := workload.Summary{
		Lines: 11, Nanos: [2]int64{1000, 5000}, CPUs: 2, Threads: 2, Enters: 3,
		Lost: 12, LostReports: 2, Gaps: 1, Cut: 1, Unknown: 2,
		UnknownNames: []workload.NamedNumber{{Name: "kfree", Count: 1}, {Name: "my_event", Count: 1}},
	}
	if diff := cmp.Diff(want, s); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if want := "adopt 0 c0; syscall 0; out 0; adopt 1 c0; syscall 1; out 1; in 0 c0; exit 0; syscall 0"; got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
}

// TestCallStacksAreSkipped, as perf script and the trace file print them below events.
func TestCallStacksAreSkipped(t *testing.T) {
	plain := line(0, 5, "a-1", "sys_enter", "NR 0 (3)") + line(0, 6, "a-1", "sys_exit", "NR 0 = 3")
	stacks := line(0, 5, "a-1", "sys_enter", "NR 0 (3)") +
		"\tffffffff81c0a8b3 __schedule+0x263 ([kernel.kallsyms])\n\t    7f12a0b3 read (/usr/lib/libc.so.6)\n\n" +
		line(0, 6, "a-1", "sys_exit", "NR 0 = 3") +
		"            a-1     [000] .....     0.000007: <stack trace>\n => __schedule\n => schedule\n"
	want, _, err := events(plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := events(stacks); err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// TestTraceErrors have the line, and say what is wrong.
func TestTraceErrors(t *testing.T) {
	ok := line(0, 5, "a-1", "sys_enter", "NR 0 (3)")
	for _, tt := range []struct{ trace, want string }{
		{ok + line(0, 4, "a-1", "sys_exit", "NR 0 = 3"), "t.txt:2:1: the clock of CPU 0 goes backwards, by 1000 ns"},
		{ok + line(4096, 5, "a-1", "sys_enter", "NR 0 (3)"), "t.txt:2:1: CPU 4096 is beyond the last that is counted, 4095"},
		{ok + "hello\n" + ok, `t.txt:2:1: not a line of a trace ("comm-pid [cpu] flags seconds: event: …")`},
		{"hello\n" + ok, `t.txt:1:1: not a line of a trace ("comm-pid [cpu] flags seconds: event: …"), nor the first of a workload, "rseqemu workload 1"`},
		{ok[:40] + "\n" + ok, "t.txt:1:1: not a line of a trace"},
		{line(0, 1, "a-1", "sched_switch", "prev_comm=a prev_pid=1"), "t.txt:1:1: a sched_switch without its fields"},
		{line(0, 1, "a-1", "signal_deliver", "sig=1"), "t.txt:1:1: a signal_deliver without its sa_handler"},
		{line(0, 1, "a-1", "sched_process_fork", "comm=a"), "t.txt:1:1: a sched_process_fork without its child_pid"},
		{line(0, 1, "x", "sys_enter", "NR 0"), "t.txt:1:1: no pid before the CPU"},
		{strings.Repeat("x", 70_000), "t.txt:1:1: a line of more than 65536 bytes"},
		{"\x7fELF\x00\x00\n", "t.txt:1:1: not a line of a trace"},
	} {
		_, _, err := events(tt.trace)
		var at *ir.SyntaxError
		if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.trace[:min(60, len(tt.trace))], err, tt.want)
		}
	}
	if s, err := workload.ReadTrace("t.txt", io.LimitReader(strings.NewReader(""), 0), func([]workload.Event) error { return nil }); err != nil || s.Lines != 1 {
		t.Errorf("an empty trace: %+v, %v", s, err)
	}
}

// TestTooManyThreads is an error, not memory.
func TestTooManyThreads(t *testing.T) {
	var b strings.Builder
	for i := range workload.MaxThreads + 1 {
		fmt.Fprintf(&b, "a-%d [000] 1.0: sys_enter: NR 0\n", i+1)
	}
	_, _, err := events(b.String())
	if want := fmt.Sprintf("t.txt:%d:1: more than %d threads are alive", workload.MaxThreads+1, workload.MaxThreads); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// FuzzReadTrace: whatever a trace says, its events can happen, on every rule set.
func FuzzReadTrace(f *testing.F) {
	all := ""
	for i, e := range []string{"sys_enter", "sys_exit", "local_timer_entry", "page_fault_user", "irq_handler_entry"} {
		all += line(i%2, i, "a-1", e, "NR 1")
	}
	all += line(0, 6, "a-1", "sched_switch", "a 1 S b 2") + line(1, 7, "b-2", "sched_switch", "b 2 X a 1") +
		line(0, 8, "a-1", "signal_deliver", "sig=1 sa_handler=55") + "CPU:1 [LOST 3 EVENTS]\n" +
		line(1, 9, "b-2", "sched_process_fork", "comm=b pid=2 child_comm=b child_pid=2") +
		line(1, 10, "b-2", "sched_switch", "b 2 R+ b 2") + line(0, 11, "a-1", "sched_switch", "a 1 R a 1")
	f.Add([]byte(all))
	f.Fuzz(func(t *testing.T, text []byte) {
		meter, err := workload.NewMeter(kernels(t, "6.18", "6.19", "7.3/v1"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := workload.ReadTrace("f", strings.NewReader(string(text)), meter.Apply)
		var at *ir.SyntaxError
		if err != nil && !errors.As(err, &at) {
			t.Fatal(err)
		}
		r := meter.Results()
		for i := range r {
			c := r[i].Counters
			if c.Exit != r[0].Counters.Exit || c.SlowPath+c.FastPath+c.NoWork > c.Exit {
				t.Fatalf("%s: %+v, %+v", r[i].Kernel, c, s)
			}
		}
	})
}

// BenchmarkReadTrace is a trace of switches, system calls and interrupts.
func BenchmarkReadTrace(b *testing.B) {
	var text strings.Builder
	lines := 0
	for i := range 10_000 {
		a, c := i%7+1, (i+1)%7+1
		for _, l := range []string{
			line(i%4, i*10, fmt.Sprintf("a-%d", a), "sys_enter", "NR 0 (3)"),
			line(i%4, i*10+1, fmt.Sprintf("a-%d", a), "sched_switch", fmt.Sprintf("a %d S b %d", a, c)),
			line(i%4, i*10+2, fmt.Sprintf("b-%d", c), "local_timer_entry", "vector=1"),
		} {
			lines++
			text.WriteString(l)
		}
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		meter, err := workload.NewMeter(kernels(b, "6.18", "6.19"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := workload.ReadTrace("b", strings.NewReader(text.String()), meter.Apply); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
