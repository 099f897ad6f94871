package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// Verdict is what a result says about the program, in a few words: that it is
// broken, that it holds for all schedules within the bounds, or how far the
// search got. It never claims more than was done.
func Verdict(r *explore.Result) string {
	switch Kind(r) {
	case Broken:
		return fmt.Sprintf("broken: %s (%s, %s)", r.Failure.Property, Count(explore.Events(r.Failure.Schedule), "kernel event"),
			Count(len(r.Failure.Schedule), "transition"))
	case Holds:
		return "holds, for all schedules within these bounds"
	case Sampled:
		return fmt.Sprintf("not broken in %s, which proves nothing", runs(r))
	}
	switch {
	case r.Complete:
		return "not finished (no run ever ends): what must hold at the end was never asked"
	case r.Runs > 0:
		return fmt.Sprintf("not finished (%s): not broken in %s", r.Why, runs(r))
	case r.Events == 1:
		return fmt.Sprintf("not finished (%s): holds for all schedules without kernel events", r.Why)
	case r.Events > 1:
		return fmt.Sprintf("not finished (%s): holds for all schedules with fewer than %s", r.Why, Count(r.Events, "kernel event"))
	}
	return fmt.Sprintf("not finished (%s): not broken so far", r.Why)
}

// runs says how many there were and who decided in them.
func runs(r *explore.Result) string { return Count(r.Runs, "random run") + " (" + r.Sampler + ")" }

// Odds says with which probability a run finds a bug, by the bug's depth.
func Odds(b *explore.Bound) string {
	var odds []string
	for _, d := range b.Depths {
		n := b.OneIn(d)
		one := fmt.Sprintf("%.1e", n)
		if n < 1e7 {
			one = Thousands(int(n))
		}
		odds = append(odds, fmt.Sprintf("%d: 1/%s", d, one))
	}
	return fmt.Sprintf("least odds for a run of a depth to find a bug of that depth: %s (%s, %s at each of the first %s)",
		strings.Join(odds, ", "), Count(b.Threads, "thread"), Count(b.Changes, "change"), Count(b.Transitions, "transition"))
}

// VerdictKind is a verdict in one word, for programs.
type VerdictKind string

// The kinds of verdict.
const (
	Holds      VerdictKind = "holds"      // every schedule within the bounds was covered
	Broken     VerdictKind = "broken"     // a schedule breaks a property
	Incomplete VerdictKind = "incomplete" // a limit or an interrupt came first
	Sampled    VerdictKind = "sampled"    // random runs, as many as were asked for, broke nothing
)

// Kind is the verdict of a result.
func Kind(r *explore.Result) VerdictKind {
	switch {
	case r.Failure != nil:
		return Broken
	case r.Complete && r.Ends > 0:
		return Holds
	case r.Sampled:
		return Sampled
	}
	return Incomplete
}

// Bounds says in words what a budget allows: "at most 2 preemptions and 2
// migrations".
func Bounds(b emu.Budget) string {
	var any, most []string
	for class, n := range b[:emu.Expiries] {
		name := eventNames[class]
		switch {
		case n == emu.Unlimited:
			any = append(any, name+"s")
		case n > 0:
			most = append(most, Count(int(n), name))
		}
	}
	if n, bounded := b.Expiries(); bounded {
		most = append(most, Count(n, "slice timer"))
	}
	switch {
	case len(any) == 0 && len(most) == 0:
		return "no kernel events"
	case len(most) == 0:
		return "any number of " + and(any)
	case len(any) == 0:
		return "at most " + and(most)
	}
	return "any number of " + and(any) + ", and at most " + and(most)
}

// and joins words as a sentence does.
func and(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

var eventNames = [...]string{emu.Preemptions: "preemption", emu.Migrations: "migration", emu.Signals: "signal",
	emu.IRQs: "interrupt", emu.Faults: "page fault", emu.Membarriers: "membarrier", emu.Unplugs: "CPU unplug"}

// Count prints a number of things: 1 state, 88,799 states.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Thousands(n) + " " + what + "s"
}

// Thousands prints a number with commas.
func Thousands(n int) string { return commas(strconv.Itoa(n)) }

func commas(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
