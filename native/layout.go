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
	done     ir.Addr // an int3 that the first thread ends at
	childEnd ir.Addr // … and its children
	// handlers are the functions behind the code that the kernel enters for a
	// signal.
	handlers map[ir.Addr]ir.Addr
}

// where the interrupted registers are in the kernel's ucontext, so that r1 can be
// such that [r1 + FrameIP] is the saved ip, as on the machine.
const (
	ucontextRIP = 40 + 16*8
	frameIP     = 8 * 32
)

// build makes the process of a laid out program: its memory, and a driver that
// installs the handlers, registers the area as libc would, and makes the
// script's calls without ever stopping between them.
func build(im *ir.Image, areaLen uint32, cpus int, nap int64) (*process, error) {
	code, err := codeOf(im)
	if err != nil {
		return nil, err
	}
	p := &process{im: im, handlers: map[ir.Addr]ir.Addr{}}
	extra := make([]byte, extraSize)
	binary.LittleEndian.PutUint64(extra[napAt-extraBase+8:], uint64(nap))

	a := &asm{at: driverBase}
	// The restorer: the stack pointer is that of the handler's entry, at the
	// return address that nobody popped.
	restorer := a.here()
	a.op(8, []byte{0x8d}, rsp, rm{mem: true, base: rsp, hasBase: true, disp: 8})
	a.number(abi.SysRtSigreturn)
	a.bytes(0x0f, 0x05)
	p.childEnd = a.here()
	a.bytes(0xcc)
	a.set(rdi, 0)
	a.number(abi.SysExit)
	a.bytes(0x0f, 0x05)
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
		// The kernel's arguments become the machine's: r0 is the signal, r1
		// the frame, lr the restorer.
		a.op(4, []byte{0x89}, rdi, isReg(rax))
		a.op(8, []byte{0x8d}, rsi, rm{mem: true, base: rdx, hasBase: true, disp: ucontextRIP - frameIP})
		a.set(registers[ir.LR], uint64(restorer))
		a.jump(f.Entry, 0xe9)
	}

	p.entry = a.here()
	for _, s := range actions {
		a.set(rdi, uint64(s.signal))
		a.set(rsi, uint64(s.at))
		a.set(rdx, 0)
		a.set(r10, 8)
		a.number(abi.SysRtSigaction)
		a.bytes(0x0f, 0x05)
	}
	if reg := im.Prog.Setup.Register; reg != ir.RegisterNone {
		if reg == ir.RegisterLegacy {
			areaLen = abi.RSeqOrigSize
		}
		a.set(rdi, uint64(im.TP(0)))
		a.set(rsi, uint64(areaLen))
		a.set(rdx, 0)
		a.set(r10, uint64(im.Arch.Signature()))
		a.number(abi.SysRSeq)
		a.bytes(0x0f, 0x05)
	}
	p.calls(a)
	p.done = a.here()
	a.bytes(0xcc)
	if a.err != nil {
		return nil, a.err
	}

	thread := append([]byte(nil), im.Thread...)
	binary.LittleEndian.PutUint32(thread[im.ThreadBefore+abi.OffCPUID:], abi.CPUIDUninitialized)
	const threads = 4
	p.file = executableFile(p.entry, []segment{
		{ir.CodeBase, code, readable | executable},
		{ir.RodataBase, im.Rodata, readable},
		{ir.DataBase, im.Data, readable | writable},
		{ir.PerCPUBase, repeat(im.PerCPU, 1<<im.PerCPUShift, cpus), readable | writable},
		{ir.ThreadBase, repeat(thread, len(thread), threads), readable | writable},
		{driverBase, a.buf, readable | executable},
		{extraBase, extra, readable | writable},
	})
	return p, nil
}

// calls emits the script of the first thread: for each call the registers that
// a call begins with, and its result kept.
func (p *process) calls(a *asm) {
	im := p.im
	for i, c := range im.Prog.Threads[0].Calls {
		if i == maxResults {
			a.fail("a script of more than %d calls", maxResults)
		}
		f, _ := im.Func(c.Func)
		a.bytes(0x68)
		a.imm32(0x202)
		a.bytes(0x9d) // popfq: no flag is set
		for _, r := range [...]ir.Reg{ir.R0, ir.R1, ir.R2, ir.R3, ir.R4, ir.R5, ir.R6, ir.R7, ir.R8, ir.R9} {
			v := uint64(0)
			if n := int(r - ir.R0); n < len(c.Args) {
				v = uint64(im.Symbols[c.Args[n].Sym]) + uint64(c.Args[n].Off)
			}
			a.set(registers[r], v)
		}
		a.set(registers[ir.TP], uint64(im.TP(0)))
		a.set(registers[ir.LR], uint64(a.here())+6+5)
		a.jump(f.Entry, 0xe9)
		a.op(8, []byte{0x89}, rax, rm{mem: true, disp: int64(resultsAt) + int64(8*i)})
		a.op(4, []byte{0xc7}, 0, rm{mem: true, disp: int64(countAt)})
		a.imm32(int64(i + 1))
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
