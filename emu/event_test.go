package emu

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// story is a rig's events, one a line: who, what, its numbers, where.
func (r *rig) story() string {
	var b strings.Builder
	for _, e := range r.log {
		fmt.Fprintf(&b, "c%d t%d %s %#x %#x at %s\n", e.CPU, e.Task, e.Kind, e.A, e.B, r.im.Where(e.IP))
	}
	return b.String()
}

// TestEvents are all that there are, in their order, with their numbers. A system
// call's are behind the call.
func TestEvents(t *testing.T) {
	const program = section + "func pid()\n    syscall getpid\n    ret\nthread: op; pid\n"
	for _, tt := range []struct{ kernel, program, schedule, want string }{
		{"6.18", program, "t0 to inside; c0 preempt; c1 run t0; t0 to pid; t0 through", `
c0 t0 invoke 0x0 0x0 at between calls
c0 t0 sched_out 0x0 0x0 at op.inside
c1 t0 sched_in 0x0 0x0 at op.inside
c1 t0 abort 0x10020 0x100000 at op.inside
c1 t0 ids 0x1 0x0 at op.abort
c1 t0 return 0x2 0x0 at between calls
c1 t0 invoke 0x1 0x0 at between calls
c1 t0 syscall 0x9 0x0 at pid+4
c1 t0 sysret 0x3e8 0x9 at pid+4
c1 t0 return 0x3e8 0x0 at between calls
c1 t0 exit 0x0 0x0 at between calls
`},
		{"7.3", program, "t0 to commit; t0 signal SIGUSR1; t0 to look; t0 to commit", `
c0 t0 invoke 0x0 0x0 at between calls
c0 t0 clear 0x100000 0x0 at op.commit
c0 t0 signal 0xa 0x10028 at op.commit
c0 t0 syscall 0x16 0x0 at 0x10050
c0 t0 sigreturn 0xa 0x0 at op.commit
`},
		{"7.3", inside("syscall nanosleep") + "thread: op\n", "t0 to inside; c0 step; t0 wake; c0 run t0", `
c0 t0 invoke 0x0 0x0 at between calls
c0 t0 syscall 0xb 0x0 at op.last
c0 t0 sched_out 0x0 0x0 at op.last
c0 t0 sched_in 0x0 0x0 at op.last
`},
		{"7.3", wrong("start_ip=start post_commit_ip=commit abort_ip=abort", "sig 1"), "t0 to inside; c0 preempt; c0 run t0", `
c0 t0 invoke 0x0 0x0 at between calls
c0 t0 sched_out 0x0 0x0 at op.inside
c0 t0 sched_in 0x0 0x0 at op.inside
c0 t0 ids 0x0 0x0 at op.inside
c0 t0 fatal 0xb 0x8 at op.inside
c0 t0 kill 0xb 0x8 at op.inside
c0 t0 exit 0x0 0x0 at op.inside
`},
	} {
		r := boot(t, tt.kernel, tt.program)
		r.log = nil
		r.run(tt.schedule)
		if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), r.story()); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", tt.kernel, tt.schedule, diff)
		}
	}
}

// TestAnObserverIsToldOfWhatItAskedFor and of nothing else, in the same order.
func TestAnObserverIsToldOfWhatItAskedFor(t *testing.T) {
	all, some := []Event(nil), []Event(nil)
	kinds := SetOf(EvInvoke, EvReturn, EvExit)
	for _, o := range []struct {
		kinds EventSet
		to    *[]Event
	}{{AllEvents, &all}, {kinds, &some}} {
		m := busy(t, "6.18")
		m.ObserveOnly(o.kinds, func(e Event) { *o.to = append(*o.to, e) })
		for !m.Done() {
			m.Do(m.Choices(nil)[0])
		}
	}
	all = slices.DeleteFunc(all, func(e Event) bool { return !kinds.Has(e.Kind) })
	if len(some) != 2*3*2+3 || !slices.Equal(all, some) {
		t.Errorf("told %v\nof %v", some, all)
	}
}
