package explore_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"pgregory.net/rapid"
)

var anyChoice = rapid.Custom(func(t *rapid.T) emu.Choice {
	c, k := emu.CPUID(rapid.IntRange(0, 63).Draw(t, "cpu")), emu.TaskID(rapid.IntRange(0, 63).Draw(t, "task"))
	return rapid.SampledFrom([]emu.Choice{
		emu.StepOn(c), emu.RunOn(c, k), emu.WakeTask(k), emu.TakeIPI(c), emu.PreemptOn(c), emu.IRQOn(c), emu.FaultOn(c),
		emu.FaultSleepOn(c), emu.MembarrierOn(c), emu.SignalTask(k, abi.SIGUSR1), emu.OfflineCPU(c), emu.OnlineCPU(c),
		emu.DelayOn(c), emu.StaleOn(c, 1), emu.StaleOn(c, 3), emu.FlushOn(c, 1), emu.FlushOn(c, 2),
	}).Draw(t, "choice")
})

var anySchedule = rapid.Custom(func(t *rapid.T) *explore.Schedule {
	kernel := rapid.SampledFrom([]string{"5.10", "6.1/arm64", "6.18/s390x/debug", "6.19", "7.3/v1", "7.3/riscv64/v2"}).Draw(t, "kernel")
	s := &explore.Schedule{
		Program: rapid.SampledFrom([]string{"list", "my list", "a  b c"}).Draw(t, "program"),
		Sum:     rapid.StringMatching("[0-9a-f]{8}").Draw(t, "sum"),
		Kernel:  on(t, kernel, "").Kernel,
		CPUs:    rapid.IntRange(0, emu.MaxCPUs).Draw(t, "cpus"),
		Nodes:   rapid.IntRange(0, emu.MaxCPUs).Draw(t, "nodes"),
		Idle:    rapid.Bool().Draw(t, "idle"),
		Memory:  rapid.SampledFrom([]emu.MemoryModel{emu.SC, emu.TSO, emu.ARM}).Draw(t, "memory"),
		Breaks:  rapid.SampledFrom([]string{"", "survives", "linearizable(stack)", "final a + b == 3"}).Draw(t, "breaks"),
	}
	for i := range s.Budget {
		s.Budget[i] = rapid.SampledFrom([]uint8{0, 0, 1, 2, 254, emu.Unlimited}).Draw(t, "bound")
	}
	for range rapid.IntRange(0, 8).Draw(t, "stretches") {
		c := anyChoice.Draw(t, "choice")
		for range rapid.IntRange(1, 20).Draw(t, "times") {
			s.Choices = append(s.Choices, c)
		}
	}
	return s
})

// TestScheduleRoundTrip: what is printed and parsed is the same schedule, and
// each choice is on the line that ChoiceLine says.
func TestScheduleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule.Draw(t, "schedule")
		text := s.String()
		got, err := explore.ParseSchedule("f", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(got, s) {
			t.Fatalf("parsed %+v, printed %+v\n%s", got, s, text)
		}
		lines := strings.Split(text, "\n")
		for i, c := range s.Choices {
			n := explore.ChoiceLine([]byte(text), i)
			if n == 0 || !strings.HasPrefix(lines[n-1]+" ", c.String()+" ") {
				t.Fatalf("choice %d (%v) is said to be on line %d of\n%s", i, c, n, text)
			}
		}
		if n := explore.ChoiceLine([]byte(text), len(s.Choices)); n != 0 {
			t.Fatalf("one choice behind the last is said to be on line %d", n)
		}
	})
}

// TestScheduleText is the format of bug reports: a change of it makes old ones
// unreadable.
func TestScheduleText(t *testing.T) {
	const text = `rseqemu schedule 1
program my list 1f0c9a52
kernel 7.3/v2
cpus 3
nodes 2
idle
budget preempt=2 irq=unlimited
breaks linearizable(stack)

c0 run t2
c0 step x12
c0 preempt
t1 signal 10
c1 fault sleep x2
t1 wake
`
	want := &explore.Schedule{
		Program: "my list", Sum: "1f0c9a52", Kernel: emu.Linux("7.3", abi.AMD64), CPUs: 3, Nodes: 2, Idle: true,
		Budget: emu.Budget{emu.Preemptions: 2, emu.IRQs: emu.Unlimited}, Breaks: "linearizable(stack)",
	}
	want.Choices = append(want.Choices, emu.RunOn(0, 2))
	for range 12 {
		want.Choices = append(want.Choices, emu.StepOn(0))
	}
	want.Choices = append(want.Choices, emu.PreemptOn(0), emu.SignalTask(1, abi.SIGUSR1), emu.FaultSleepOn(1), emu.FaultSleepOn(1), emu.WakeTask(1))
	if got := want.String(); got != text {
		t.Errorf("printed:\n%s", got)
	}
	variants := map[string]string{
		"as printed":           text,
		"comments and spaces":  "\n# a comment\n  " + strings.ReplaceAll(text, "\n", "  \r\n\n# more\n\t"),
		"a sign for x":         strings.ReplaceAll(text, " x", " ×"),
		"signals by name":      strings.Replace(text, "signal 10", "signal SIGUSR1", 1),
		"a budget in parts":    strings.Replace(text, "preempt=2 irq", "preempt=9,signal=1\nbudget none preempt=2\nbudget irq", 1),
		"the head's order":     strings.Replace(strings.Replace(text, "cpus 3\n", "", 1), "breaks", "cpus 3\nbreaks", 1),
		"no newline at an end": strings.TrimSuffix(text, "\n"),
	}
	for name, text := range variants {
		got, err := explore.ParseSchedule("f", []byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestScheduleErrorsSayWhere: each says the line, what is wrong, and what would
// be right.
func TestScheduleErrorsSayWhere(t *testing.T) {
	const head = "rseqemu schedule 1\nkernel 6.19\n"
	events := "preempt, migrate, signal, irq, fault, membarrier, unplug, expire"
	for _, tt := range []struct{ text, want string }{
		{"", "f: not a schedule: empty"},
		{"# nothing\n\n", "f: not a schedule: empty"},
		{"\nhello", `f:2: not a schedule: it begins with "hello", not "rseqemu schedule 1"`},
		{strings.Repeat("z", 50), `f:1: not a schedule: it begins with "` + strings.Repeat("z", 40) + `…", not "rseqemu schedule 1"`},
		{"rseqemu schedule 2\n", `f:1: not a schedule: it begins with "rseqemu schedule 2", not "rseqemu schedule 1"`},
		{"rseqemu schedule 1\nc0 step\n", "f: the schedule names no kernel"},
		{"rseqemu schedule 1\nkernel 9.9\n", `f:2: unknown kernel "9.9" (` + strings.Join(emu.Releases(), ", ") + ")"},
		{head + "cpus\n", `f:3: cpus: "" is no number from 1 to 64`},
		{head + "cpus 65\n", `f:3: cpus: "65" is no number from 1 to 64`},
		{head + "nodes x\n", `f:3: nodes: "x" is no number from 1 to 64`},
		{head + "idle now\n", `f:3: idle: nothing can follow it, not "now"`},
		{head + "budget preempt\n", `f:3: budget: "preempt" is no bound such as preempt=2`},
		{head + "budget preempt=many\n", `f:3: budget: "preempt=many" is no bound such as preempt=2`},
		{head + "budget preempt=-1\n", "f:3: budget preempt=-1 is out of range (0..254, 255 for no limit)"},
		{head + "budget tea=1\n", `f:3: unknown event "tea" in a budget (` + events + ")"},
		{head + "\n\nc0\n", `f:5: choice "c0": want a CPU or thread and what happens to it, such as "c0 step" or "t1 wake"`},
		{head + "c0 step x0\n", `f:3: the repetition: "0" is no number from 1 to 1048576`},
		{head + "c0 step xx\n", `f:3: the repetition: "x" is no number from 1 to 1048576`},
		{head + "c0 step x1048577\n", `f:3: the repetition: "1048577" is no number from 1 to 1048576`},
		{head + "c0 step x1048576\nc0 step\n", "f:4: the schedule is longer than 1048576 transitions"},
		{head + "t0 step\n", `f:3: choice "t0 step": "t0" is no c0, c1, …`},
		{head + "# " + strings.Repeat("x", 1<<17), "f:3: bufio.Scanner: token too long"},
	} {
		s, err := explore.ParseSchedule("f", []byte(tt.text))
		if err == nil || err.Error() != tt.want || s != nil {
			t.Errorf("%.60q: %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

// TestFollowSaysWhatCannotHappen: the transition that doesn't fit, and those that
// would.
func TestFollowSaysWhatCannotHappen(t *testing.T) {
	p, cfg := example(t, "list.rseq"), on(t, "6.18", "preempt=1")
	over := exhaust(t, example(t, "list-no-cpu-check.rseq"), on(t, "6.18", ""), explore.Limits{}).Failure.Schedule
	for _, tt := range []struct {
		choices []emu.Choice
		made    int
		want    string
	}{
		{[]emu.Choice{emu.StepOn(0), emu.RunOn(0, 1)}, 1,
			"transition 2 of the schedule: c0 run t1 can't happen now; enabled: c0 step, c1 step, c0 preempt, c1 preempt"},
		{[]emu.Choice{emu.PreemptOn(1), emu.PreemptOn(0)}, 1,
			"transition 2 of the schedule: c0 preempt can't happen now; enabled: c0 step, c1 run t1"},
		{[]emu.Choice{emu.StepOn(60)}, 0,
			"transition 1 of the schedule: c60 step can't happen now; enabled: c0 step, c1 step, c0 preempt, c1 preempt"},
		{over[:1], 1, ""},
	} {
		out, err := (&explore.Schedule{Choices: tt.choices}).Follow(boot(t, p, cfg), propsOf(t, p), nil)
		if out == nil || len(out.Schedule) != tt.made || fmt.Sprint(err) != tt.want && (err != nil || tt.want != "") {
			t.Errorf("%v: %+v, %v", tt.choices, out, err)
			continue
		}
		var fe *explore.FollowError
		if tt.want != "" && (!errors.Is(err, emu.ErrNotEnabled) || !errors.As(err, &fe) || fe.I != tt.made) {
			t.Errorf("%v: the error is %#v", tt.choices, err)
		}
	}
	// A schedule may be longer than the run.
	end, err := explore.Run(boot(t, p, cfg), nil, explore.Undisturbed(), 0, nil)
	if err != nil || !end.Done {
		t.Fatalf("%+v, %v", end, err)
	}
	_, err = (&explore.Schedule{Choices: append(end.Schedule, emu.StepOn(0))}).Follow(boot(t, p, cfg), nil, nil)
	if want := fmt.Sprintf("transition %d of the schedule: c0 step can't happen now; nothing can: the run is over", len(end.Schedule)+1); fmt.Sprint(err) != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestAnyScheduleCanBeTried: whatever the choices, the run is a
// prefix of them, and the error says where it ended and what could have been.
func TestAnyScheduleCanBeTried(t *testing.T) {
	p := example(t, "list.rseq")
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule.Draw(t, "schedule")
		few := rapid.SliceOf(rapid.SampledFrom([]emu.Choice{emu.StepOn(0), emu.StepOn(1), emu.PreemptOn(0), emu.RunOn(0, 0), emu.RunOn(0, 1)}))
		choices := append(few.Draw(t, "likely choices"), s.Choices...)
		m := boot(t, p, on(t, s.Kernel.String(), "preempt=2 migrate=2"))
		out, err := (&explore.Schedule{Choices: choices}).Follow(m, propsOf(t, p), nil)
		if out == nil || !slices.Equal(out.Schedule, choices[:len(out.Schedule)]) || out.Violation != nil {
			t.Fatalf("%+v", out)
		}
		if (err == nil) != (len(out.Schedule) == len(choices)) {
			t.Fatalf("made %d of %d: %v", len(out.Schedule), len(choices), err)
		}
		if err == nil {
			return
		}
		enabled := m.Choices(nil)
		_, list, ok := strings.Cut(err.Error(), "can't happen now; enabled: ")
		for _, c := range enabled {
			ok = ok && strings.Contains(list, c.String())
		}
		if !ok && len(enabled) > 0 || slices.Contains(enabled, choices[len(out.Schedule)]) {
			t.Fatalf("%v, where %v are enabled", err, enabled)
		}
	})
}

// TestAFollowerLeavesTheRestToOthers, or ends the run.
func TestAFollowerLeavesTheRestToOthers(t *testing.T) {
	p, cfg := example(t, "list.rseq"), on(t, "6.18", "preempt=1")
	first := []emu.Choice{emu.StepOn(1), emu.StepOn(1), emu.PreemptOn(1)}
	alone := &explore.Follower{Choices: first}
	m := boot(t, p, cfg)
	out, err := explore.Run(m, nil, alone, 0, nil)
	if err != nil || alone.Err(m) != nil || len(out.Schedule) != 3 || out.Done {
		t.Errorf("alone: %+v, %v, %v", out, err, alone.Err(m))
	}
	then := &explore.Follower{Choices: first, Then: explore.Undisturbed()}
	out, err = explore.Run(boot(t, p, cfg), nil, then, 0, nil)
	if err != nil || !reflect.DeepEqual(out.Schedule[:3], first) || !out.Done {
		t.Errorf("with another behind it: %+v, %v", out, err)
	}
	lost := &explore.Follower{Choices: []emu.Choice{emu.WakeTask(0)}, Then: explore.Undisturbed()}
	m = boot(t, p, cfg)
	out, err = explore.Run(m, nil, lost, 0, nil)
	if err != nil || len(out.Schedule) != 0 || !errors.Is(lost.Err(m), emu.ErrNotEnabled) {
		t.Errorf("lost: %+v, %v, %v", out, err, lost.Err(m))
	}
}

// TestFingerprintIsOfTheProgram and not of its layout or comments.
func TestFingerprintIsOfTheProgram(t *testing.T) {
	const src = "data a: u64\nfunc f()\n    st.8 [a], 1\n    ret\nthread: f\n"
	sum := explore.Fingerprint(parse(t, src))
	if len(sum) != 8 || strings.Trim(sum, "0123456789abcdef") != "" {
		t.Errorf("%q", sum)
	}
	for _, same := range []string{
		strings.ReplaceAll(src, "    ", "\t\t"), strings.ReplaceAll(src, "\n", "  # why\n"), "# what\n\n" + strings.ReplaceAll(src, "\n", "\n# and\n"),
	} {
		if got := explore.Fingerprint(parse(t, same)); got != sum {
			t.Errorf("it is %s, not %s, for\n%s", got, sum, same)
		}
	}
	if got := explore.Fingerprint(parse(t, strings.Replace(src, "1", "2", 1))); got == sum {
		t.Error("another program has the same")
	}
}

// FuzzParseSchedule: any text is an error with a place or a schedule, which
// prints as text that is the same schedule.
func FuzzParseSchedule(f *testing.F) {
	f.Add([]byte("rseqemu schedule 1\nprogram list 1f0c9a52\nkernel 6.19\nbudget preempt=1\n\nc0 step x3\nc0 preempt\nc0 run t0\n"))
	f.Add([]byte("rseqemu schedule 1\nprogram a b\nkernel 7.3/v1/debug\ncpus 3\nnodes 2\nidle\nbreaks x y\nt0 signal SIGUSR1 x2\nc1 fault sleep\n"))
	f.Add([]byte("rseqemu schedule 1\nc0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := explore.ParseSchedule("f", text)
		if (err == nil) != (s != nil) {
			t.Fatalf("schedule %v and error %v", s, err)
		}
		if err != nil {
			if msg := err.Error(); !strings.HasPrefix(msg, "f:") || strings.Contains(msg, "\n") {
				t.Fatalf("the error %q has no place, or more than a line", msg)
			}
			return
		}
		again, err := explore.ParseSchedule("f", []byte(s.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		// A name says less than a profile, where two are the same but for it.
		if s.Kernel.String() != again.Kernel.String() {
			t.Fatalf("the kernel is %v and then %v", s.Kernel, again.Kernel)
		}
		again.Kernel = s.Kernel
		if !reflect.DeepEqual(s, again) {
			t.Fatalf("printed and parsed\n%s\nis\n%s", s, again)
		}
	})
}
