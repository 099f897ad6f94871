//go:build amd64 || arm64

package native

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// Target is the kernel that this process runs on.
type Target struct {
	release string // 6.18.44
	uname   string
	areaLen uint32
	cpus    []int // two that this process may use, or one
}

// New returns the target, or an error that wraps [ErrUnsupported] and says in a
// line why there is none: rseq isn't built in, or nothing may be traced.
func New() (*Target, error) {
	t := &Target{areaLen: abi.RSeqOrigSize}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil, err
	}
	release, version := unix.ByteSliceToString(uts.Release[:]), unix.ByteSliceToString(uts.Version[:])
	t.release = pointRelease(release, version)
	t.uname = unix.ByteSliceToString(uts.Sysname[:]) + " " + release + " " + version + " " + unix.ByteSliceToString(uts.Machine[:])
	// Flags that no kernel knows: EINVAL from one that has the call.
	nr, _ := host.arch.Nr(abi.SysRSeq)
	if _, _, errno := unix.Syscall6(uintptr(nr), 0, 0, 1<<30, 0, 0, 0); errno == unix.ENOSYS {
		return nil, fmt.Errorf("%w: the kernel has no rseq(2)", ErrUnsupported)
	}
	if n := featureSize(); n > abi.RSeqOrigSize {
		t.areaLen = n
	}
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return nil, err
	}
	for c := range 1024 {
		if allowed.IsSet(c) && len(t.cpus) < conform.CPUs {
			t.cpus = append(t.cpus, c)
		}
	}
	if err := t.probe(); err != nil {
		return nil, fmt.Errorf("%w: a program can't be run and traced: %v", ErrUnsupported, err)
	}
	return t, nil
}

// featureSize is AT_RSEQ_FEATURE_SIZE of this process's auxiliary vector, 0 if
// there is none.
func featureSize() uint32 {
	const atRSeqFeatureSize = 27
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return 0
	}
	for ; len(auxv) >= 16; auxv = auxv[16:] {
		if binary.LittleEndian.Uint64(auxv) == atRSeqFeatureSize {
			return uint32(binary.LittleEndian.Uint64(auxv[8:]))
		}
	}
	return 0
}

// probe runs the smallest program there is.
func (t *Target) probe() error {
	p, err := ir.Parse("probe.rseq", []byte("register none\nfunc op()\n    ret\nthread: op\n"))
	if err != nil {
		return err
	}
	_, err = t.Run(context.Background(), &conform.Case{Name: "probe", Program: p})
	return err
}

// Name implements [conform.Target].
func (t *Target) Name() string { return "Linux " + t.release }

// Release is the kernel's, with its point release if that can be found out:
// 6.18.44.
func (t *Target) Release() string { return t.release }

// Uname is what the machine calls itself.
func (t *Target) Uname() string { return t.uname }

// AreaLen is the length of the area that libc registers.
func (t *Target) AreaLen() uint32 { return t.areaLen }

// Tier implements [conform.Target].
func (t *Target) Tier() conform.Tier { return conform.TierInject }

// Run implements [conform.Target].
func (t *Target) Run(ctx context.Context, c *conform.Case) (conform.Outcome, error) {
	for i := range c.Stops {
		s := &c.Stops[i]
		switch {
		case s.Has(conform.IRQ):
			return conform.Outcome{}, &conform.Skip{Reason: "no interrupt can be made to come at an exact instruction and change nothing"}
		case s.Has(conform.Migrate) && len(t.cpus) < conform.CPUs:
			return conform.Outcome{}, &conform.Skip{Reason: "this process may use one CPU only"}
		}
	}
	prog, err := Lay(c.Program, host.arch)
	if err != nil {
		return conform.Outcome{}, err
	}
	im, err := ir.Link(prog, host.arch)
	if err != nil {
		return conform.Outcome{}, err
	}
	p, err := build(im, t.areaLen, t.cpus[len(t.cpus)-1]+1, nap(c))
	if err != nil {
		return conform.Outcome{}, err
	}
	type answer struct {
		out conform.Outcome
		err error
	}
	ch := make(chan answer, 1)
	// The tracer is a thread and not a process, so that it must be one thread
	// from beginning to end. It dies with the goroutine, and with it whatever
	// it still traces.
	go func() {
		runtime.LockOSThread()
		out, err := t.trace(ctx, c, p)
		ch <- answer{out, err}
	}()
	a := <-ch
	return a.out, a.err
}

// nap is how long a nanosleep of the case takes, in nanoseconds: long if there is
// something to be done meanwhile.
func nap(c *conform.Case) int64 {
	for i := range c.Stops {
		if s := &c.Stops[i]; s.Has(conform.Schedule) && len(s.Actions) > 1 {
			return 10e6
		}
	}
	return 50e3
}
