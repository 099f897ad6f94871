//go:build linux

// Compare prints check beside Spin on the reference models: verdict, states,
// time, memory, and how many times as fast Spin's best run was beaten.
//
//	cd bench
//	go run ./cmd/compare                           # a few minutes, 4 GB
//	go run ./cmd/compare -large                    # and counter x4, list x4: half an hour, 16 GB
//	go run ./cmd/compare -large -run x4 -spin BITSTATE -timeout 10m
//	go run ./cmd/compare -ours '' -ours '--states 1000000'
//
// Each -ours is a set of flags for rseqemu check, and gets rows of its own. A run
// that doesn't finish within -timeout still has a rate. Spin and gcc must be
// installed (Debian: apt-get install spin gcc libc6-dev).
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rseqemu/rseqemu/bench/models"
)

// spinFlags are the ways to run Spin: how pan is compiled and run.
var spinFlags = []struct{ name, gcc, pan string }{
	{"-DNOREDUCE", "-DNOREDUCE", "-w26"},
	{"POR", "", "-w26"},
	{"-DNOREDUCE -DCOLLAPSE", "-DNOREDUCE -DCOLLAPSE", "-w26"},
	{"-DNOREDUCE -DBITSTATE", "-DNOREDUCE -DBITSTATE", "-w30"},
}

// task is a question that both are asked.
type task struct {
	name     string
	promela  string // "list" or "counter"
	program  string // .rseq
	asked    string // the same question, as one would ask it: for reductions
	kernel   string
	threads  int
	exported bool // Spin counts our model of the machine, not its own
	bug      bool // the kernel aborts nothing: how long to the shortest trace?
	large    bool
	alone    bool // nobody waits for Spin's answer
}

func tasks() []task {
	return []task{
		{name: "list x2", promela: "list", program: models.List(2, 3), asked: models.AskedList(2, 3), kernel: "5.10", threads: 2},
		{name: "list x2, the machine's own states", promela: "list", program: models.List(2, 3), kernel: "5.10", threads: 2, exported: true},
		{name: "list x3", promela: "list", program: models.List(3, 3), asked: models.AskedList(3, 3), kernel: "5.10", threads: 3},
		{name: "counter x3", promela: "counter", program: models.Counter(3, 3), asked: models.AskedCounter(3, 3), kernel: "5.10", threads: 3},
		{name: "counter x4", promela: "counter", program: models.Counter(4, 3), asked: models.AskedCounter(4, 3), kernel: "5.10", threads: 4, large: true},
		{name: "list x4", asked: models.AskedList(4, 3), kernel: "5.10", threads: 4, large: true, alone: true},
		{name: "NOABORT list x2", promela: "list", program: models.List(2, 3), asked: models.AskedList(2, 3), kernel: "6.19/arm64", threads: 2, bug: true},
		{name: "NOABORT list x3", promela: "list", program: models.List(3, 3), asked: models.AskedList(3, 3), kernel: "6.19/arm64", threads: 3, bug: true},
	}
}

// many is a flag that may be given more than once.
type many []string

func (m *many) String() string     { return strings.Join(*m, "; ") }
func (m *many) Set(s string) error { *m = append(*m, s); return nil }

func main() {
	var ours many
	flag.Var(&ours, "ours", "`flags` for rseqemu check; may be given again (default: none)")
	large := flag.Bool("large", false, "counter x4 and list x4 too")
	only := flag.String("run", ".", "only the models that match this `pattern`")
	ways := flag.String("spin", ".", "only the ways to run Spin that match this `pattern`")
	timeout := flag.Duration("timeout", 2*time.Minute, "for each run of check")
	runs := flag.Int("runs", 1, "runs of each, of which the fastest counts")
	cpu := flag.Bool("cpu", false, "compare processor time instead of time: for a machine that has more to do")
	flag.Parse()
	if len(ours) == 0 {
		ours = many{""}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	pattern, err := regexp.Compile(*only)
	spin, bad := regexp.Compile(*ways)
	if err = cmp.Or(err, bad); err == nil {
		err = compare(ctx, func(t task) bool { return pattern.MatchString(t.name) && (*large || !t.large) }, ours,
			&bench{timeout: *timeout, runs: *runs, cpu: *cpu, ways: spin})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// compare runs Spin and check, one at a time, and prints the table.
func compare(ctx context.Context, wanted func(task) bool, ours []string, b *bench) error {
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s isn't installed (Debian: apt-get install spin gcc libc6-dev)", tool)
		}
	}
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if err := b.build(ctx); err != nil {
		return err
	}
	fmt.Printf("| model | tool | verdict | states | transitions | s | CPU s | states/s | max RSS | rate / Spin's best | Spin's best time / time |\n")
	fmt.Printf("|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, t := range tasks() {
		if !wanted(t) {
			continue
		}
		var best row // of Spin's: the highest rate, the shortest time
		for _, f := range spinFlags {
			if t.bug {
				f.name, f.gcc = "-DBFS", "-DNOREDUCE -DBFS"
			}
			switch bits := f.pan == "-w30"; {
			case t.alone || !b.ways.MatchString(f.name):
				continue
			case t.exported && (bits || f.gcc == ""):
				continue // thousands of bytes a state, of which none can be left out
			case t.large && bits:
				f.pan = "-w33"
			case t.threads == 2 && !bits && !t.exported:
				f.pan = "-w22" // to clear the larger table takes longer than the search
			}
			r, err := b.best(func() (row, error) { return b.spin(ctx, t, f.gcc, f.pan) })
			if err != nil {
				return err
			}
			r.tool = "Spin " + f.name
			r.print(t.name, row{})
			if best.rate() < r.rate() {
				best.states, best.seconds = r.states, r.seconds
			}
			if best.shortest == 0 || r.seconds < best.shortest {
				best.shortest = r.seconds
			}
			if t.bug {
				break
			}
		}
		for _, flags := range ours {
			// The machine's states by themselves, for the rate, and the question.
			for _, q := range []struct{ program, flags string }{{t.program, "--reduce none"}, {t.asked, ""}} {
				if q.program == "" {
					continue
				}
				flags := strings.TrimSpace(q.flags + " " + flags)
				r, err := b.best(func() (row, error) { return b.check(ctx, t.kernel, q.program, strings.Fields(flags)) })
				if err != nil {
					return err
				}
				r.tool = strings.TrimSpace("check " + flags)
				r.print(t.name, best)
			}
		}
	}
	return nil
}

// row is what a run came to.
type row struct {
	tool, verdict       string
	states, transitions int
	wall, cpu           float64 // seconds
	seconds             float64 // those of the two that are compared
	rss                 int     // KB
	finished            bool
	shortest            float64 // of several: seconds
}

func (r row) rate() float64 {
	if r.seconds == 0 {
		return 0
	}
	return float64(r.states) / r.seconds
}

func (r row) print(model string, best row) {
	rate, times := "", ""
	if best.rate() > 0 {
		rate = fmt.Sprintf("%.2f", r.rate()/best.rate())
		if r.finished {
			times = fmt.Sprintf("%.2f", best.shortest/r.seconds)
		}
	}
	fmt.Printf("| %s | %s | %s | %s | %s | %.2f | %.2f | %s | %d MB | %s | %s |\n", model, r.tool, r.verdict, grouped(r.states), grouped(r.transitions),
		r.wall, r.cpu, grouped(int(r.rate())), r.rss/1024, rate, times)
}

// grouped writes a number with commas.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// write puts a text into the run's directory.
func (b *bench) write(name, text string) (string, error) {
	path := filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o666)
}
