//go:build amd64 || arm64

package native

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// Here looks at the machine that this process runs on. The error wraps
// [ErrUnsupported] if its kernel has no rseq.
func Here() (*Host, error) {
	h := &Host{Arch: host.arch, AreaLen: abi.RSeqOrigSize}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	h.Release = pointRelease(unix.ByteSliceToString(uts.Release[:]), unix.ByteSliceToString(uts.Version[:]))
	// Flags that no kernel knows: EINVAL from one that has the call.
	nr, _ := host.arch.Nr(abi.SysRSeq)
	if _, _, errno := unix.Syscall6(uintptr(nr), 0, 0, 1<<30, 0, 0, 0); errno != unix.EINVAL {
		return nil, fmt.Errorf("%w: rseq(2) answers %w, as where the kernel has none or seccomp forbids it", ErrUnsupported, errno)
	}
	if n, ok := auxv("self", abi.AuxvRSeqFeatureSize); ok && n > abi.RSeqOrigSize {
		h.AreaLen = uint32(n)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	for c := range ir.MaxCPUs {
		if set.IsSet(c) {
			h.CPUs |= 1 << c
		}
	}
	return h, nil
}

// RunFree runs a program on the kernel that this process runs on, with nobody
// watching: no tracer, no breakpoints, at full speed. Its threads are on those CPUs
// of the mask that they may be on, and are registered as libc would. What it writes
// to its first file goes to out.
//
// It returns when the process has ended: with the signal that has killed it, 0 if
// none has, or with the context's error after killing it. One that hangs is killed too,
// and the error is [ErrHangs]: it has used so much processor time, or sleeps, while
// progress stays as it is. Other errors wrap [ErrUnsupported] if the program can't be
// run here.
func (h *Host) RunFree(ctx context.Context, p *ir.Program, cpus uint64, out *os.File, progress *atomic.Uint64, most time.Duration) (abi.Signal, error) {
	im, masks, err := layFree(p, h.Arch, cpus)
	if err != nil {
		return 0, err
	}
	proc, err := buildFree(im, h.AreaLen, masks)
	if err != nil {
		return 0, err
	}
	fd, err := memoryFile(proc.file)
	if err != nil {
		return 0, err
	}
	exe := os.NewFile(uintptr(fd), "rseqemu")
	defer exe.Close()
	none, err := noProgram()
	if err != nil {
		return 0, err
	}
	if err := unix.SetNonblock(int(out.Fd()), false); err != nil {
		return 0, fmt.Errorf("the file for its output: %w", err)
	}
	// The process dies with the thread that has made it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Go moves files out of the way in the child, maybe to where the executable was: so it
	// is one of those that have a place there.
	const exeFile = leftFile + 1
	pid, err := syscall.ForkExec(fmt.Sprintf("/proc/self/fd/%d", exeFile), []string{"rseqemu"}, &syscall.ProcAttr{
		Files: []uintptr{uintptr(none), leftFile: out.Fd(), exeFile: exe.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, fmt.Errorf("%w: starting the executable: %v", ErrUnsupported, err)
	}
	unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
	stop := context.AfterFunc(ctx, func() { unix.Kill(pid, unix.SIGKILL) })
	over, hung := make(chan struct{}), make(chan bool, 1)
	go func() {
		hangs := hang(pid, progress, most, over)
		if hangs {
			unix.Kill(pid, unix.SIGKILL)
		}
		hung <- hangs
	}()
	var ws unix.WaitStatus
	for {
		if _, err = unix.Wait4(pid, &ws, 0, nil); err != unix.EINTR {
			break
		}
	}
	late := !stop()
	close(over)
	switch {
	case <-hung:
		return 0, ErrHangs
	case late:
		return 0, ctx.Err()
	case err != nil:
		return 0, fmt.Errorf("wait4: %w", err)
	case ws.Signaled():
		return abi.Signal(ws.Signal()), nil
	case ws.ExitStatus() != 0:
		return 0, fmt.Errorf("%s: the process ended with status %d", p.Name, ws.ExitStatus())
	}
	return 0, nil
}
