// Inject asks of each seeded bug of props/percpu how long it takes to show itself on
// this machine's processors, with delays put in as the kernel's selftests put them in
// (package stress), and prints that beside the search: a table in Markdown.
//
//	cd bench
//	go run ./cmd/inject                      # 10 s each: 18 minutes if none shows itself
//	go run ./cmd/inject -again 50s           # those that haven't: 50 s more
//	go run ./cmd/inject -null                # the right versions: nothing may break
//	go run ./cmd/inject -run '^slab-' -seed 7
//
// The search is of the kernel's own profile with one worker. Where a bug hasn't shown
// itself the table says for how long. It is in the order of names; what is known so far is
// printed on Ctrl-C.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/native"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/percpu"
	"github.com/rseqemu/rseqemu/stress"
)

// row is a program's.
type row struct {
	p        *ir.Program
	searched string // seconds; events and transitions of the failure
	rounds   uint64
	took     time.Duration
	broken   string // the property
	why      error  // it can't be run here
}

func main() {
	once := flag.Duration("for", 10*time.Second, "how long each program runs, if nothing breaks")
	again := flag.Duration("again", 0, "how much longer those run in which nothing broke, after all others")
	null := flag.Bool("null", false, "the right versions instead of the bugs")
	unpinned := flag.Bool("unpinned", false, "threads that are for some CPUs may be on all of them: another question, where fewer meet and more migrate")
	seed := flag.Uint64("seed", 1, "what draws the delays; the second time it is the next one")
	only := flag.String("run", ".", "only the programs that match this `pattern`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := inject(ctx, *once, *again, *null, *unpinned, *seed, *only); err != nil {
		fmt.Fprintln(os.Stderr, "inject:", err)
		os.Exit(1)
	}
}

func inject(ctx context.Context, once, again time.Duration, null, unpinned bool, seed uint64, only string) error {
	rows, err := programs(null, only)
	if err != nil {
		return err
	}
	host, err := native.Here()
	if err != nil {
		return err
	}
	k, _, err := emu.Closest(host.Release, host.Arch)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := rows[i].search(ctx, k); err != nil {
			return err
		}
		for t := range rows[i].p.Threads {
			if unpinned {
				rows[i].p.Threads[t].CPUs = 0
			}
		}
	}
	for i := range rows {
		rows[i].run(ctx, once, seed)
	}
	for i := range rows {
		if r := &rows[i]; r.broken == "" && r.why == nil {
			r.run(ctx, again, seed+1)
		}
	}
	print(rows, host)
	return nil
}

// programs are the bugs, or what they are made of.
func programs(null bool, only string) ([]row, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	var rows []row
	add := func(name string, parse func() (*ir.Program, error)) error {
		if !pattern.MatchString(name) {
			return nil
		}
		p, err := parse()
		rows = append(rows, row{p: p})
		return err
	}
	if null {
		for _, p := range percpu.Programs() {
			if err := add(p.Name, p.Parse); err != nil {
				return nil, err
			}
		}
		return rows, nil
	}
	for _, b := range percpu.Bugs() {
		if err := add(b.Name, b.Parse); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// search asks the search the same question.
func (r *row) search(ctx context.Context, k emu.Kernel) error {
	properties, err := props.Of(r.p)
	if err != nil {
		return err
	}
	m, err := emu.New(r.p, emu.Config{Kernel: k})
	if err != nil {
		return err
	}
	began := time.Now()
	found, err := explore.Exhaustive(ctx, m, properties, explore.Limits{Workers: 1}, nil)
	if err != nil {
		return err
	}
	verdict := "holds"
	switch {
	case found.Failure != nil:
		verdict = fmt.Sprintf("%d + %d", explore.Events(found.Failure.Schedule), len(found.Failure.Schedule))
	case !found.Complete:
		verdict = "not finished: " + found.Why
	}
	r.searched = fmt.Sprintf("%.3f | %s", time.Since(began).Seconds(), verdict)
	return nil
}

// run runs the program for so long, or until something breaks.
func (r *row) run(ctx context.Context, long time.Duration, seed uint64) {
	if long <= 0 || ctx.Err() != nil {
		return
	}
	result, err := stress.Run(ctx, r.p, stress.Options{For: long, Seed: seed})
	if err != nil {
		r.why = err
		fmt.Fprintf(os.Stderr, "%s: %v\n", r.p.Name, err)
		return
	}
	r.rounds += result.Rounds
	r.took += result.Took
	said := "nothing"
	if result.Failure != nil {
		r.broken = result.Failure.Property
		said = r.broken + ": " + result.Failure.Message
	}
	fmt.Fprintf(os.Stderr, "%s %s: %d rounds, %.2f s: %s\n", time.Now().Format(time.TimeOnly), r.p.Name, r.rounds, r.took.Seconds(), said)
}

func print(rows []row, host *native.Host) {
	fmt.Printf("| program | search, s | events + transitions | natively, rounds | s | what broke |\n|---|--:|--:|--:|--:|---|\n")
	found, cannot := 0, 0
	var rounds uint64
	var took time.Duration
	for _, r := range rows {
		rounds += r.rounds
		took += r.took
		seconds, what := fmt.Sprintf("%.2f", r.took.Seconds()), r.broken
		switch {
		case r.why != nil:
			cannot++
			seconds, what = "-", r.why.Error()
		case r.broken == "":
			seconds, what = fmt.Sprintf("not in %.0f", r.took.Seconds()), ""
		default:
			found++
		}
		if what != "" && r.why == nil {
			what = "`" + what + "`"
		}
		fmt.Printf("| %s | %s | %d | %s | %s |\n", r.p.Name, r.searched, r.rounds, seconds, what)
	}
	fmt.Printf("\n%d of %d broke natively, %d could not be run; %d rounds in %.0f s, Linux %s on %s, %d CPUs.\n",
		found, len(rows), cannot, rounds, took.Seconds(), host.Release, abi.Arch(host.Arch), runtime.NumCPU())
}
