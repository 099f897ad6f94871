package report

import (
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/workload"
)

// Stats is the work that a workload makes on several kernels: the counters of the
// kernel's debugfs file rseq/stats, and what they are about.
type Stats struct {
	Workload string            `json:"workload"`
	Title    string            `json:"title,omitempty"`
	Mix      string            `json:"mix,omitempty"`
	Events   uint64            `json:"events"`
	Trace    *workload.Summary `json:"trace,omitempty"`
	Stopped  string            `json:"stopped,omitempty"` // what ended it too early
	Kernels  []StatsKernel     `json:"kernels"`
}

// StatsKernel is one kernel's work.
type StatsKernel struct {
	Kernel   string        `json:"kernel"`
	Counters []StatsCount  `json:"counters"`
	Accesses []StatsAccess `json:"accesses"`
	Killed   uint64        `json:"killed,omitempty"` // SIGSEGVs; the threads went on here
}

// StatsCount is a counter.
type StatsCount struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
	// Share is Count by the exits; of clear and fixup, by cs.
	Share float64 `json:"share"`
	// Less is by how much it is less than on the first kernel, of what it is there;
	// 0 if it is 0 there.
	Less float64 `json:"less"`
}

// StatsAccess is how often the kernel accessed a field of struct rseq, or what it
// points to.
type StatsAccess struct {
	Field  string `json:"field"`
	Loads  uint64 `json:"loads"`
	Stores uint64 `json:"stores"`
}

// statsRow is a row of the table.
type statsRow struct {
	name  string
	value func(r *workload.Result) uint64
	less  bool // it is one of those that are compared
	depth int  // of the line, and 1: a share of cs
}

// statsRows are the kernel's own, in its order, with two of ours at the beginning
// and two at the end.
var statsRows = []statsRow{
	{"exit", func(r *workload.Result) uint64 { return r.Counters.Exit }, false, 0},
	{"no work", func(r *workload.Result) uint64 { return r.Counters.NoWork }, false, 0},
	{"signal", func(r *workload.Result) uint64 { return r.Counters.Signal }, true, 0},
	{"slowpath", func(r *workload.Result) uint64 { return r.Counters.SlowPath }, true, 0},
	{"fastpath", func(r *workload.Result) uint64 { return r.Counters.FastPath }, false, 0},
	{"all work", func(r *workload.Result) uint64 { return r.Counters.Work() }, true, 0},
	{"ids", func(r *workload.Result) uint64 { return r.Counters.IDs }, true, 0},
	{"cs", func(r *workload.Result) uint64 { return r.Counters.CS }, true, 0},
	{"clear", func(r *workload.Result) uint64 { return r.Counters.Clear }, false, 1},
	{"fixup", func(r *workload.Result) uint64 { return r.Counters.Fixup }, false, 1},
	{"loads", func(r *workload.Result) uint64 { return r.Accesses.Total().Loads }, true, 0},
	{"stores", func(r *workload.Result) uint64 { return r.Accesses.Total().Stores }, true, 0},
}

// Fill makes the table. The first kernel is the one that others are held against.
func (s *Stats) Fill(name string, events uint64, results []workload.Result) {
	s.Workload, s.Events, s.Kernels = name, events, []StatsKernel{}
	for i := range results {
		r := &results[i]
		k := StatsKernel{Kernel: r.Kernel.String(), Killed: r.Killed}
		for _, row := range statsRows {
			of := r.Counters.Exit
			if row.depth == 1 {
				of = r.Counters.CS
			}
			n := row.value(r)
			c := StatsCount{Name: row.name, Count: n, Share: ratio(n, of)}
			if first := row.value(&results[0]); first > 0 {
				c.Less = 1 - ratio(n, first)
			}
			k.Counters = append(k.Counters, c)
		}
		for f := range emu.NumFields {
			a := r.Accesses[f]
			k.Accesses = append(k.Accesses, StatsAccess{f.String(), a.Loads, a.Stores})
		}
		s.Kernels = append(s.Kernels, k)
	}
}

func ratio(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
