//go:build amd64 || arm64

package native

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// rivalNap is how long the rival sleeps between two times that it wants the CPU: much
// longer than a slice is.
const rivalNap = 2 * time.Millisecond

// startRival starts a thread that wants a CPU now and then, and is to have it at once:
// a real-time one. It runs until stop is called.
func startRival(cpu int) (stop func(), err error) {
	back, err := longSlices()
	if err != nil {
		return nil, err
	}
	over, ready, ended := make(chan struct{}), make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and ends with it
		err := setAffinity(0, cpu)
		if err == nil {
			err = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
		}
		ready <- err
		if err != nil {
			return
		}
		nap := unix.NsecToTimespec(rivalNap.Nanoseconds())
		for {
			select {
			case <-over:
				return
			default:
				unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &nap, nil)
			}
		}
	}()
	if err := <-ready; err != nil {
		back()
		return nil, fmt.Errorf("a real-time thread on CPU %d: %w", cpu, err)
	}
	return func() {
		close(over)
		<-ended
		back()
	}, nil
}
