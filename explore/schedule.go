package explore

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
)

// Schedule is a run to be repeated: what was decided, and on which machine. Its
// text is made for bug reports:
//
//	rseqemu schedule 1
//	program list.rseq 1f0c9a52
//	kernel 6.19
//	cpus 2
//	budget preempt=2 migrate=2
//	breaks linearizable(stack)
//
//	c0 step x12
//	c0 preempt
//	c1 run t0
//
// Lines that start with # are comments.
type Schedule struct {
	Program string // its name
	Sum     string // of its text; see [Fingerprint]; empty: any
	Kernel  emu.Kernel
	CPUs    int
	Nodes   int
	Idle    bool
	Memory  emu.MemoryModel
	Budget  emu.Budget
	Breaks  string // the property that it breaks, if any
	Choices []emu.Choice
}

// MaxChoices bounds a schedule.
const MaxChoices = 1 << 20

const scheduleHead = "rseqemu schedule 1"

// Config is the configuration of the machine that the schedule is for.
func (s *Schedule) Config() emu.Config {
	budget := s.Budget
	return emu.Config{Kernel: s.Kernel, CPUs: s.CPUs, Nodes: s.Nodes, Idle: s.Idle, Memory: s.Memory, Budget: &budget}
}

// String returns the schedule's text.
func (s *Schedule) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, scheduleHead)
	fmt.Fprintln(&b, strings.TrimSpace("program "+s.Program+" "+s.Sum))
	fmt.Fprintf(&b, "kernel %s\n", s.Kernel.Spec())
	if s.CPUs > 0 {
		fmt.Fprintf(&b, "cpus %d\n", s.CPUs)
	}
	if s.Nodes > 0 {
		fmt.Fprintf(&b, "nodes %d\n", s.Nodes)
	}
	if s.Idle {
		fmt.Fprintln(&b, "idle")
	}
	if s.Memory != emu.SC {
		fmt.Fprintf(&b, "memory %s\n", s.Memory)
	}
	if s.Budget != (emu.Budget{}) {
		fmt.Fprintf(&b, "budget %s\n", s.Budget)
	}
	if s.Breaks != "" {
		fmt.Fprintf(&b, "breaks %s\n", s.Breaks)
	}
	fmt.Fprintln(&b)
	b.WriteString(FormatChoices(s.Choices))
	return b.String()
}

// FormatChoices prints choices one a line, repeated ones with their number.
func FormatChoices(choices []emu.Choice) string {
	var b strings.Builder
	for i := 0; i < len(choices); {
		n := 1
		for i+n < len(choices) && choices[i+n] == choices[i] {
			n++
		}
		b.WriteString(choices[i].String())
		if n > 1 {
			fmt.Fprintf(&b, " x%d", n)
		}
		b.WriteByte('\n')
		i += n
	}
	return b.String()
}

// ParseSchedule reads a schedule; file is its name in errors, which say the
// line.
func ParseSchedule(file string, src []byte) (*Schedule, error) {
	s := &Schedule{}
	sc := bufio.NewScanner(bytes.NewReader(src))
	line, head := 0, false
	for sc.Scan() {
		line++
		text := strings.TrimSpace(sc.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if !head {
			if text != scheduleHead {
				return nil, fmt.Errorf("%s:%d: not a schedule: it begins with %q, not %q", file, line, clip(text), scheduleHead)
			}
			head = true
			continue
		}
		if err := s.line(text); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
	}
	switch {
	case sc.Err() != nil:
		return nil, fmt.Errorf("%s:%d: %w", file, line+1, sc.Err())
	case !head:
		return nil, fmt.Errorf("%s: not a schedule: empty", file)
	case s.Kernel.Release == "":
		return nil, fmt.Errorf("%s: the schedule names no kernel", file)
	}
	return s, nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// line reads a line behind the first.
func (s *Schedule) line(text string) error {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	var err error
	switch word {
	case "program":
		// A name may have spaces.
		s.Program = rest
		if i := strings.LastIndexByte(rest, ' '); i >= 0 {
			s.Program, s.Sum = strings.TrimSpace(rest[:i]), rest[i+1:]
		}
	case "kernel":
		s.Kernel, err = emu.ParseKernel(rest)
	case "cpus":
		s.CPUs, err = number(word, rest, emu.MaxCPUs)
	case "nodes":
		s.Nodes, err = number(word, rest, emu.MaxCPUs)
	case "idle":
		if s.Idle = true; rest != "" {
			err = fmt.Errorf("idle: nothing can follow it, not %q", clip(rest))
		}
	case "memory":
		s.Memory, err = emu.ParseMemoryModel(rest)
	case "budget":
		s.Budget, err = ParseBudget(s.Budget, rest)
	case "breaks":
		s.Breaks = rest
	default:
		err = s.choices(text)
	}
	return err
}

// ParseBudget reads bounds such as "preempt=2 migrate=unlimited", with spaces or
// commas between them, and returns b with these in place; "none" sets all of
// them to zero.
func ParseBudget(b emu.Budget, text string) (emu.Budget, error) {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if w == "none" {
			b = emu.Budget{}
			continue
		}
		name, value, ok := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		if value == "unlimited" {
			n, err = emu.Unlimited, nil
		}
		if !ok || err != nil {
			return b, fmt.Errorf("budget: %q is no bound such as preempt=2", clip(w))
		}
		if err := b.Set(name, n); err != nil {
			return b, err
		}
	}
	return b, nil
}

// choices reads a choice and how often it is made.
func (s *Schedule) choices(text string) error {
	n := 1
	if i := strings.LastIndexByte(text, ' '); i >= 0 {
		if count, ok := strings.CutPrefix(strings.Replace(text[i+1:], "×", "x", 1), "x"); ok {
			var err error
			if n, err = number("the repetition", count, MaxChoices); err != nil {
				return err
			}
			text = text[:i]
		}
	}
	c, err := emu.ParseChoice(text)
	if err != nil {
		return err
	}
	if len(s.Choices)+n > MaxChoices {
		return fmt.Errorf("the schedule is longer than %d transitions", MaxChoices)
	}
	for range n {
		s.Choices = append(s.Choices, c)
	}
	return nil
}

func number(what, s string, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s: %q is no number from 1 to %d", what, clip(s), most)
	}
	return n, nil
}

// ChoiceLine returns the line of a schedule's text that makes choice i, counting
// both from one and zero; 0 if there is none.
func ChoiceLine(src []byte, i int) int {
	var s Schedule
	head := false
	for n, line := range strings.Split(string(src), "\n") {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if head && s.line(text) != nil {
			return 0
		}
		if head = true; len(s.Choices) > i {
			return n + 1
		}
	}
	return 0
}

// FollowError says that a schedule's choice I, from zero, can't happen where it
// is due, and what can.
type FollowError struct {
	I   int
	Err error // wraps emu.ErrNotEnabled
}

func (e *FollowError) Error() string {
	return fmt.Sprintf("transition %d of the schedule: %v", e.I+1, e.Err)
}

func (e *FollowError) Unwrap() error { return e.Err }

// Follow makes the schedule's transitions on a fresh machine, checking each.
// The error is a [*FollowError] if one of them can't happen; the outcome is up
// to there.
func (s *Schedule) Follow(m *emu.Machine, factories []Factory, observe func(emu.Event)) (*Outcome, error) {
	f := &Follower{Choices: s.Choices}
	out, err := Run(m, factories, f, MaxChoices+1, observe)
	if err != nil {
		return nil, err
	}
	if out.Violation == nil {
		err = f.Err(m)
	}
	return out, err
}

// Follower is a chooser that follows a schedule and then leaves the run to
// another chooser, or ends it if that is nil. It ends the run where the schedule
// can't be followed.
type Follower struct {
	Choices []emu.Choice
	Then    Chooser

	made int
	err  error
}

// Choose returns the schedule's next choice.
func (f *Follower) Choose(m *emu.Machine, choices []emu.Choice) int {
	if f.err != nil || f.made == len(f.Choices) && f.Then == nil {
		return -1
	}
	if f.made == len(f.Choices) {
		return f.Then.Choose(m, choices)
	}
	i := slices.Index(choices, f.Choices[f.made])
	if i < 0 {
		f.err = &FollowError{f.made, m.NotEnabled(f.Choices[f.made])}
		return -1
	}
	f.made++
	return i
}

// Err returns a [*FollowError] if the run on the machine, which is over, did not
// follow the schedule to its end.
func (f *Follower) Err(m *emu.Machine) error {
	if f.err == nil && f.made < len(f.Choices) {
		f.err = &FollowError{f.made, m.NotEnabled(f.Choices[f.made])}
	}
	return f.err
}
