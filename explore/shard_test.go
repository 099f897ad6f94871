package explore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// familySweep is a sweep of a program over kernels of all families, two of which
// have the same rules.
func familySweep(t fataler, p *ir.Program, random int) *explore.Sweep {
	ks, err := explore.ParseKernels("5.10,6.1,6.12,6.18,6.19,7.3")
	if err != nil {
		t.Fatal(err)
	}
	sampler := explore.Uniform
	if random == guidedRuns {
		sampler = explore.Guided
	}
	return &explore.Sweep{Program: p, Random: random, Seed: 5, Sampler: func() explore.Sampler { return sampler() }, Options: explore.Options{Properties: propsOf(t, p), Kernels: ks}}
}

// guidedRuns is a number of random runs that stands for such that learn from others.
const guidedRuns = 41

// part makes a shard, and has its results written and read.
func part(t fataler, s *explore.Sweep, shard explore.Shard) explore.Part {
	t.Helper()
	s.Shard = shard
	results := map[int]*explore.Result{}
	if err := s.Run(context.Background(), func(_ emu.Kernel, f *explore.Finding) { results[f.Number] = f.Result }); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	out := explore.Part{Shard: shard}
	if err := json.Unmarshal(b, &out.Results); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestShardsTogetherFindTheSame, however many there are: programs with bugs and
// without, all runs or random ones. Results are the same to the byte, failures too.
func TestShardsTogetherFindTheSame(t *testing.T) {
	programs := map[string]*ir.Program{}
	for _, b := range percpu.Bugs() {
		if b.Of == "deref_add" {
			p, err := b.Parse()
			if err != nil {
				t.Fatal(err)
			}
			programs[b.Name] = p
		}
	}
	for _, b := range percpu.Programs() {
		if b.Name == "list" {
			programs[b.Name], _ = b.Parse()
		}
	}
	broken := 0
	for name, p := range programs {
		for _, random := range []int{0, 40, guidedRuns} {
			want := found(t, t.Context(), familySweep(t, p, random))
			if strings.Contains(want, `"Property"`) {
				broken++
			}
			for _, n := range []int{3, 9} {
				var parts []explore.Part
				for i := range n {
					parts = append(parts, part(t, familySweep(t, p, random), explore.Shard{Index: n - 1 - i, Of: n}))
				}
				s := familySweep(t, p, random)
				if err := s.Combine(parts); err != nil {
					t.Fatal(err)
				}
				if got := found(t, t.Context(), s); got != want {
					t.Errorf("%s, %d random runs, %d shards:\n%.500s\nnot\n%.500s", name, random, n, got, want)
				}
			}
		}
	}
	if broken < 4 {
		t.Errorf("%d sweeps found a bug: hardly a test", broken)
	}
}

// TestAMissingShardIsNoClaim: what it would have found is not finished.
func TestAMissingShardIsNoClaim(t *testing.T) {
	p := example(t, "list.rseq")
	for _, random := range []int{0, 90} {
		s := familySweep(t, p, random)
		parts := []explore.Part{part(t, familySweep(t, p, random), explore.Shard{Index: 0, Of: 3}), part(t, familySweep(t, p, random), explore.Shard{Index: 2, Of: 3})}
		if err := s.Combine(parts); err != nil {
			t.Fatal(err)
		}
		missing := 0
		s.Run(t.Context(), func(k emu.Kernel, f *explore.Finding) {
			r := f.Result
			switch {
			case r.Why == "shard 1/3 is missing" && !r.Complete && !r.Sampled:
				missing++
			case random > 0 || !r.Complete:
				t.Errorf("%d random runs, %s: %+v", random, k, r)
			}
		})
		if missing < 1 || random == 0 && missing > 2 {
			t.Errorf("%d kernels miss something", missing)
		}
	}
}

// TestShardsThatDoNotGoTogether are refused.
func TestShardsThatDoNotGoTogether(t *testing.T) {
	of := func(i, n int) explore.Part { return explore.Part{Shard: explore.Shard{Index: i, Of: n}} }
	for _, parts := range [][]explore.Part{nil, {of(0, 2), of(0, 2)}, {of(0, 2), of(1, 3)}, {of(2, 2)}, {of(-1, 2)}, {of(0, 0)}} {
		if err := familySweep(t, example(t, "list.rseq"), 0).Combine(parts); err == nil {
			t.Errorf("%v are taken", parts)
		}
	}
	for _, text := range []string{"", "1", "1/1", "-1/2", "a/b", "0/0", "0/10001", "0/4/5", "1/2x"} {
		if s, err := explore.ParseShard(text); err == nil {
			t.Errorf("%q is shard %v", text, s)
		}
	}
	if s, err := explore.ParseShard("3/4"); err != nil || fmt.Sprint(s) != "3/4" {
		t.Errorf("%v, %v", s, err)
	}
}
