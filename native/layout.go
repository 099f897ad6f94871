package native

import (
	"encoding/binary"
	"os"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// What a process has besides the program's own areas, which are where the
// machine has them.
const (
	driverBase ir.Addr = 0x600000  // code that calls the program's functions
	extraBase  ir.Addr = 0x680000  // its data:
	napAt              = extraBase // set in one instruction on arm64
	countAt            = extraBase + 0x40
	resultsAt          = extraBase + 0x100
	actionsAt          = extraBase + 0x8000
	extraSize          = 0x10000
	maxResults         = 1000

	// The second thread's results are as far from the first one's as this, and
	// its stack ends where the data ends.
	secondAt  = 0x4000
	stackTop  = extraBase + extraSize
	cpuMaskAt = extraBase + 0x3f00
	readyAt   = extraBase + 0x80 // the second thread is about to begin,
	goAt      = extraBase + 0x88 // and may,
	doneAt    = extraBase + 0x90 // and has ended
)

// leftFile is the file that an untraced process writes what it leaves to.
const leftFile = 1

// process is a static executable in the making.
type process struct {
	im       *ir.Image
	file     []byte
	exe      *os.File // the same in memory
	entry    ir.Addr
	done     ir.Addr // a breakpoint that the first thread ends at
	childEnd ir.Addr // … and its children
	nap      int64   // how long it sleeps, in nanoseconds
	// doneAgain is where the first thread ends behind an execve.
	doneAgain ir.Addr
	// left is the memory that an untraced process leaves behind when it ends.
	left []segment
	// handlers are the functions behind the code that the kernel enters for a
	// signal.
	handlers map[ir.Addr]ir.Addr
}

// build makes the process of a laid out program: its memory, and a driver that
// installs the handlers, registers the area as libc would, and makes the
// script's calls without ever stopping between them. Where nobody traces the
// process it writes what it leaves behind to files that it is started with.
func build(im *ir.Image, areaLen uint32, cpus []int, nap int64, traced bool) (*process, error) {
	s := isas[im.Arch]
	code, err := s.codeOf(im)
	if err != nil {
		return nil, err
	}
	p := &process{im: im, nap: nap, handlers: map[ir.Addr]ir.Addr{}}
	extra := make([]byte, extraSize)
	binary.LittleEndian.PutUint64(extra[napAt-extraBase+8:], uint64(nap))

	a := s.coder(driverBase)
	prepare(a)
	restorer := a.here()
	a.restorer()
	p.childEnd = a.here()
	a.stop()
	a.setArg(0, 0)
	a.enter(abi.SysExit)
	actions := p.handle(a, restorer, extra)

	thread := append([]byte(nil), im.Thread...)
	binary.LittleEndian.PutUint32(thread[im.ThreadBefore+abi.OffCPUID:], abi.CPUIDUninitialized)
	const areas = 4
	p.left = []segment{
		{ir.DataBase, im.Data, readable | writable},
		{ir.PerCPUBase, repeat(im.PerCPU, 1<<im.PerCPUShift, cpus[len(cpus)-1]+1), readable | writable},
		{ir.ThreadBase, repeat(thread, len(thread), areas), readable | writable},
		{extraBase, extra, readable | writable},
	}
	p.doneAgain = a.here()
	p.end(a, traced)
	p.entry = a.here()
	if makes(im, abi.SysExecve) {
		p.startAgain(a)
	}
	install(a, actions)
	threads := len(im.Prog.Threads)
	if threads > 1 {
		c := cpus[1]
		extra[cpuMaskAt-extraBase+ir.Addr(c/8)] = 1 << (c % 8)
		p.second(a, areaLen)
	}
	p.register(a, 0, areaLen)
	if threads > 1 {
		a.await(readyAt)
		a.keepNumber(goAt, 1)
	}
	p.calls(a, 0)
	if threads > 1 {
		a.await(doneAt)
	}
	p.done = a.here()
	p.end(a, traced)
	driver, err := a.code()
	if err != nil {
		return nil, err
	}

	p.file = s.executable(p.entry, append([]segment{
		{ir.CodeBase, code, readable | executable},
		{ir.RodataBase, im.Rodata, readable},
		{driverBase, driver, readable | executable},
	}, append(p.left, execTables(im)...)...))
	return p, nil
}

// action is what is to be done about a signal: its struct sigaction.
type action struct {
	signal abi.Signal
	at     ir.Addr
}

// handle writes where the kernel goes with the program's signals, and the data that
// says so.
func (p *process) handle(a coder, restorer ir.Addr, extra []byte) []action {
	var actions []action
	for i, h := range p.im.Prog.Handlers {
		f, _ := p.im.Func(h.Func)
		at := actionsAt + ir.Addr(32*i)
		p.handlers[a.here()] = f.Entry
		actions = append(actions, action{h.Signal, at})
		const saSiginfo, saRestorer = 4, 0x04000000
		b := extra[at-extraBase:]
		binary.LittleEndian.PutUint64(b, uint64(a.here()))
		binary.LittleEndian.PutUint64(b[8:], saSiginfo|saRestorer)
		binary.LittleEndian.PutUint64(b[16:], uint64(restorer))
		a.handler(f.Entry, restorer)
	}
	return actions
}

// install makes the calls that install the handlers.
func install(a coder, actions []action) {
	for _, act := range actions {
		a.setArg(0, uint64(act.signal))
		a.setArg(1, uint64(act.at))
		a.setArg(2, 0)
		a.setArg(3, 8)
		a.enter(abi.SysRtSigaction)
	}
}

// end is how the first thread ends.
func (p *process) end(a coder, traced bool) {
	if traced {
		a.stop()
		return
	}
	for _, s := range p.left {
		if len(s.data) > 0 {
			a.write(leftFile, s.at, len(s.data))
		}
	}
	a.setArg(0, 0)
	a.enter(abi.SysExitGroup)
}

// register registers a thread's area as libc would, if the program wants that.
func (p *process) register(a coder, thread int, areaLen uint32) {
	switch p.im.Prog.Setup.Register {
	case ir.RegisterNone:
		return
	case ir.RegisterLegacy:
		areaLen = abi.RSeqOrigSize
	}
	a.setArg(0, uint64(p.im.TP(thread)))
	a.setArg(1, uint64(areaLen))
	a.setArg(2, 0)
	a.setArg(3, uint64(p.im.Arch.Signature()))
	a.enter(abi.SysRSeq)
}

// second makes the second thread, which nobody traces, and on its CPU. When both
// are ready they begin.
func (p *process) second(a coder, areaLen uint32) {
	const untraced = 0x800000
	a.setArg(0, untraced|abi.CloneVM|abi.CloneFS|abi.CloneFiles|abi.CloneSighand|abi.CloneThread|abi.CloneSysvsem)
	a.setArg(1, uint64(stackTop))
	for n := 2; n < 5; n++ {
		a.setArg(n, 0)
	}
	a.enter(abi.SysClone)
	a.inChild(func() {
		a.setArg(0, 0)
		a.setArg(1, 128)
		a.setArg(2, uint64(cpuMaskAt))
		a.enter(abi.SysSchedSetaffinity)
		p.register(a, 1, areaLen)
		a.keepNumber(readyAt, 1)
		a.await(goAt)
		p.calls(a, 1)
		a.keepNumber(doneAt, 1)
		a.setArg(0, 0)
		a.enter(abi.SysExit)
	})
}

// startAgain is what a process does that an execve of the program has made: it
// calls the function that it is told, and ends.
func (p *process) startAgain(a coder) {
	for i, f := range p.im.Funcs {
		if f.Entry == f.End {
			continue
		}
		a.whenTold(tagOf(i), func() {
			p.call(a, 0, f.Entry, nil)
			a.keepReg(resultsAt, ir.R0)
			a.keepNumber(countAt, 1)
			a.call(p.doneAgain)
		})
	}
}

// calls emits a thread's script.
func (p *process) calls(a coder, thread int) {
	for i, c := range p.im.Prog.Threads[thread].Calls {
		if i == maxResults {
			a.fail("a script of more than %d calls", maxResults)
		}
		f, _ := p.im.Func(c.Func)
		p.call(a, thread, f.Entry, c.Args)
		at := ir.Addr(secondAt * thread)
		a.keepReg(at+resultsAt+ir.Addr(8*i), ir.R0)
		a.keepNumber(at+countAt, uint32(i+1))
	}
}

// call calls a function with the registers that a call begins with.
func (p *process) call(a coder, thread int, f ir.Addr, args []ir.Value) {
	im := p.im
	a.begin()
	for n := range isas[im.Arch].general {
		v := uint64(0)
		if n < len(args) {
			v = uint64(im.Symbols[args[n].Sym]) + uint64(args[n].Off)
		}
		a.setReg(ir.R(n), v)
	}
	a.setReg(ir.TP, uint64(im.TP(thread)))
	a.call(f)
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
