//go:build amd64 || arm64

package native

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// tracer is the thread that runs and traces a lane's processes, and takes what is to
// be done there: for ptrace that is a thread and not a process.
//
// Where there is a CPU left for everybody else it is a real-time one on the CPU that
// the processes begin on, if it may be: then it never runs while the process does,
// which gets that CPU when the tracer waits, and has lost it before the tracer goes
// on. So nothing but a stop itself disturbs the process; and no CPU has to wake
// another one, which is what takes most of the time where CPUs are emulated.
// It ends when the channel is closed.
type tracer chan func()

// timerSlack is how late a timer may be, as it is where nobody changes it.
const timerSlack = 50 * time.Microsecond

func newTracer(t took) tracer {
	jobs := make(tracer)
	go func() {
		runtime.LockOSThread() // and ends with it
		// Processes sleep no longer than they say, even if others here may.
		unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack.Nanoseconds()), 0, 0, 0)
		if t.apart {
			goBeside(t.cpus[0])
		}
		for job := range jobs {
			job()
		}
	}()
	return jobs
}

// goBeside makes the calling thread a real-time one on a CPU, if it may be one. Its
// children aren't.
func goBeside(cpu int) {
	err := unix.SchedSetAttr(0, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
	}, 0)
	if err == nil {
		setAffinity(0, cpu)
	}
}

// do has the tracer do something, and waits.
func (t tracer) do(job func()) {
	done := make(chan struct{})
	t <- func() { job(); close(done) }
	<-done
}
