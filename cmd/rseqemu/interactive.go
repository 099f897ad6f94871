package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
)

// interactive has a person choose what happens next.
func (a *app) interactive(f *runFlags, p *program, s *explore.Schedule) error {
	m, err := emu.New(p.Program, s.Config())
	if err != nil {
		return p.bad(err)
	}
	a.out.printf("%s on %s, with %s. A number chooses, Enter takes 1, 5x4 is choice 5 four times, q ends.\n\n",
		p.File, s.Kernel, report.Bounds(s.Budget))
	asker := &asker{app: a, lines: bufio.NewScanner(a.in)}
	each := func(story *report.Story, step *report.Step) { story.StepText(a.out, a.out.style, step) }
	story, out, err := report.TellRun(m, p.properties, asker, f.steps, each)
	if err != nil {
		return p.bad(err)
	}
	s.Choices = out.Schedule
	doc := runDocument{Verdict: "ended", Transitions: len(out.Schedule), Events: explore.Events(out.Schedule)}
	if out.Violation != nil {
		doc.Verdict, doc.Property, doc.Message = "broken", out.Violation.Property, out.Violation.Message
		s.Breaks = story.Broken
	}
	if f.save != "" {
		if err := save(f.save, []byte(s.String())); err != nil {
			return err
		}
	}
	switch {
	case out.Violation != nil:
		a.out.printf("\n")
		a.outcome(&doc)
		return exit(exitBroken)
	case !out.Done:
		a.out.printf("\nstopped after %s\n", report.Count(doc.Transitions, "transition"))
		return nil
	}
	a.outcome(&doc)
	return nil
}

// asker is a chooser that asks a person.
type asker struct {
	*app
	lines  *bufio.Scanner
	again  emu.Choice // to be made so many times more
	repeat int
}

// Choose shows what can happen and reads a line. Where there is one choice only
// it is made unasked.
func (k *asker) Choose(m *emu.Machine, choices []emu.Choice) int {
	if len(choices) == 1 {
		return 0
	}
	if k.repeat > 0 {
		for i, c := range choices {
			if c == k.again {
				k.repeat--
				return i
			}
		}
		k.repeat = 0
	}
	for i, c := range choices {
		k.out.printf("%s\n", strings.TrimRight(fmt.Sprintf("  %2d  %-14s%s", i+1, c, k.out.style.Dim(ahead(m, c))), " "))
	}
	for {
		k.out.printf("> ")
		if !k.lines.Scan() {
			return -1
		}
		text := strings.TrimSpace(k.lines.Text())
		if text == "q" || text == "quit" {
			return -1
		}
		i, times, err := pick(text, choices)
		if err != nil {
			k.out.printf("%v\n", err)
			continue
		}
		k.again, k.repeat = choices[i], times-1
		return i
	}
}

// pick reads a number or a choice's own text, and how often.
func pick(text string, choices []emu.Choice) (i, times int, err error) {
	times = 1
	if n, count, ok := strings.Cut(text, "x"); ok {
		if v, err := strconv.Atoi(strings.TrimSpace(count)); err == nil && v > 0 {
			text, times = strings.TrimSpace(n), v
		}
	}
	if text == "" {
		return 0, times, nil
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(choices) {
		return n - 1, times, nil
	}
	for i, c := range choices {
		if c.String() == text {
			return i, times, nil
		}
	}
	return 0, 0, fmt.Errorf("a number from 1 to %d, Enter for 1, or q to end", len(choices))
}

// ahead is what the CPU's thread would run next.
func ahead(m *emu.Machine, c emu.Choice) string {
	switch c.Kind() {
	case emu.Step, emu.Delay, emu.Stale:
	default:
		return ""
	}
	t, ok := m.Running(c.CPU())
	if !ok {
		return ""
	}
	im, ip := m.Image(), m.Next(t)
	if i := im.Index(ip); i >= 0 {
		return fmt.Sprintf("t%d  %s  %s", t, im.Where(ip), im.Source[i].String())
	}
	return fmt.Sprintf("t%d  %s", t, im.Where(ip))
}
