package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/spf13/cobra"
	"github.com/zeebo/xxh3"
)

// scaleFlags are for checks that outlive a process or take several.
type scaleFlags struct {
	checkpoint string
	every      time.Duration
	shard      string
	shards     int
	result     string
}

func (f *scaleFlags) addScale(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.checkpoint, "checkpoint", "", "keep how far it is in this file (or directory), and go on from it if it is there")
	fl.DurationVar(&f.every, "checkpoint-every", 30*time.Second, "the `time` between two writings, all that a kill costs")
	fl.StringVar(&f.shard, "shard", "", "make one part of the check: 0/4 to 3/4; env: as Kubernetes, Bazel or Slurm say")
	fl.IntVar(&f.shards, "shards", 0, "the number of parts, with --shard env in Kubernetes (default: $RSEQEMU_SHARDS)")
	fl.StringVar(&f.result, "result", "", "write what was found to this file (or directory), for rseqemu merge")
	complete(cmd, "shard", "env")
	for _, name := range []string{"checkpoint-every", "shards"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// scale sees that a check can be divided and kept as the flags say, and prepares it.
func (a *app) scale(f *checkFlags, programs []*program, sweeps []*explore.Sweep) error {
	for _, flag := range []struct{ name, value string }{{"checkpoint", f.checkpoint}, {"shard", f.shard}, {"result", f.result}} {
		if flag.value != "" && len(programs) > 1 {
			return fmt.Errorf("--%s is for one program at a time", flag.name)
		}
	}
	s := sweeps[0]
	var err error
	switch {
	case f.shards != 0 && f.shard != "env":
		return errors.New("--shards goes with --shard env; else it is --shard 0/4")
	case f.shard == "env":
		s.Shard, err = shardOf(f.shards, os.Getenv)
	case f.shard != "":
		s.Shard, err = explore.ParseShard(f.shard)
	}
	if err != nil {
		return fmt.Errorf("--shard: %w", err)
	}
	f.result = f.inside(f.result, s.Shard, ".json")
	if err := checkOver("--result", f.result, "result", resultHead); err != nil {
		return err
	}
	if f.checkpoint == "" {
		return a.acknowledge(f)
	}
	f.checkpoint = f.inside(f.checkpoint, s.Shard, ".ckpt")
	switch {
	case f.random > 0:
		return errors.New("--checkpoint is not for --random: go on with another --seed")
	case f.every < 0:
		return fmt.Errorf("--checkpoint-every %v is negative", f.every)
	}
	if err := checkCheckpoint(f.checkpoint); err != nil {
		return err
	}
	s.Checkpoint = &explore.Checkpoint{File: f.checkpoint, Every: f.every, Version: build(),
		Note: func(text string) { a.err.printf("rseqemu: %s\n", oneLine(text)) }}
	if err := s.Checkpoint.Open(s); err != nil {
		return programs[0].bad(err)
	}
	return a.acknowledge(f)
}

// inside is the file that a flag means: of a directory one in it, by the shard.
func (f *scaleFlags) inside(name string, shard explore.Shard, ending string) string {
	if info, err := os.Stat(name); name == "" || err != nil || !info.IsDir() {
		return name
	}
	if shard.Of == 0 {
		shard.Of = 1
	}
	return filepath.Join(name, fmt.Sprintf("shard-%d-of-%d%s", shard.Index, shard.Of, ending))
}

// acknowledge tells Bazel that the test knows of shards.
func (a *app) acknowledge(f *checkFlags) error {
	if name := os.Getenv("TEST_SHARD_STATUS_FILE"); f.shard == "env" && name != "" {
		return cause(name, os.WriteFile(name, nil, 0o666))
	}
	return nil
}

// shardOf reads the shard from the environment of a Bazel test, a Slurm array or a
// Kubernetes indexed job. Of the latter the number of shards isn't there: it is
// given, or in RSEQEMU_SHARDS.
func shardOf(shards int, env func(string) string) (explore.Shard, error) {
	names := []struct{ index, of string }{
		{"TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS"},
		{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"},
		{"JOB_COMPLETION_INDEX", "RSEQEMU_SHARDS"},
	}
	for _, n := range names {
		index, of := env(n.index), env(n.of)
		if index == "" {
			continue
		}
		if shards != 0 {
			of = strconv.Itoa(shards)
		}
		if of == "" {
			return explore.Shard{}, fmt.Errorf("%s is %s, but of how many isn't known: set %s or --shards", n.index, index, n.of)
		}
		s, err := explore.ParseShard(index + "/" + of)
		if err != nil {
			err = fmt.Errorf("%s=%s and %s: %w", n.index, index, of, err)
		}
		return s, err
	}
	return explore.Shard{}, errors.New("env: none of TEST_SHARD_INDEX, SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX is set")
}

// build tells this software from every other: a release or commit; of what was built
// from changed or unknown sources it is the program itself.
var build = sync.OnceValue(func() string {
	v := version()
	if !v.Modified && (v.Revision != "" || v.Version != "(devel)") {
		return strings.TrimSpace(v.Version + " " + v.Revision)
	}
	sum := "unknown"
	if name, err := os.Executable(); err == nil {
		if b, err := os.ReadFile(name); err == nil {
			sum = fmt.Sprintf("%016x", xxh3.Hash(b))
		}
	}
	return v.Version + " built " + sum
})

// result is the file of --result: what a part of a check found out, and all that it
// takes to put the check together again.
type result struct {
	Format  string         `json:"format"`
	Terms   []explore.Term `json:"terms"`
	Shard   string         `json:"shard"`
	Program string         `json:"program"` // as the user named it
	File    string         `json:"file"`
	Source  string         `json:"source"`
	Flags   resultFlags    `json:"flags"`
	// Results are by the number of the finding.
	Results map[int]*explore.Result `json:"results"`
	// Sum is the XXH3 of all the rest.
	Sum string `json:"sum"`
}

// resultFlags are those of the check that change what is found.
type resultFlags struct {
	Kernels   string `json:"kernels,omitempty"`
	CPUs      int    `json:"cpus,omitempty"`
	Budget    string `json:"budget,omitempty"`
	Idle      bool   `json:"idle,omitempty"`
	Memory    string `json:"memory,omitempty"`
	Steps     int    `json:"steps"`
	States    int    `json:"states"`
	MaxMemory string `json:"maxmemory,omitempty"`
	Bitstate  string `json:"bitstate,omitempty"`
	Exact     bool   `json:"exact,omitempty"`
	Reduce    string `json:"reduce"`
	StopAfter int    `json:"stopafter"`
	Random    int    `json:"random,omitempty"`
	Seed      uint64 `json:"seed,omitempty"`
	Chooser   string `json:"chooser"`
	Depth     int    `json:"depth,omitempty"`
}

const resultFormat = "rseqemu result 1"

func (f *checkFlags) toResult(sweep *explore.Sweep) resultFlags {
	m, s, kernels := &f.machineFlags, &f.searching, f.kernels
	if strings.Contains(kernels, ".kernel") {
		kernels = specs(sweep.Options.Kernels) // who merges may not have the files
	}
	return resultFlags{kernels, m.cpus, m.budget, m.idle, m.memory, m.steps, s.states, s.maxMemory, s.bitstate, s.exact, s.reduce,
		s.stopAfter, f.random, f.seed, f.chooser.name, f.chooser.depth}
}

// check are the flags of a check that is to be put together again.
func (r *resultFlags) check() *checkFlags {
	return &checkFlags{kernels: r.Kernels, random: r.Random, seed: r.Seed,
		machineFlags: machineFlags{cpus: r.CPUs, budget: r.Budget, idle: r.Idle, memory: r.Memory, steps: r.Steps},
		searching:    searchFlags{states: r.States, maxMemory: r.MaxMemory, bitstate: r.Bitstate, exact: r.Exact, reduce: r.Reduce, stopAfter: r.StopAfter},
		chooser:      samplerFlags{cmd: &cobra.Command{}, name: r.Chooser, depth: r.Depth}}
}

// saveResult writes the file of --result.
func (f *checkFlags) saveResult(p *program, s *explore.Sweep, found []*explore.Finding) error {
	shard := s.Shard
	if shard.Of == 0 {
		shard.Of = 1
	}
	terms, err := termsOf(s)
	if err != nil {
		return err
	}
	r := result{Format: resultFormat, Terms: terms, Shard: shard.String(), Program: p.arg, File: p.File, Source: string(p.src),
		Flags: f.toResult(s), Results: map[int]*explore.Result{}}
	for _, one := range found {
		r.Results[one.Number] = one.Result
	}
	r.Sum = r.sum()
	return save(f.result, r.text())
}

// termsOf are the terms of a whole check, this software among them.
func termsOf(s *explore.Sweep) ([]explore.Term, error) {
	whole := *s
	whole.Shard = explore.Shard{}
	terms, err := whole.Terms()
	return append([]explore.Term{{Name: "version", Value: build()}}, terms...), err
}

func (r result) sum() string {
	r.Sum = ""
	return fmt.Sprintf("%016x", xxh3.Hash(r.text()))
}

// text is the file.
func (r result) text() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("rseqemu: BUG: " + err.Error())
	}
	return append(b, '\n')
}
