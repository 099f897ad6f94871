package emu

import (
	"fmt"
	"strings"
	"testing"
)

// TestChoices is all that can happen in a state, and its order: CPU by CPU what
// goes on by itself, who may be woken, then the events.
func TestChoices(t *testing.T) {
	const (
		two    = section + "thread: op\nthread: op\n"
		budget = "preempt=1 migrate=1 signal=1 irq=1 fault=1 membarrier=1 unplug=1"
		memory = "data x: u64\nfunc op()\n    nop\nhere:\n    { ld.8 t0, [x]; add t0, t0, 1; st.8 [x], t0 }\n    ret\nthread: op\nfunc look()\n    ret\nhandler SIGUSR1: look\n"
		fences = "func op()\n    mov r0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ\n    mov r1, 0\n    syscall membarrier\n" +
			"    mov r0, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ\ncalling:\n    syscall membarrier\n    ret\nthread: op\nthread: op\n"
	)
	for _, tt := range []struct {
		name, budget, program, schedule, want string
	}{
		{
			"threads run", "preempt=1 signal=1", two, "",
			"c0 step, c1 step, c0 preempt, c1 preempt, t0 signal 10, t1 signal 10",
		},
		{
			"every event", budget, memory, "t0 to here",
			"c0 step, c0 preempt, c0 irq, c0 fault, c0 fault sleep, c0 membarrier, c0 offline, c1 offline, t0 signal 10",
		},
		{
			"an instruction without memory doesn't fault", budget, memory, "t0 to op",
			"c0 step, c0 preempt, c0 irq, c0 membarrier, c0 offline, c1 offline, t0 signal 10",
		},
		{
			"the first instruction of the next call faults", budget, "data x: u64\nfunc op()\n    ld.8 r0, [x]\n    ret\nthread: op\n", "",
			"c0 step, c0 preempt, c0 irq, c0 fault, c0 fault sleep, c0 membarrier, c0 offline, c1 offline",
		},
		{"in the middle of an instruction", budget, memory, "t0 to here; c0 step", "c0 step, c1 offline"},
		{
			"off its CPU, with a price for another", "migrate=1 preempt=1 signal=1", memory, "c0 preempt",
			"c0 run t0, c1 run t0, t0 signal 10",
		},
		{"off its CPU, with no price for another", "preempt=1", memory, "c0 preempt", "c0 run t0"},
		{"off a CPU that is gone", "unplug=1", memory, "c0 offline", "c1 run t0, c0 online"},
		{"the last CPU stays", "unplug=2", memory, "c0 offline", "c1 run t0, c0 online"},
		{"a signal that is pending isn't sent again", "signal=2 preempt=1", memory, "c0 preempt; t0 signal 10", "c0 run t0"},
		{"a sleeper", "signal=1", inside("syscall nanosleep") + "thread: op\n", "t0 to inside; c0 step", "t0 wake, t0 signal 10"},
		{"a sleeper in a fault", "signal=1 fault=1", memory, "t0 to here; c0 fault sleep", "t0 wake, t0 signal 10"},
		{"one that pauses is only woken by a signal", "", strings.Replace(memory, "    nop\n", "    syscall pause\n", 1), "c0 step", ""},
		{"who waits for a membarrier keeps its CPU", "preempt=1 signal=1 unplug=1", fences, "t0 to calling; c0 step", "c1 step, c1 ipi, c1 preempt, c1 offline"},
		{"two wait for each other's", "preempt=1", fences, "t0 to calling; t1 to calling; c0 step; c1 step", "c0 ipi, c1 ipi"},
		{"an idle CPU takes its interrupt", "preempt=1", fences, "t0 to calling; c0 step; c1 preempt", "c1 ipi, c1 run t1"},
		{"the end", budget, memory, "t0 through", "c0 offline, c1 offline"},
		{"the end, nothing left", "", memory, "t0 through", ""},
	} {
		var b Budget
		for _, item := range strings.Fields(tt.budget) {
			var n int
			name, value, _ := strings.Cut(item, "=")
			if _, err := fmt.Sscan(value, &n); err != nil || b.Set(name, n) != nil {
				t.Fatal(item)
			}
		}
		r := bootWith(t, tt.program, Config{Kernel: Linux("6.18", 0), Budget: &b}).run(tt.schedule)
		var got []string
		for _, c := range r.Choices(nil) {
			got = append(got, c.String())
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
