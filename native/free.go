package native

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// MaxFreeThreads is how many threads a program may have that runs freely.
const MaxFreeThreads = 16

// What a process has that runs freely: its threads' affinity masks, and behind them
// their stacks.
const (
	freeBase  ir.Addr = 0x700000
	freeStack ir.Addr = 0x8000
)

// ErrHangs is why a process that ran freely was killed.
var ErrHangs = errors.New("the process hangs")

// Host is the machine that this process runs on, as a program finds it that runs
// freely.
type Host struct {
	Arch    abi.Arch
	Release string // of the kernel: 6.18.44
	AreaLen uint32 // of the area that libc registers, in bytes
	CPUs    uint64 // that this process may use, of the first 64: bit n for CPU n
}

// buildFree makes the process of a laid out program that nobody watches: each
// thread is on the CPUs that it may use, registers its area, makes its script's
// calls and ends. The process ends with the last of them.
func buildFree(im *ir.Image, areaLen uint32, masks []uint64) (*process, error) {
	s := isas[im.Arch]
	code, err := s.codeOf(im)
	if err != nil {
		return nil, err
	}
	p := &process{im: im, handlers: map[ir.Addr]ir.Addr{}}
	extra := make([]byte, extraSize)
	free := make([]byte, freeStack*ir.Addr(1+len(masks)))
	for t, mask := range masks {
		binary.LittleEndian.PutUint64(free[8*t:], mask)
	}

	a := s.coder(driverBase)
	prepare(a)
	restorer := a.here()
	a.restorer()
	actions := p.handle(a, restorer, extra)
	p.entry = a.here()
	install(a, actions)
	for t := 1; t < len(masks); t++ {
		a.setArg(0, abi.CloneVM|abi.CloneFS|abi.CloneFiles|abi.CloneSighand|abi.CloneThread|abi.CloneSysvsem)
		a.setArg(1, uint64(freeBase+freeStack*ir.Addr(2+t)))
		for n := 2; n < 5; n++ {
			a.setArg(n, 0)
		}
		a.enter(abi.SysClone)
		a.inChild(func() { p.runFree(a, t, areaLen) })
	}
	p.runFree(a, 0, areaLen)
	driver, err := a.code()
	if err != nil {
		return nil, err
	}
	thread := append([]byte(nil), im.Thread...)
	binary.LittleEndian.PutUint32(thread[im.ThreadBefore+abi.OffCPUID:], abi.CPUIDUninitialized)
	p.file = s.executable(p.entry, []segment{
		{ir.CodeBase, code, readable | executable},
		{ir.RodataBase, im.Rodata, readable},
		{driverBase, driver, readable | executable},
		{ir.DataBase, im.Data, readable | writable},
		{ir.PerCPUBase, repeat(im.PerCPU, 1<<im.PerCPUShift, FreeCPUs(masks...)), readable | writable},
		{ir.ThreadBase, repeat(thread, len(thread), len(masks)), readable | writable},
		{extraBase, extra, readable | writable},
		{freeBase, free, readable | writable},
	})
	return p, nil
}

// runFree is a thread's whole life.
func (p *process) runFree(a coder, t int, areaLen uint32) {
	a.setArg(0, 0)
	a.setArg(1, 8)
	a.setArg(2, uint64(freeBase)+8*uint64(t))
	a.enter(abi.SysSchedSetaffinity)
	p.register(a, t, areaLen)
	for _, c := range p.im.Prog.Threads[t].Calls {
		f, _ := p.im.Func(c.Func)
		p.call(a, t, f.Entry, c.Args)
	}
	a.setArg(0, 0)
	a.enter(abi.SysExit)
}

// layFree lays a program out, if it can run freely on those of this process's CPUs
// that are in the mask.
func layFree(p *ir.Program, arch abi.Arch, allowed uint64) (*ir.Image, []uint64, error) {
	if n := len(p.Threads); n == 0 || n > MaxFreeThreads {
		return nil, nil, fmt.Errorf("%s has %d threads, and may have 1 to %d", p.Name, n, MaxFreeThreads)
	}
	var masks []uint64
	for i, t := range p.Threads {
		mask := allowed
		if t.CPUs != 0 {
			mask &= t.CPUs
		}
		if mask == 0 {
			return nil, nil, fmt.Errorf("%w: thread %d is for CPUs that this process may not use", ErrUnsupported, i)
		}
		masks = append(masks, mask)
	}
	q, err := Lay(p, arch)
	if err != nil {
		return nil, nil, err
	}
	im, err := ir.Link(q, arch)
	if err != nil {
		return nil, nil, err
	}
	return im, masks, im.Fit(FreeCPUs(masks...), len(masks))
}

// FreeCPUs is how many CPUs' data there is for threads with these affinity masks. An
// mm_cid is less than that as well.
func FreeCPUs(masks ...uint64) int {
	n := len(masks)
	for _, m := range masks {
		n = max(n, bits.Len64(m))
	}
	return n
}
