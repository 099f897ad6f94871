package explore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// Sweep searches a program under several kernels, some at a time.
type Sweep struct {
	Program *ir.Program
	Options Options
	// Random is the number of random runs to make instead of covering all, and
	// Seed the first one's number. Sampler makes what makes them, one for each
	// kernel; nil: Uniform.
	Random  int
	Seed    uint64
	Sampler func() Sampler
	// Workers is the number of processors to use, for searches at a time and for
	// the workers of each; 0: all there are.
	Workers int
	// Shard is the part of the sweep that is made; the zero value: all of it.
	Shard Shard
	// Checkpoint, which may be nil, is where an exhaustive sweep keeps how far it is,
	// and goes on from. Then there is one search at a time.
	Checkpoint *Checkpoint
	// Progress, which may be nil, is told how far a kernel's search is. It is
	// called from several goroutines, one for a kernel, and must not keep r.
	Progress func(k emu.Kernel, r *Result)

	known map[int]*Result // by finding: what needn't be searched for
}

// Finding is what a sweep found out for kernels with one and the same profile.
type Finding struct {
	// Number counts the findings of a sweep, whatever shard they are of.
	Number  int
	Kernels []emu.Kernel
	Result  *Result
	// Schedule is the failure's, to be saved and replayed; nil without one.
	Schedule *Schedule
	// Took is how long the search was under way.
	Took time.Duration
}

// ScheduleOf makes another failure's schedule one like Schedule.
func (f *Finding) ScheduleOf(o *Failure) *Schedule {
	s := *f.Schedule
	s.Breaks, s.Choices = o.Property, o.Schedule
	return &s
}

// Run searches under each kernel and yields what it found in the order of the
// kernels, however long each takes. Kernels that differ only in name are
// searched once, and share a finding. An error, for a program that can't run,
// ends the sweep before anything is yielded. Of a shard the kernels of the others
// aren't yielded.
func (s *Sweep) Run(ctx context.Context, yield func(emu.Kernel, *Finding)) error {
	findings, machines, err := s.prepare()
	if err != nil {
		return err
	}
	if c := s.Checkpoint; c != nil {
		if !c.opened {
			if err := c.Open(s); err != nil {
				return err
			}
		}
		c.opened = false
	}
	done := make([]chan error, len(findings))
	for i := range done {
		done[i] = make(chan error, 1)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	next := make(chan int)
	for range s.atOnce() {
		wg.Go(func() {
			for i := range next {
				done[i] <- s.search(ctx, machines[i], findings[i], i)
				machines[i] = nil
			}
		})
	}
	go func() {
		defer close(next)
		for i := range findings {
			if s.mine(i) {
				next <- i
			} else {
				done[i] <- nil
			}
		}
	}()
	var failed error
	got := 0 // findings that are done, from the first on
	for _, k := range s.Options.Kernels {
		of := slices.IndexFunc(findings, func(f *Finding) bool { return slices.Contains(f.Kernels, k) })
		for ; got <= of; got++ {
			if err := <-done[got]; err != nil && failed == nil {
				failed = fmt.Errorf("%s: %w", findings[got].Kernels[0], err)
			}
		}
		if failed == nil && s.mine(of) {
			yield(k, findings[of])
		}
	}
	return failed
}

// Validate reports why the program can't run under one of the kernels, if so.
func (s *Sweep) Validate() error {
	_, _, err := s.prepare()
	return err
}

// prepare makes the machines, one a finding.
func (s *Sweep) prepare() ([]*Finding, []*emu.Machine, error) {
	findings := s.group()
	var machines []*emu.Machine
	for _, f := range findings {
		m, err := emu.New(s.Program, s.config(f.Kernels[0]))
		if err == nil {
			_, err = newWorld(m.Fork(), s.Options.Properties)
		}
		if err != nil {
			return nil, nil, err
		}
		machines = append(machines, m)
	}
	return findings, machines, nil
}

// mine reports whether a finding is one of the sweep's shard.
func (s *Sweep) mine(finding int) bool { return s.byRuns() || s.Shard.has(finding) }

// byRuns reports whether random runs are what shards divide: those in which no run
// depends on others. Of others, as of searches, it is the kernels.
func (s *Sweep) byRuns() bool {
	switch s.sampler().(type) {
	case *uniform, *weighted:
		return s.Random > 0
	}
	return false
}

func (s *Sweep) sampler() Sampler {
	if s.Sampler == nil {
		return Uniform()
	}
	return s.Sampler()
}

// atOnce is how many kernels are searched at a time.
func (s *Sweep) atOnce() int {
	mine := 0
	for i := range s.group() {
		if s.mine(i) {
			mine++
		}
	}
	if s.Checkpoint != nil {
		mine = 1
	}
	return max(1, min(mine, s.workers()))
}

func (s *Sweep) workers() int {
	if s.Workers > 0 {
		return s.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (s *Sweep) config(k emu.Kernel) emu.Config {
	cfg := s.Options.Config
	cfg.Kernel = k
	return cfg
}

// group puts kernels together that differ in nothing but their release.
func (s *Sweep) group() []*Finding {
	var out []*Finding
	at := map[emu.Kernel]*Finding{}
	for _, k := range s.Options.Kernels {
		profile := k
		profile.Release, profile.Proposal = "", ""
		f := at[profile]
		if f == nil {
			f = &Finding{Number: len(out)}
			at[profile] = f
			out = append(out, f)
		}
		f.Kernels = append(f.Kernels, k)
	}
	return out
}

func (s *Sweep) search(ctx context.Context, m *emu.Machine, f *Finding, number int) (err error) {
	k, budget, began := f.Kernels[0], m.Budget(), time.Now()
	progress := func(r *Result) {
		if s.Progress != nil {
			s.Progress(k, r)
		}
	}
	switch {
	case s.known[number] != nil:
		f.Result = s.known[number]
		f.Result.Kernel = k
	case s.Random > 0:
		first, runs := 0, s.Random
		if s.byRuns() {
			first, runs = s.Shard.runs(s.Random)
		}
		f.Result, err = Sample(ctx, m, s.Options.Properties, s.sampler(), s.Seed+uint64(first), runs, s.Options.Limits, progress)
	default:
		lim := s.Options.Limits
		lim.Workers = max(1, s.workers()/s.atOnce())
		f.Result, err = exhaust(ctx, m, s.Options.Properties, lim, progress, false, s.Checkpoint.of(number))
	}
	f.Took = time.Since(began)
	if err != nil {
		return err
	}
	s.Checkpoint.finished(number, f.Result)
	if f.Result.Failure != nil {
		f.Schedule = f.Result.ScheduleOf(s.Program, s.config(k), budget)
	}
	return nil
}
