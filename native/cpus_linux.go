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

// takeCPUs takes the last two CPUs that this process may use. If there are more,
// its own threads are kept off them from then on: the fewer threads want a CPU,
// the fewer runs are disturbed.
var takeCPUs = sync.OnceValues(func() (took, error) {
	var t took
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return t, err
	}
	for c := 1023; c >= 0 && len(t.cpus) < conform.CPUs; c-- {
		if allowed.IsSet(c) {
			t.cpus = append([]int{c}, t.cpus...)
			allowed.Clear(c)
		}
	}
	if allowed.Count() == 0 {
		return t, nil
	}
	t.apart = true
	// Threads that come later begin with the CPUs of those that make them.
	threads, err := os.ReadDir("/proc/self/task")
	for _, th := range threads {
		if tid, err := strconv.Atoi(th.Name()); err == nil {
			unix.SchedSetaffinity(tid, &allowed) // or it has ended
		}
	}
	return t, err
})
