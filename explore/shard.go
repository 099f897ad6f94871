package explore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of the parts into which a sweep is divided, so that as many processes
// can make one each, on machines that know nothing of each other: of the kernels,
// dealt out in turn, or of random runs that learn nothing from each other, a range each. Which part has what
// depends on nothing but the sweep and the numbers here.
//
// A kernel's search isn't divided: runs that begin differently come to the same
// states, which every part would have to visit.
type Shard struct {
	Index int // 0..Of-1
	Of    int // 0: the sweep isn't divided
}

// MaxShards bounds Shard.Of.
const MaxShards = 10_000

// ParseShard reads a shard as String writes it: 0/4 to 3/4.
func ParseShard(text string) (Shard, error) {
	i, of, ok := strings.Cut(text, "/")
	index, err := strconv.Atoi(i)
	n, err2 := strconv.Atoi(of)
	s := Shard{index, n}
	if !ok || err != nil || err2 != nil {
		return Shard{}, fmt.Errorf("%q is no shard: the first of four is 0/4, the last 3/4", text)
	}
	return s, s.Validate()
}

// Validate reports why there is no such shard.
func (s Shard) Validate() error {
	if s.Of < 1 || s.Of > MaxShards || s.Index < 0 || s.Index >= s.Of {
		return fmt.Errorf("there is no shard %s: the first of four is 0/4, the last 3/4, and there are at most %d", s, MaxShards)
	}
	return nil
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// has reports whether a finding, by its number, is the shard's to make.
func (s Shard) has(finding int) bool { return s.Of == 0 || finding%s.Of == s.Index }

// runs are the shard's part of so many random runs: the first, and how many.
func (s Shard) runs(n int) (first, count int) {
	if s.Of == 0 {
		return 0, n
	}
	at := func(i int) int { return int(int64(n) * int64(i) / int64(s.Of)) }
	return at(s.Index), at(s.Index+1) - at(s.Index)
}

// Part is what a shard found out: results by the number of the finding.
type Part struct {
	Shard   Shard
	Results map[int]*Result
}

// Combine has the sweep yield what parts found instead of searching: [Sweep.Run] is
// then what a single process would have found. All parts must be of this sweep, and
// no two of the same shard; of what a part that isn't there would have found the
// results are incomplete, and say so.
func (s *Sweep) Combine(parts []Part) error {
	if len(parts) == 0 {
		return fmt.Errorf("there is nothing to combine")
	}
	of := parts[0].Shard.Of
	byShard := map[int]Part{}
	for _, p := range parts {
		if err := p.Shard.Validate(); err != nil {
			return err
		}
		if _, ok := byShard[p.Shard.Index]; ok || p.Shard.Of != of {
			return fmt.Errorf("shard %s doesn't go with the others: it is there twice, or they are of %d", p.Shard, of)
		}
		byShard[p.Shard.Index] = p
	}
	findings, machines, err := s.prepare()
	if err != nil {
		return err
	}
	s.known = map[int]*Result{}
	for f := range findings {
		r := &Result{CPUs: machines[f].CPUs(), Budget: machines[f].Budget()}
		for i := range of {
			shard := Shard{i, of}
			_, runs := shard.runs(s.Random)
			if s.byRuns() && runs == 0 || !s.byRuns() && !shard.has(f) {
				continue
			}
			part := byShard[i].Results[f]
			if part == nil {
				part = &Result{Why: fmt.Sprintf("shard %s is missing", shard)}
				part.CPUs, part.Budget = r.CPUs, r.Budget
			}
			if !s.byRuns() {
				r = part
				break
			}
			if r.follow(part); r.Failure != nil {
				break
			}
		}
		r.Kernel = findings[f].Kernels[0]
		s.known[f] = r
	}
	return nil
}

// follow adds the random runs of the next part to those of the parts before it.
func (r *Result) follow(part *Result) {
	whole := r.Why == "" || r.Sampled
	r.Runs += part.Runs
	r.Transitions += part.Transitions
	r.Depth = max(r.Depth, part.Depth)
	r.Failure = part.Failure
	if part.Sampler != "" {
		r.Sampler = part.Sampler
	}
	r.Sampled = whole && part.Sampled
	if whole {
		r.Why = part.Why
	}
}

// MarshalJSON writes all but the kernel, which is known from the finding.
func (r *Result) MarshalJSON() ([]byte, error) {
	type plain Result
	return json.Marshal(struct {
		*plain
		Kernel int `json:",omitempty"`
	}{plain: (*plain)(r)})
}
