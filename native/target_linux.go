//go:build amd64 || arm64

package native

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// Target is the kernel that this process runs on.
type Target struct {
	release  string // 6.18.44
	uname    string
	areaLen  uint32
	untraced error         // why nothing can be traced, if so
	slowness time.Duration // how long the smallest case takes

	lanes int
	mu    sync.Mutex
	free  []*lane // those that no case is run on
	freed *sync.Cond
}

// lane is what one case at a time is run on.
type lane struct {
	took
	tracer  tracer
	last    *process // the one that was made last, for this program and sleep
	lastOf  *ir.Program
	lastNap int64
}

// New returns the target, or an error that wraps [ErrUnsupported] and says in a
// line why there is none: rseq isn't built in, or no program can be run.
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
	if n, ok := auxv("self", abi.AuxvRSeqFeatureSize); ok && n > abi.RSeqOrigSize {
		t.areaLen = uint32(n)
	}
	startWithDefaults()
	lanes, err := takeCPUs()
	if err != nil {
		return nil, err
	}
	t.lanes, t.freed = len(lanes), sync.NewCond(&t.mu)
	for _, l := range lanes {
		t.free = append(t.free, &lane{took: l, tracer: newTracer(l)})
	}
	begin := time.Now()
	if t.untraced = t.probe(); t.untraced != nil {
		if err := t.probe(); err != nil {
			return nil, fmt.Errorf("%w: a program can be run neither traced (%v) nor untraced (%v)", ErrUnsupported, t.untraced, err)
		}
	}
	t.slowness = time.Since(begin)
	return t, nil
}

// auxv returns an entry of a process's auxiliary vector, and whether there is one.
func auxv(pid string, entry uint64) (uint64, bool) {
	b, err := os.ReadFile("/proc/" + pid + "/auxv")
	if err != nil {
		return 0, false
	}
	for ; len(b) >= 16; b = b[16:] {
		if binary.LittleEndian.Uint64(b) == entry {
			return binary.LittleEndian.Uint64(b[8:]), true
		}
	}
	return 0, false
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
func (t *Target) Tier() conform.Tier {
	if t.untraced != nil {
		return conform.TierSignals
	}
	return conform.TierInject
}

// Untraced is why nothing can be traced here, so that cases are run without
// anybody watching, and those that need it not at all; nil if everything can.
func (t *Target) Untraced() error { return t.untraced }

// AtOnce is how many cases can be run at the same time: each has two CPUs to
// itself.
func (t *Target) AtOnce() int { return t.lanes }

// Run implements [conform.Target]. It can be called at any time, and waits until
// there are CPUs for the case.
func (t *Target) Run(ctx context.Context, c *conform.Case) (conform.Outcome, error) {
	second := len(c.Program.Threads) > 1
	for i := range c.Stops {
		second = second || c.Stops[i].Has(conform.Migrate)
	}
	if c.Needs == conform.NeedsSlices && slicesOf() != "/slices" {
		return conform.Outcome{}, &conform.Skip{Reason: "the kernel grants no time slices"}
	}
	l := t.take(c.Program)
	defer t.give(l)
	if second && len(l.cpus) < conform.CPUs {
		return conform.Outcome{}, &conform.Skip{Reason: "this process may use one CPU only"}
	}
	p, err := t.processOf(c, l)
	if refused := new(ir.LinkError); errors.As(err, &refused) {
		return conform.Outcome{}, &conform.Skip{Reason: "no machine code: " + refused.Msg}
	}
	if err != nil {
		return conform.Outcome{}, err
	}
	if t.untraced != nil {
		return l.leave(ctx, c, p)
	}
	var out conform.Outcome
	l.tracer.do(func() { out, err = l.trace(ctx, c, p) })
	if err != nil || makesTasks(p.im) {
		// Whatever the thread still traces dies with it.
		close(l.tracer)
		l.tracer = newTracer(l.took)
	}
	return out, err
}

// makesTasks reports whether the program can make another task, which the tracer
// then traces too.
func makesTasks(im *ir.Image) bool {
	return makes(im, abi.SysFork) || makes(im, abi.SysVfork) || makes(im, abi.SysClone)
}

// take waits for a lane, if possible the one that has the program's process.
func (t *Target) take(p *ir.Program) *lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.free) == 0 {
		t.freed.Wait()
	}
	i := max(0, slices.IndexFunc(t.free, func(l *lane) bool { return l.lastOf == p }))
	l := t.free[i]
	t.free = slices.Delete(t.free, i, i+1)
	return l
}

func (t *Target) give(l *lane) {
	t.mu.Lock()
	t.free = append(t.free, l)
	t.mu.Unlock()
	t.freed.Signal()
}

// processOf returns the process of a case on a lane. Cases that differ in their
// stops only follow one another, and have the same.
func (t *Target) processOf(c *conform.Case, l *lane) (*process, error) {
	nap := t.nap(c)
	if l.last != nil && l.lastOf == c.Program && l.lastNap == nap {
		return l.last, nil
	}
	prog, err := Lay(c.Program, host.arch)
	if err != nil {
		return nil, err
	}
	im, err := ir.Link(prog, host.arch)
	if err != nil {
		return nil, err
	}
	p, err := build(im, t.areaLen, l.cpus, nap, t.untraced == nil)
	if err != nil {
		return nil, err
	}
	fd, err := memoryFile(p.file)
	if err != nil {
		return nil, err
	}
	p.exe = os.NewFile(uintptr(fd), "rseqemu")
	l.last, l.lastOf, l.lastNap = p, c.Program, nap
	return p, nil
}

// nap is how long a nanosleep of the case takes, in nanoseconds: long if there is
// something to be done meanwhile, and longer where everything takes longer, as in
// an emulated machine.
func (t *Target) nap(c *conform.Case) int64 {
	for i := range c.Stops {
		if s := &c.Stops[i]; s.Has(conform.Schedule) && len(s.Actions) > 1 {
			return max(10e6, min(25*t.slowness.Nanoseconds(), 500e6))
		}
	}
	return max(50e3, t.slowness.Nanoseconds()/16)
}
