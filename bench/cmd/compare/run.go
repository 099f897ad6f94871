//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rseqemu/rseqemu/bench/models"
)

type bench struct {
	dir     string
	binary  string // rseqemu
	timeout time.Duration
	runs    int
	cpu     bool           // processor time counts
	ways    *regexp.Regexp // to run Spin
}

// build makes the rseqemu that is measured, from the module beside this one.
func (b *bench) build(ctx context.Context) error {
	at, err := b.command(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/rseqemu/rseqemu")
	if err != nil {
		return err
	}
	b.binary = filepath.Join(b.dir, "rseqemu")
	_, err = b.command(ctx, strings.TrimSpace(at.out), "go", "build", "-o", b.binary, "./cmd/rseqemu")
	return err
}

// ran is a process that has ended.
type ran struct {
	out       string
	wall, cpu float64 // seconds
	rss       int     // KB
}

// command runs a process to its end; one that fails without a word of its own is an
// error.
func (b *bench) command(ctx context.Context, dir, name string, args ...string) (ran, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &stderr
	began := time.Now()
	err := cmd.Run()
	r := ran{out: out.String(), wall: time.Since(began).Seconds()}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || out.Len() == 0) {
		return r, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	r.rss = int(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	r.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return r, nil
}

// row begins a row with what the process took.
func (b *bench) row(r ran) row {
	out := row{wall: r.wall, cpu: r.cpu, seconds: r.wall, rss: r.rss, finished: true}
	if b.cpu {
		out.seconds = r.cpu
	}
	return out
}

// best is the fastest of several runs.
func (b *bench) best(run func() (row, error)) (best row, err error) {
	for i := range b.runs {
		r, err := run()
		if err != nil {
			return r, err
		}
		if i == 0 || r.seconds < best.seconds {
			best = r
		}
	}
	return best, nil
}

var (
	statesLine      = regexp.MustCompile(`([\d.e+]+) states, stored`)
	transitionsLine = regexp.MustCompile(`([\d.e+]+) transitions`)
	depthLine       = regexp.MustCompile(`assertion violated .* \(at depth (\d+)\)`)
)

// spin compiles a model and has Spin search it. Its time is the search's alone.
func (b *bench) spin(ctx context.Context, t task, gcc, pan string) (row, error) {
	text, defs := models.Promela(t.promela), []string{fmt.Sprintf("-DNT=%d", t.threads)}
	if t.bug {
		defs = append(defs, "-DNOABORT")
	}
	vector := "-DVECTORSZ=1024"
	if t.exported {
		program, err := b.write("model.rseq", t.program)
		if err != nil {
			return row{}, err
		}
		r, err := b.command(ctx, b.dir, b.binary, "export", "promela", "--idle", "--kernel", t.kernel, program)
		if err != nil {
			return row{}, err
		}
		text, vector = r.out, regexp.MustCompile(`-DVECTORSZ=\d+`).FindString(r.out)
	}
	if _, err := b.write("model.pml", text); err != nil {
		return row{}, err
	}
	if _, err := b.command(ctx, b.dir, "spin", append(defs, "-o2", "-a", "model.pml")...); err != nil {
		return row{}, err
	}
	args := append(strings.Fields("-O2 -w -DSAFETY -o pan "+vector+" "+gcc), "pan.c")
	if _, err := b.command(ctx, b.dir, "gcc", args...); err != nil {
		return row{}, err
	}
	r, err := b.command(ctx, b.dir, "./pan", append([]string{"-n", "-m1000000"}, strings.Fields(pan)...)...)
	if err != nil {
		return row{}, err
	}
	out := b.row(r)
	out.verdict = "holds"
	number := func(line *regexp.Regexp) int {
		n := 0.0 // Spin writes large numbers as 1.6751727e+08
		if m := line.FindStringSubmatch(r.out); m != nil {
			n, _ = strconv.ParseFloat(m[1], 64)
		}
		return int(n)
	}
	// Spin counts the way into the first state as a transition.
	out.states, out.transitions = number(statesLine), number(transitionsLine)-1
	switch {
	case depthLine.MatchString(r.out):
		// Its depths begin at 0.
		out.verdict = fmt.Sprintf("broken after %d", number(depthLine)+1)
	case out.states == 0 || strings.Contains(r.out, "max search depth too small") || strings.Contains(r.out, "Search not completed"):
		return out, fmt.Errorf("the search of %s by Spin is incomplete:\n%s", t.name, r.out)
	case strings.Contains(gcc, "BITSTATE"):
		out.verdict = "sampled"
	}
	return out, nil
}

// check runs rseqemu check on the program.
func (b *bench) check(ctx context.Context, kernel, text string, flags []string) (row, error) {
	program, err := b.write("model.rseq", text)
	if err != nil {
		return row{}, err
	}
	args := append([]string{"check", "--json", "--idle", "--kernels", kernel, "--states", "400000000", "--timeout", b.timeout.String()}, flags...)
	r, err := b.command(ctx, b.dir, b.binary, append(args, program)...)
	if err != nil {
		return row{}, err
	}
	var doc struct {
		Programs []struct {
			Kernels []struct {
				Verdict, Why        string
				States, Transitions int
				Failure             struct{ Events, Transitions int }
			}
		}
	}
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || len(doc.Programs) != 1 || len(doc.Programs[0].Kernels) != 1 {
		return row{}, fmt.Errorf("check printed what isn't its JSON (%v):\n%s", err, r.out)
	}
	k := doc.Programs[0].Kernels[0]
	out := b.row(r)
	out.verdict, out.states, out.transitions, out.finished = k.Verdict, k.States, k.Transitions, k.Why == ""
	if f := k.Failure; f.Transitions > 0 {
		out.verdict = fmt.Sprintf("broken after %d", f.Transitions)
		out.finished = true
	}
	return out, nil
}
