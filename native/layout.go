package native

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// What a process has besides the program's own areas, which are where the
// machine has them.
const (
	driverBase ir.Addr = 0x600000 // code that calls the program's functions
	extraBase  ir.Addr = 0x680000 // its data:
	countAt            = extraBase
	resultsAt          = extraBase + 0x100
	napAt              = extraBase + 0x40
	actionsAt          = extraBase + 0x8000
	extraSize          = 0x10000
	maxResults         = 1000
)

// process is a static executable in the making.
type process struct {
	im       *ir.Image
	file     []byte
	entry    ir.Addr
	done     ir.Addr // a breakpoint that the first thread ends at
	childEnd ir.Addr // … and its children
	// handlers are the functions behind the code that the kernel enters for a
	// signal.
	handlers map[ir.Addr]ir.Addr
}

// build makes the process of a laid out program: its memory, and a driver that
// installs the handlers, registers the area as libc would, and makes the
// script's calls without ever stopping between them.
func build(im *ir.Image, areaLen uint32, cpus int, nap int64) (*process, error) {
	s := isas[im.Arch]
	code, err := s.codeOf(im)
	if err != nil {
		return nil, err
	}
	p := &process{im: im, handlers: map[ir.Addr]ir.Addr{}}
	extra := make([]byte, extraSize)
	binary.LittleEndian.PutUint64(extra[napAt-extraBase+8:], uint64(nap))

	a := s.coder(driverBase)
	restorer := a.here()
	a.restorer()
	p.childEnd = a.here()
	a.stop()
	a.setArg(0, 0)
	a.enter(abi.SysExit)
	type action struct {
		signal abi.Signal
		at     ir.Addr
	}
	var actions []action
	for i, h := range im.Prog.Handlers {
		f, _ := im.Func(h.Func)
		at := actionsAt + ir.Addr(32*i)
		p.handlers[a.here()] = f.Entry
		actions = append(actions, action{h.Signal, at})
		const saRestorer = 0x04000000
		b := extra[at-extraBase:]
		binary.LittleEndian.PutUint64(b, uint64(a.here()))
		binary.LittleEndian.PutUint64(b[8:], saRestorer)
		binary.LittleEndian.PutUint64(b[16:], uint64(restorer))
		a.handler(f.Entry, restorer)
	}

	p.entry = a.here()
	for _, act := range actions {
		a.setArg(0, uint64(act.signal))
		a.setArg(1, uint64(act.at))
		a.setArg(2, 0)
		a.setArg(3, 8)
		a.enter(abi.SysRtSigaction)
	}
	if reg := im.Prog.Setup.Register; reg != ir.RegisterNone {
		if reg == ir.RegisterLegacy {
			areaLen = abi.RSeqOrigSize
		}
		a.setArg(0, uint64(im.TP(0)))
		a.setArg(1, uint64(areaLen))
		a.setArg(2, 0)
		a.setArg(3, uint64(im.Arch.Signature()))
		a.enter(abi.SysRSeq)
	}
	p.calls(a)
	p.done = a.here()
	a.stop()
	driver, err := a.code()
	if err != nil {
		return nil, err
	}

	thread := append([]byte(nil), im.Thread...)
	binary.LittleEndian.PutUint32(thread[im.ThreadBefore+abi.OffCPUID:], abi.CPUIDUninitialized)
	const threads = 4
	p.file = s.executable(p.entry, []segment{
		{ir.CodeBase, code, readable | executable},
		{ir.RodataBase, im.Rodata, readable},
		{ir.DataBase, im.Data, readable | writable},
		{ir.PerCPUBase, repeat(im.PerCPU, 1<<im.PerCPUShift, cpus), readable | writable},
		{ir.ThreadBase, repeat(thread, len(thread), threads), readable | writable},
		{driverBase, driver, readable | executable},
		{extraBase, extra, readable | writable},
	})
	return p, nil
}

// calls emits the script of the first thread: for each call the registers that
// a call begins with, and its result kept.
func (p *process) calls(a coder) {
	im := p.im
	for i, c := range im.Prog.Threads[0].Calls {
		if i == maxResults {
			a.fail("a script of more than %d calls", maxResults)
		}
		f, _ := im.Func(c.Func)
		a.begin()
		for n := range isas[im.Arch].general {
			v := uint64(0)
			if n < len(c.Args) {
				v = uint64(im.Symbols[c.Args[n].Sym]) + uint64(c.Args[n].Off)
			}
			a.setReg(ir.R(n), v)
		}
		a.setReg(ir.TP, uint64(im.TP(0)))
		a.call(f.Entry)
		a.keepReg(resultsAt+ir.Addr(8*i), ir.R0)
		a.keepNumber(countAt, uint32(i+1))
	}
}

// repeat is n copies of b, a stride apart.
func repeat(b []byte, stride, n int) []byte {
	if len(b) == 0 {
		return nil
	}
	out := make([]byte, stride*n)
	for i := range n {
		copy(out[i*stride:], b)
	}
	return out
}
