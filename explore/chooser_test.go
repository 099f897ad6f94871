package explore_test

import (
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// three are choices for choosers that don't look at the machine.
var three = []emu.Choice{emu.StepOn(0), emu.StepOn(1), emu.PreemptOn(0)}

// picks lists what a chooser decides on if it is asked n times among the first
// of three choices.
func picks(ch explore.Chooser, among []int) []int {
	var got []int
	for _, n := range among {
		got = append(got, ch.Choose(nil, three[:n]))
	}
	return got
}

func TestBytesDecideOneChoiceEach(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bytes []byte
		among []int
		want  []int
	}{
		{"a byte a choice", []byte{0, 1, 2}, []int{3, 3, 3}, []int{0, 1, 2}},
		{"modulo", []byte{4, 255, 7}, []int{3, 2, 3}, []int{1, 1, 1}},
		{"none for a choice among one", []byte{2, 1}, []int{1, 3, 1, 1, 3}, []int{0, 2, 0, 0, 1}},
		{"the first when used up", []byte{1}, []int{3, 3, 3}, []int{1, 0, 0}},
		{"no bytes", nil, []int{3, 2}, []int{0, 0}},
	} {
		if got := picks(explore.Bytes(tt.bytes), tt.among); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestRandomIsTheSameEverywhere pins a seed's decisions: they are part of what a
// bug report may refer to.
func TestRandomIsTheSameEverywhere(t *testing.T) {
	among := slices.Repeat([]int{3}, 16)
	if got, want := picks(explore.Random(1), among), []int{1, 0, 2, 0, 2, 1, 2, 1, 0, 0, 1, 0, 2, 0, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("seed 1: %v, want %v", got, want)
	}
	if slices.Equal(picks(explore.Random(1), among), picks(explore.Random(2), among)) {
		t.Error("seeds 1 and 2 decide the same")
	}
}

func TestReplayEndsWithItsSchedule(t *testing.T) {
	follow := func(schedule ...emu.Choice) []int {
		return picks(explore.Replay(schedule), []int{3, 3, 2})
	}
	if got := follow(three[1], three[0]); !slices.Equal(got, []int{1, 0, -1}) {
		t.Errorf("a schedule of two choices: %v", got)
	}
	if got := follow(three[2], three[0], three[2]); !slices.Equal(got, []int{2, 0, -1}) {
		t.Errorf("a schedule whose third choice isn't enabled: %v", got)
	}
}

// TestATolerantReplayLeavesOutWhatIsNotEnabled and goes on by itself.
func TestATolerantReplayLeavesOutWhatIsNotEnabled(t *testing.T) {
	schedule := []emu.Choice{three[2], emu.StepOn(7), three[1], three[0]}
	if got := picks(explore.Tolerant(schedule), []int{3, 3, 1, 3}); !slices.Equal(got, []int{2, 1, 0, 0}) {
		t.Errorf("%v", got)
	}
}

// TestARunIsItsSchedule: whoever decides, replaying the schedule is the same run.
func TestARunIsItsSchedule(t *testing.T) {
	p, cfg := example(t, "list.rseq"), on(t, "7.3/v2", "preempt=3 migrate=3 irq=2 fault=1 membarrier=1")
	run := func(ch explore.Chooser, steps int) (*explore.Outcome, *emu.Machine, []emu.Event) {
		m := boot(t, p, cfg)
		var events []emu.Event
		out, err := explore.Run(m, propsOf(t, p), ch, steps, func(e emu.Event) { events = append(events, e) })
		if err != nil {
			t.Fatal(err)
		}
		return out, m, events
	}
	for seed := range uint64(50) {
		out, m, events := run(explore.Random(seed), 0)
		if !out.Done || out.Violation != nil {
			t.Fatalf("seed %d: %+v", seed, out)
		}
		again, n, same := run(explore.Replay(out.Schedule), 0)
		if !again.Done || !slices.Equal(again.Schedule, out.Schedule) || !slices.Equal(events, same) ||
			string(m.AppendState(nil)) != string(n.AppendState(nil)) {
			t.Fatalf("seed %d: replayed, the run is another one", seed)
		}
		// A run can be cut short by its chooser and by the bound of steps.
		half := len(out.Schedule) / 2
		if cut, _, _ := run(explore.Replay(out.Schedule[:half]), 0); cut.Done || cut.Violation != nil || len(cut.Schedule) != half {
			t.Fatalf("seed %d: cut short after %d: %+v", seed, half, cut)
		}
		if cut, _, _ := run(explore.Random(seed), half); cut.Done || !slices.Equal(cut.Schedule, out.Schedule[:half]) {
			t.Fatalf("seed %d: bounded by %d: %+v", seed, half, cut)
		}
	}
}

// TestUndisturbedRunsHaveNoEvents, and end, even if one thread has to wait for
// another that hasn't been on a CPU yet.
func TestUndisturbedRunsHaveNoEvents(t *testing.T) {
	waits := parse(t, `
data flag: u64
func wait()
spin:
    ld.8 r0, [flag]
    beq r0, 0, spin
    ret
func set()
    st.8 [flag], 1
    ret
thread: wait
thread: wait
thread: set
cpus 2
`)
	for _, p := range []*ir.Program{example(t, "list.rseq"), example(t, "syscall-inside.rseq"), waits} {
		for _, bounds := range []string{"preempt=3 migrate=3 irq=3", "migrate=1"} {
			out, err := explore.Run(boot(t, p, on(t, "6.18", bounds)), propsOf(t, p), explore.Undisturbed(), 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p == waits && out.Done {
				t.Error("two spinning threads left the third a CPU")
			}
			if p != waits && (!out.Done || out.Violation != nil || explore.Events(out.Schedule) != 0) {
				t.Errorf("%s: %+v", p.Name, out)
			}
		}
	}
	waits.Setup.CPUs = 3
	out, err := explore.Run(boot(t, waits, on(t, "6.18", "preempt=1")), nil, explore.Undisturbed(), 0, nil)
	if err != nil || !out.Done || explore.Events(out.Schedule) != 0 {
		t.Errorf("on three CPUs: %+v, %v", out, err)
	}
}

// TestAChooserMayBeAFunction: whoever decides, -1 ends the run.
func TestAChooserMayBeAFunction(t *testing.T) {
	asked := 0
	out, err := explore.Run(boot(t, example(t, "list.rseq"), on(t, "6.18", "")), nil, explore.ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
		if len(choices) == 0 || !slices.Equal(choices, m.Choices(nil)) {
			t.Errorf("asked about %v", choices)
		}
		if asked++; asked > 5 {
			return -1
		}
		return 0
	}), 0, nil)
	if err != nil || asked != 6 || len(out.Schedule) != 5 || out.Done {
		t.Errorf("asked %d times: %+v, %v", asked, out, err)
	}
}
