package explore_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// early breaks at once if a membarrier meets its section, whose abort handler
// lacks the signature, and always breaks at its end.
const early = `
data a: u64
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    st.8 [tp + rseq_cs], s
start:
    nop
    nop
    nop
    nop
commit:
    ret
    sig 0x1234
abort:
    ret

thread: f
final a == 1
`

// TestAnEventThatBreaksEarlyHidesNoRunWithout: a failure with no kernel event is
// cheaper than any with one, however short.
func TestAnEventThatBreaksEarlyHidesNoRunWithout(t *testing.T) {
	r := exhaust(t, parse(t, early), on(t, "7.3/v2", "membarrier=1"), explore.Limits{})
	if r.Failure == nil || r.Failure.Property != "final a == 1" || explore.Events(r.Failure.Schedule) != 0 || len(r.Failure.Schedule) != 6 {
		t.Errorf("found %+v, not the six steps to the end", r.Failure)
	}
	held := strings.Replace(early, "a == 1", "a == 0", 1)
	r = exhaust(t, parse(t, held), on(t, "7.3/v2", "membarrier=1"), explore.Limits{})
	if r.Failure == nil || r.Failure.Property != "survives" || len(r.Failure.Schedule) != 2 {
		t.Errorf("found %+v, not the membarrier behind the first step", r.Failure)
	}
}

// TestAStateIsReachedTheCheapestWay, though another way to it is found first. No
// budget in the state tells the ways apart.
func TestAStateIsReachedTheCheapestWay(t *testing.T) {
	nops := strings.Repeat("    nop\n", 20)
	for _, tt := range []struct {
		name, program string
		events, steps int
	}{
		// A membarrier gets there in three transitions, and none in more.
		{"fewer events", `
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=bad
    st.8 [tp + rseq_cs], s
start:
` + nops + `
commit:
    st.8 [tp + rseq_cs], 0
    jmp bad
    sig
bad:
    trap brk
thread: f
`, 0, 1 + 20 + 2 + 1},
		// A membarrier in the second section, which is come to without events, gets
		// there later than one in the first, whose handler goes there.
		{"fewer transitions", `
func f()
    cs first: start_ip=a post_commit_ip=aend abort_ip=skip
    cs second: start_ip=b post_commit_ip=bend abort_ip=bad
    st.8 [tp + rseq_cs], first
a:
    nop
aend:
` + nops + `
    st.8 [tp + rseq_cs], second
b:
    nop
bend:
    ret
    sig
skip:
    jmp bad
    sig
bad:
    trap brk
thread: f
`, 1, 1 + 1 + 1 + 1},
	} {
		p := parse(t, tt.program)
		for _, kernel := range []string{"6.18", "7.3/v2"} {
			r := exhaust(t, p, on(t, kernel, "membarrier=unlimited"), explore.Limits{})
			if r.Failure == nil || explore.Events(r.Failure.Schedule) != tt.events || len(r.Failure.Schedule) != tt.steps {
				t.Errorf("%s on %s: %+v", tt.name, kernel, r.Failure)
			}
		}
	}
}

// TestSearchIsDeterministic: a second search is the same search.
func TestSearchIsDeterministic(t *testing.T) {
	for _, name := range []string{"list.rseq", "list-no-cpu-check.rseq", "overwrite.rseq", "syscall-inside.rseq"} {
		for _, kernel := range []string{"6.18", "7.3/v2"} {
			p, cfg := example(t, name), on(t, kernel, "preempt=1 migrate=2")
			first := exhaust(t, p, cfg, explore.Limits{})
			second := exhaust(t, p, cfg, explore.Limits{})
			if !reflect.DeepEqual(first, second) {
				t.Errorf("%s on %s: first %+v, then %+v", name, kernel, first, second)
			}
			if first.Failure != nil {
				follow(t, p, cfg, first.Failure, propsOf(t, p))
			}
		}
	}
}

// counting never ends and never repeats a state.
const counting = `
data a: u64
func count()
    mov r0, 0
again:
    add r0, r0, 1
    st.8 [a], r0
    jmp again

thread: count
`

// TestLimitsAreNoClaims: a search that was cut short says what by, and claims
// nothing.
func TestLimitsAreNoClaims(t *testing.T) {
	cancelled, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("had enough"))
	for _, tt := range []struct {
		name string
		ctx  context.Context
		lim  explore.Limits
		want string
	}{
		{"states", context.Background(), explore.Limits{States: 1000}, "more than 1000 states"},
		{"steps", context.Background(), explore.Limits{Steps: 500}, "runs of more than 500 transitions exist: a loop that never repeats a state?"},
		{"default steps", context.Background(), explore.Limits{}, "runs of more than 100000 transitions exist: a loop that never repeats a state?"},
		{"context", cancelled, explore.Limits{}, "interrupted: had enough"},
	} {
		p := parse(t, counting)
		r, err := explore.Exhaustive(tt.ctx, boot(t, p, on(t, "6.18", "none")), propsOf(t, p), tt.lim, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Complete || r.Failure != nil || r.Why != tt.want {
			t.Errorf("%s: complete %t, failure %v, why %q, want %q", tt.name, r.Complete, r.Failure, r.Why, tt.want)
		}
		if tt.lim.States > 0 && r.States > tt.lim.States+1 {
			t.Errorf("%s: %d states", tt.name, r.States)
		}
	}
}

// TestALimitIsNotHitByWhatFits: the bounds are exact.
func TestALimitIsNotHitByWhatFits(t *testing.T) {
	p, cfg := example(t, "syscall-inside.rseq"), on(t, "6.18", "")
	all := exhaust(t, p, cfg, explore.Limits{})
	fits := exhaust(t, p, cfg, explore.Limits{States: all.States, Steps: all.Depth + 1})
	if !fits.Complete || fits.States != all.States {
		t.Errorf("with room for all %d states and %d transitions: %+v", all.States, all.Depth, fits)
	}
	for _, lim := range []explore.Limits{{States: all.States - 1}, {Steps: all.Depth}} {
		if r := exhaust(t, p, cfg, lim); r.Complete || r.Why == "" {
			t.Errorf("with one too few (%+v): %+v", lim, r)
		}
	}
}

// TestProgressIsTold and ends with the context.
func TestProgressIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := example(t, "list.rseq")
	told := 0
	lim := explore.Limits{Without: emu.AllReductions}
	r, err := explore.Exhaustive(ctx, boot(t, p, on(t, "6.18", "")), propsOf(t, p), lim, func(r *explore.Result) {
		if r.States < told*1000 || r.Complete {
			t.Errorf("told of %d states, complete %t", r.States, r.Complete)
		}
		if told++; told == 3 {
			cancel()
		}
	})
	if err != nil || told != 3 || r.Complete || r.Why != "interrupted: context canceled" {
		t.Errorf("told %d times, result %+v, %v", told, r, err)
	}
}

// bothLocks takes the locks first and second, and lets go of them. Who finds one
// taken sleeps until it is woken.
func bothLocks(first, second string) string {
	return strings.NewReplacer("FIRST", first, "SECOND", second).Replace(`
func take_FIRST_SECOND()
    mov r7, 1
outer:
    xchg r6, [FIRST], r7
    beq r6, 0, inner
    mov r0, FIRST
    mov r1, 0
    mov r2, 1
    syscall futex
    jmp outer
inner:
    xchg r6, [SECOND], r7
    beq r6, 0, both
    mov r0, SECOND
    mov r1, 0
    mov r2, 1
    syscall futex
    jmp inner
both:
    st.8 [SECOND], 0
    mov r0, SECOND
    mov r1, 1
    mov r2, 1
    syscall futex
    st.8 [FIRST], 0
    mov r0, FIRST
    mov r1, 1
    mov r2, 1
    syscall futex
    ret
`)
}

// TestDeadlockSaysWhoWaits: a state from which nothing goes on is found, whatever
// the properties, and its message says what each thread waits for.
func TestDeadlockSaysWhoWaits(t *testing.T) {
	for _, tt := range []struct{ name, program, kernel, want string }{
		{"a futex that nobody wakes", "data a: u32\nfunc f()\n mov r0, a\n mov r1, 0\n mov r2, 0\n syscall futex\n ret\nthread: f", "6.18",
			"no thread can go on: t0 waits for a futex wake"},
		{"a pause without a signal", "func f()\n syscall pause\n ret\nthread: f", "7.3/v2",
			"no thread can go on: t0 waits for a signal"},
		{"two locks in two orders", "data a: u64\ndata b: u64\n" + bothLocks("a", "b") + bothLocks("b", "a") + "thread: take_a_b\nthread: take_b_a", "6.19",
			"no thread can go on: t0 waits for a futex wake, t1 waits for a futex wake"},
	} {
		p, cfg := parse(t, tt.program), on(t, tt.kernel, "none")
		r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), nil, explore.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Failure == nil || r.Failure.Property != explore.Deadlock || r.Failure.Message != tt.want {
			t.Errorf("%s: %+v, want %q", tt.name, r.Failure, tt.want)
			continue
		}
		follow(t, p, cfg, r.Failure, nil)
	}
	oneOrder := parse(t, "data a: u64\ndata b: u64\n"+bothLocks("a", "b")+"thread: take_a_b\nthread: take_a_b")
	if r := exhaust(t, oneOrder, on(t, "6.19", "preempt=1"), explore.Limits{}); !r.Complete {
		t.Errorf("two locks in one order: %+v", r)
	}
}

// TestAnInterruptOnItsWayIsNoDeadlock: who waits for another CPU to take it goes
// on, even if that CPU's thread has ended.
func TestAnInterruptOnItsWayIsNoDeadlock(t *testing.T) {
	p := parse(t, `
func fence()
    mov r0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ
    mov r1, 0
    syscall membarrier
    mov r0, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ
    mov r1, 0
    syscall membarrier
    ret
func other()
    nop
    nop
    ret
thread: fence
thread: other
final calls(fence) == 1
`)
	for _, bounds := range []string{"none", "unplug=2"} {
		r := exhaust(t, p, on(t, "6.18", bounds), explore.Limits{})
		if !r.Complete || r.Ends == 0 {
			t.Errorf("%s: %+v", bounds, r)
		}
	}
}

// TestSpinningClosesItsCycle: who spins meanwhile comes back to a
// state that was seen, so that the search ends, and nothing is broken.
func TestSpinningClosesItsCycle(t *testing.T) {
	p := parse(t, `
data lock: u64
data owner: u64
func critical()
    mov r1, 1
spin:
    xchg r0, [lock], r1
    bne r0, 0, spin
    ld.8 r0, [owner]
    add r0, r0, 1
    st.8 [owner], r0
    st.8 [lock], 0
    ret

thread: critical
thread: critical
always lock <= 1
final owner == 2
`)
	r := exhaust(t, p, on(t, "6.18", "preempt=1 migrate=1"), explore.Limits{Steps: 1000})
	if !r.Complete || r.Ends == 0 {
		t.Errorf("%+v", r)
	}
	// Who never lets go of it leaves the other spinning in finitely many states.
	held := parse(t, "data lock: u64 = 1\nfunc f()\nspin:\n ld.8 r0, [lock]\n bne r0, 0, spin\n ret\nthread: f")
	r = exhaust(t, held, on(t, "6.18", "none"), explore.Limits{})
	if !r.Complete || r.States > 10 || r.Ends != 0 {
		t.Errorf("a lock that is never let go: %+v", r)
	}
}

// TestAPropertyThatCannotBeMadeIsAnError, for every way to run.
func TestAPropertyThatCannotBeMadeIsAnError(t *testing.T) {
	p, cfg, no := example(t, "list.rseq"), on(t, "6.18", ""), errors.New("no")
	fs := []explore.Factory{func(*emu.Machine) (explore.Property, error) { return nil, no }}
	_, errs := explore.Exhaustive(context.Background(), boot(t, p, cfg), fs, explore.Limits{}, nil)
	_, errSample := explore.Sample(context.Background(), boot(t, p, cfg), fs, explore.Uniform(), 1, 1, explore.Limits{}, nil)
	_, errRun := explore.Run(boot(t, p, cfg), fs, explore.Random(1), 0, nil)
	_, errFollow := (&explore.Schedule{}).Follow(boot(t, p, cfg), fs, nil)
	for i, err := range []error{errs, errSample, errRun, errFollow} {
		if !errors.Is(err, no) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
