package explore

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
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
	Budget  emu.Budget
	Breaks  string // the property that it breaks, if any
	Choices []emu.Choice
}

// MaxChoices bounds a schedule.
const MaxChoices = 1 << 20

const scheduleHead = "rseqemu schedule 1"

// Fingerprint identifies a program's text, whatever its layout and comments
// would change about the canonical form: 8 hexadecimal digits.
func Fingerprint(p *ir.Program) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(p)))
	return hex.EncodeToString(sum[:4])
}

// Config is the configuration of the machine that the schedule is for.
func (s *Schedule) Config() emu.Config {
	budget := s.Budget
	return emu.Config{Kernel: s.Kernel, CPUs: s.CPUs, Nodes: s.Nodes, Idle: s.Idle, Budget: &budget}
}

// String returns the schedule's text.
func (s *Schedule) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, scheduleHead)
	fmt.Fprintln(&b, strings.TrimSpace("program "+s.Program+" "+s.Sum))
	fmt.Fprintf(&b, "kernel %s\n", s.Kernel)
	if s.CPUs > 0 {
		fmt.Fprintf(&b, "cpus %d\n", s.CPUs)
	}
	if s.Nodes > 1 {
		fmt.Fprintf(&b, "nodes %d\n", s.Nodes)
	}
	if s.Idle {
		fmt.Fprintln(&b, "idle")
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
		s.Program, s.Sum, _ = strings.Cut(rest, " ")
	case "kernel":
		s.Kernel, err = emu.ParseKernel(rest)
	case "cpus":
		s.CPUs, err = number(word, rest, emu.MaxCPUs)
	case "nodes":
		s.Nodes, err = number(word, rest, emu.MaxCPUs)
	case "idle":
		s.Idle = true
	case "budget":
		err = s.budget(rest)
	case "breaks":
		s.Breaks = rest
	default:
		err = s.choices(text)
	}
	return err
}

func (s *Schedule) budget(rest string) error {
	for _, w := range strings.Fields(rest) {
		name, value, ok := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		if value == "unlimited" {
			n, err = emu.Unlimited, nil
		}
		if !ok || err != nil {
			return fmt.Errorf("budget: %q is no bound such as preempt=2", clip(w))
		}
		if err := s.Budget.Set(name, n); err != nil {
			return err
		}
	}
	return nil
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

// Follow makes the schedule's transitions on a fresh machine, checking each.
// The error says which line of the schedule can't happen and what could instead;
// the outcome is up to there.
func (s *Schedule) Follow(m *emu.Machine, factories []Factory, observe func(emu.Event)) (*Outcome, error) {
	var failed error
	i := 0
	ch := ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
		if i == len(s.Choices) {
			return -1
		}
		for k, c := range choices {
			if c == s.Choices[i] {
				i++
				return k
			}
		}
		failed = fmt.Errorf("transition %d of the schedule: %w", i+1, m.NotEnabled(s.Choices[i]))
		return -1
	})
	out, err := Run(m, factories, ch, MaxChoices+1, observe)
	if err != nil {
		return nil, err
	}
	if failed == nil && i < len(s.Choices) && out.Violation == nil {
		failed = fmt.Errorf("transition %d of the schedule: %w", i+1, m.NotEnabled(s.Choices[i]))
	}
	return out, failed
}
