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

// takeCPUs takes the CPUs of as many lanes as this process may have, and keeps its
// own threads off them from then on, if there are others: the fewer threads want a
// CPU, the fewer runs are disturbed. If it may, it lets their timers be late as well:
// Go's monitor sleeps for 20 µs at a time while others are busy, and each time is an
// interrupt and two switches, which take an emulated CPU longer than that.
var takeCPUs = sync.OnceValues(func() ([]took, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return nil, err
	}
	lanes := lanesOf(&allowed)
	if allowed.Count() == 0 {
		return lanes, nil
	}
	// Threads that come later begin with what those have that make them.
	threads, err := os.ReadDir("/proc/self/task")
	for _, th := range threads {
		if tid, err := strconv.Atoi(th.Name()); err == nil {
			unix.SchedSetaffinity(tid, &allowed) // or it has ended
			os.WriteFile("/proc/"+th.Name()+"/timerslack_ns", []byte("5000000"), 0)
		}
	}
	return lanes, err
})

// lanesOf takes the last CPUs of those that are allowed: two for each lane, of
// which there are as many as there are three CPUs, and one in any case.
func lanesOf(allowed *unix.CPUSet) []took {
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
	for i := range lanes {
		lanes[i].apart = allowed.Count() > 0
	}
	return lanes
}
