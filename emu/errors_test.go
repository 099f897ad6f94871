package emu

import (
	"errors"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// What is said to somebody who asks for what there isn't: exact messages.

// message is err's text, or "no error".
func message(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

const known = "(4.18, 4.19, 5.0, 5.4, 5.5, 5.10, 5.15, 6.0, 6.1, 6.2, 6.3, 6.6, 6.12, 6.16, 6.17, 6.18, 6.19, 7.0.4, 7.0.7, 7.0.9, 7.0.10, 7.0.12, 7.0, 7.1, 7.2, 7.3)"

func TestParseKernelErrors(t *testing.T) {
	for name, want := range map[string]string{
		"":                `unknown kernel "" ` + known,
		"6":               `unknown kernel "6" ` + known,
		"6.18.15.2":       `unknown kernel "6.18.15.2" ` + known,
		"6.x":             `unknown kernel "6.x" ` + known,
		"06.18":           `unknown kernel "06.18" ` + known,
		"6.-1":            `unknown kernel "6.-1" ` + known,
		"6.99999999":      `unknown kernel "6.99999999" ` + known,
		"5.11":            `unknown kernel "5.11" ` + known,
		"linux":           `unknown kernel "linux" ` + known,
		"7.0.5":           "kernel 7.0.5 was not measured, and its series changed; measured: 7.0.4, 7.0.7, 7.0.9, 7.0.10, 7.0.12, 7.0.13",
		"6.1.1":           "kernel 6.1.1 was not measured, and its series changed; measured: 6.1.176",
		"6.12.1":          "kernel 6.12.1 was not measured, and its series changed; measured: 6.12.107",
		"6.18/v2":         "kernel 6.18 has no V2 (7.0.10 and later have, where the architecture uses the generic entry code)",
		"7.0.7/v2":        "kernel 7.0.7 has no V2 (7.0.10 and later have, where the architecture uses the generic entry code)",
		"7.3/arm/v2":      "kernel 7.3 has no V2 (7.0.10 and later have, where the architecture uses the generic entry code)",
		"7.3/v3":          `kernel 7.3: unknown word "v3" (an architecture, generic, irq-only, none, v1, v2, debug, slices)`,
		"7.3/":            `kernel 7.3: unknown word "" (an architecture, generic, irq-only, none, v1, v2, debug, slices)`,
		"7.3/sparc":       `kernel 7.3: unknown word "sparc" (an architecture, generic, irq-only, none, v1, v2, debug, slices)`,
		"7.3/v1/debug":    "no error",
		"7.3/debug/arm64": "no error",
		"5.10.7":          "no error", // its series didn't change
	} {
		if _, err := ParseKernel(name); message(err) != want {
			t.Errorf("%q: %s, want %s", name, message(err), want)
		}
	}
	if _, err := LinuxRelease("6.18", abi.Arch(200)); message(err) != "kernel 6.18: unknown architecture" {
		t.Errorf("architecture 200: %v", err)
	}
	defer func() {
		if r := recover(); r != "emu: unknown kernel \"1.0\" "+known {
			t.Errorf("Linux of an unknown release panics with %v", r)
		}
	}()
	Linux("1.0", abi.AMD64)
}

func TestParsePatternErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":            `kernel pattern "" names no release`,
		"..":          `kernel pattern ".." names no release`,
		"!":           `kernel pattern "!" names no release`,
		"5.11..":      `unknown kernel "5.11" ` + known,
		"..5.11":      `unknown kernel "5.11" ` + known,
		"6.3...6.18":  `unknown kernel ".6.18" ` + known,
		"6.3../v3":    `kernel pattern "6.3../v3": unknown word "v3" (an architecture, v1, v2, slices)`,
		"7.3/debug":   `kernel pattern "7.3/debug": unknown word "debug" (an architecture, v1, v2, slices)`,
		"7.0.5":       "kernel 7.0.5 was not measured, and its series changed; measured: 7.0.4, 7.0.7, 7.0.9, 7.0.10, 7.0.12, 7.0.13",
		"!6.19/arm64": "no error",
		"6.3..6.18":   "no error",
	} {
		if p, err := ParsePattern(text); message(err) != want {
			t.Errorf("%q: %s, want %s", text, message(err), want)
		} else if err == nil && p.String() != text {
			t.Errorf("%q prints as %q", text, p)
		}
	}
}

func TestParseChoiceErrors(t *testing.T) {
	const kinds = "(step, run, wake, ipi, preempt, irq, fault, fault sleep, membarrier, signal, offline, online, delay, stale, flush, slice-timer, preempt now)"
	for text, want := range map[string]string{
		"":                 `choice "": want a CPU or thread and what happens to it, such as "c0 step" or "t1 wake"`,
		"c0":               `choice "c0": want a CPU or thread and what happens to it, such as "c0 step" or "t1 wake"`,
		"c0 stop":          `choice "c0 stop": unknown event "stop" ` + kinds,
		"c0 wake":          `choice "c0 wake": "c0" is no t0, t1, …`,
		"t0 step":          `choice "t0 step": "t0" is no c0, c1, …`,
		"c step":           `choice "c step": "c" is no c0, c1, …`,
		"cc0 step":         `choice "cc0 step": "cc0" is no c0, c1, …`,
		"c-1 step":         `choice "c-1 step": "c-1" is no c0, c1, …`,
		"c128 step":        `choice "c128 step": "c128" is no c0, c1, …`,
		"0 step":           `choice "0 step": "0" is no c0, c1, …`,
		"c0 step 2":        `choice "c0 step 2": wrong number of words for step`,
		"t0 run t1":        `choice "t0 run t1": "t0" is no c0, c1, …`,
		"c0 run":           `choice "c0 run": wrong number of words for run`,
		"c0 run t1 t2":     `choice "c0 run t1 t2": wrong number of words for run`,
		"c0 run c1":        `choice "c0 run c1": "c1" is no t0, t1, …`,
		"t0 wake now":      `choice "t0 wake now": wrong number of words for wake`,
		"t0 signal":        `choice "t0 signal": wrong number of words for signal`,
		"t0 signal SIGFOO": `choice "t0 signal SIGFOO": unknown signal "SIGFOO"`,
		"t0 signal 0":      `choice "t0 signal 0": unknown signal "0"`,
		"t0 signal 65":     `choice "t0 signal 65": unknown signal "65"`,
		"c0 fault awake":   `choice "c0 fault awake": wrong number of words for fault`,
	} {
		c, err := ParseChoice(text)
		if message(err) != want {
			t.Errorf("%q: %s, want %s", text, message(err), want)
		}
		if err != nil && c != 0 {
			t.Errorf("%q: an error and a choice, %s", text, c)
		}
	}
	for text, want := range map[string]string{
		"c0  fault   sleep": "c0 fault sleep", " t3 signal SIGUSR1 ": "t3 signal 10", "c63 run t63": "c63 run t63", "t0 signal USR1": "",
	} {
		c, err := ParseChoice(text)
		if want == "" && err == nil || want != "" && (err != nil || c.String() != want) {
			t.Errorf("%q: %s, %v; want %q", text, c, err, want)
		}
	}
	if got, want := Choice(0xff000000).String(), "choice(0xff000000)"; got != want {
		t.Errorf("a choice that there isn't prints as %q, want %q", got, want)
	}
}

func TestBudgetErrors(t *testing.T) {
	var b Budget
	for _, tt := range []struct {
		name string
		n    int
		want string
	}{
		{"preempt", 3, "no error"},
		{"migrate", Unlimited, "no error"},
		{"irq", 0, "no error"},
		{"signal", -1, "budget signal=-1 is out of range (0..254, 255 for no limit)"},
		{"signal", 256, "budget signal=256 is out of range (0..254, 255 for no limit)"},
		{"preemptions", 1, `unknown event "preemptions" in a budget (preempt, migrate, signal, irq, fault, membarrier, unplug, expire)`},
	} {
		if got := message(b.Set(tt.name, tt.n)); got != tt.want {
			t.Errorf("%s=%d: %s, want %s", tt.name, tt.n, got, tt.want)
		}
	}
	if got, want := b.String(), "preempt=3 migrate=unlimited"; got != want {
		t.Errorf("the budget is %q, want %q", got, want)
	}
	if got, want := (Budget{}).String(), "no kernel events"; got != want {
		t.Errorf("an empty budget is %q, want %q", got, want)
	}
	with, err := b.With(ir.Budget{{Event: "preempt", Max: 1}, {Event: "irq", Max: 2}})
	if got, want := with.String(), "preempt=1 migrate=unlimited irq=2"; got != want || err != nil {
		t.Errorf("with the program's: %q, %v; want %q", got, err, want)
	}
}

func TestNewErrors(t *testing.T) {
	const op = "func op()\n    ret\n"
	k := Linux("6.18", abi.AMD64)
	for _, tt := range []struct {
		name, program string
		cfg           Config
		want          string
	}{
		{"no kernel", op + "thread: op\n", Config{}, "the configuration names no kernel"},
		{"no thread", op, Config{Kernel: k}, `the program has no thread: add a line such as "thread: op"`},
		{"no function", "data x: u64\n", Config{Kernel: k}, `the program has no thread: add a line such as "thread: f"`},
		{"too many CPUs", op + "thread: op\n", Config{Kernel: k, CPUs: 65}, "65 CPUs are out of range (1..64)"},
		{"negative CPUs", op + "thread: op\n", Config{Kernel: k, CPUs: -1}, "-1 CPUs are out of range (1..64)"},
		{"more nodes than CPUs", op + "thread: op\n", Config{Kernel: k, CPUs: 2, Nodes: 3}, "3 NUMA nodes are out of range (1..2, the number of CPUs)"},
		{"negative nodes", op + "thread: op\n", Config{Kernel: k, Nodes: -1}, "-1 NUMA nodes are out of range (1..2, the number of CPUs)"},
		{"too many threads", op + strings.Repeat("thread: op\n", 65), Config{Kernel: k}, "65 threads are too many (64)"},
		{"too many with spare ones", op + "thread: op\nthread: op\n", Config{Kernel: k, Spare: 63}, "65 threads are too many (64)"},
		{"negative spare ones", op + "thread: op\n", Config{Kernel: k, Spare: -1}, "-1 spare tasks are out of range (0..63)"},
		{"no CPU for a thread", op + "thread on 2: op\n", Config{Kernel: k, CPUs: 2}, "thread 0 may run on none of the 2 CPUs"},
		{"a bad budget", op + "budget preemptions=1\nthread: op\n", Config{Kernel: k}, `test.rseq:3:1: unknown event "preemptions" in a budget (preempt, migrate, signal, irq, fault, membarrier, unplug, expire)`},
		{"a program that doesn't link", "func op()\n    jmp nowhere\nthread: op\n", Config{Kernel: k}, `test.rseq:2:5: "nowhere" is not defined`},
		{"too many calls", op + "thread: " + strings.Repeat("op; ", 1<<15) + "op\n", Config{Kernel: k}, "thread 0 makes 32769 calls, more than 32767"},
		{"another architecture", op + "thread: op\n", Config{Kernel: Kernel{Release: "6.18", Arch: abi.Arch(99)}}, "test.rseq: cannot link for arch 99"},
	} {
		_, err := New(parse(t, tt.program), tt.cfg)
		if got := message(err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	im, err := ir.Link(parse(t, op+"thread: op\n"), abi.S390X)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewLinked(im, vcpu.Compile(im), Config{Kernel: k}); message(err) != "the program is linked for s390x, the kernel is for amd64" {
		t.Errorf("a program linked for another architecture: %v", err)
	}
}

// TestLargestMachine is one with everything at its bound.
func TestLargestMachine(t *testing.T) {
	const op = "func op()\n    nop\n    ret\n"
	k := Linux("6.18", abi.AMD64)
	for name, tt := range map[string]struct {
		program string
		cfg     Config
	}{
		"CPUs and threads": {op + strings.Repeat("thread: op\n", MaxTasks), Config{Kernel: k, CPUs: MaxCPUs, Nodes: MaxCPUs}},
		"spare tasks":      {op + "thread on 63: op\n", Config{Kernel: k, CPUs: MaxCPUs, Spare: MaxTasks - 1, Idle: true}},
		"calls":            {op + "thread: " + strings.Repeat("op; ", maxCalls-1) + "op\n", Config{Kernel: k}},
	} {
		m, err := New(parse(t, tt.program), tt.cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for !m.Done() {
			choices := m.Progress(nil)
			m.Do(choices[len(choices)-1])
		}
	}
}

// TestThreadWithoutCalls has ended before it begins.
func TestThreadWithoutCalls(t *testing.T) {
	p := parse(t, "func op()\n    ret\nthread: op\n")
	p.Threads = append(p.Threads, ir.Thread{})
	m, err := New(p, Config{Kernel: Linux("6.18", abi.AMD64)})
	if err != nil {
		t.Fatal(err)
	}
	if m.Done() || m.tasks[1].alive() {
		t.Errorf("done: %v, the empty thread lives: %v", m.Done(), m.tasks[1].alive())
	}
	m.Do(StepOn(0))
	if !m.Done() {
		t.Error("not done after the other thread")
	}
}

// TestTryNamesWhatIsEnabled: a choice that can't happen changes nothing, and the
// error lists those that can.
func TestTryNamesWhatIsEnabled(t *testing.T) {
	r := bootWith(t, section+"thread: op\n", Config{Kernel: Linux("6.18", abi.AMD64), Budget: &Budget{Preemptions: 1, Signals: 1}})
	before := r.AppendState(nil)
	for _, choice := range []string{
		"c0 run t0", "c1 step", "c9 step", "c0 irq", "t0 wake", "t9 wake", "t1 signal 10", "t0 signal 32",
		"t0 signal 34", "c1 online", "c0 fault sleep", "c127 offline", "c0 membarrier",
	} {
		want := choice + " can't happen now; enabled: c0 step, c0 preempt, t0 signal 10"
		c, err := ParseChoice(choice)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Try(c)
		if got := message(err); got != want {
			t.Errorf("%s: %s, want %s", choice, got, want)
		}
		if !errors.Is(err, ErrNotEnabled) {
			t.Errorf("%s: the error isn't ErrNotEnabled", choice)
		}
	}
	if string(r.AppendState(nil)) != string(before) {
		t.Error("a choice that can't happen has changed the state")
	}
	// Nobody has a handler for SIGURG; it may be sent all the same.
	r.run("t0 signal SIGURG; t0 through")
	if got, want := message(r.Try(StepOn(0))), "c0 step can't happen now; nothing can: the run is over"; got != want {
		t.Errorf("at the end: %s, want %s", got, want)
	}
}

// TestSetStateRefusesStrangers: bytes that are cut off, or of a larger machine.
// Whatever the bytes, nothing panics.
func TestSetStateRefusesStrangers(t *testing.T) {
	for _, kernel := range []string{"6.18", "7.3"} {
		r := boot(t, kernel, section+"thread: op\nthread: op\n").run("t0 to inside; t1 to start")
		b := r.AppendState(nil)
		m := r.Fork()
		for n := range b {
			if _, err := m.SetState(b[:n]); message(err) != "not a state of this machine" {
				t.Fatalf("%s: %d of %d bytes: %s", kernel, n, len(b), message(err))
			}
			for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff} {
				other := append([]byte(nil), b...)
				other[n] = v
				if _, err := m.SetState(other); err != nil && message(err) != "not a state of this machine" {
					t.Fatalf("%s: byte %d is %#x: %s", kernel, n, v, message(err))
				}
			}
		}
	}
	r := boot(t, "6.18", section+"thread: op\n")
	b := r.AppendState(nil)
	m := r.Fork()
	if _, err := m.SetState(append([]byte(nil), strings.Repeat("\xff", 10*len(b))...)); message(err) != "not a state of this machine" {
		t.Errorf("ones: %s", message(err))
	}
}
