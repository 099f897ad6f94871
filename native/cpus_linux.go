package native

import (
	"os"
	"strconv"
	"sync"

	"github.com/rseqemu/rseqemu/conform"
	"golang.org/x/sys/unix"
)

// took are CPUs that cases run on.
type took struct {
	cpus  []int // two, or the only one that this process may use
	apart bool  // this process's own threads are on others
}

// maxLanes is how many lanes find something to do.
const maxLanes = 8

// takeCPUs takes the last CPUs that this process may use: two for each lane, of
// which it makes as many as it can, and one in any case. If there are more, its
// own threads are kept off them from then on: the fewer threads want a CPU, the
// fewer runs are disturbed.
var takeCPUs = sync.OnceValues(func() ([]took, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return nil, err
	}
	lanes := make([]took, max(1, min(allowed.Count()/cpusOfLane, maxLanes)))
	c := 1023
	for i := range lanes {
		for l := &lanes[i]; c >= 0 && len(l.cpus) < conform.CPUs; c-- {
			if allowed.IsSet(c) {
				l.cpus = append([]int{c}, l.cpus...)
				allowed.Clear(c)
			}
		}
	}
	if allowed.Count() == 0 {
		return lanes, nil
	}
	for i := range lanes {
		lanes[i].apart = true
	}
	// Threads that come later begin with the CPUs of those that make them.
	threads, err := os.ReadDir("/proc/self/task")
	for _, th := range threads {
		if tid, err := strconv.Atoi(th.Name()); err == nil {
			unix.SchedSetaffinity(tid, &allowed) // or it has ended
		}
	}
	return lanes, err
})
