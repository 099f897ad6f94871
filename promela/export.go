package promela

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// Write writes the machine that runs p under cfg as a Promela model. What the
// translation doesn't cover is refused; the error is a [*ir.LinkError], with its
// place, where the program asks for it.
//
//  1. build the machine: its initial state is the model's
//  2. refuse what can't be translated
//  3. find out which parts of the state can change
//  4. declarations, memory, kernel, calls, checks, and the choices of a thread
func Write(w io.Writer, p *ir.Program, cfg emu.Config) error {
	m, err := emu.New(p, cfg)
	if err != nil {
		return err
	}
	x := &exporter{m: m, im: m.Image(), k: m.Kernel(), cfg: cfg, budget: m.Budget(), threads: len(p.Threads), cpus: m.CPUs()}
	if err := x.refuse(); err != nil {
		return err
	}
	x.analyse()
	x.declarations()
	x.memory()
	x.clearing()
	x.checks()
	x.kernel()
	x.calls()
	x.thread()
	if x.err != nil {
		return x.err
	}
	_, err = w.Write(x.b.Bytes())
	return err
}

type exporter struct {
	m             *emu.Machine
	im            *ir.Image
	k             emu.Kernel
	cfg           emu.Config
	budget        emu.Budget
	threads, cpus int

	regs       []ir.Reg // that the program mentions, tp and temporaries aside
	flags      bool     // the program sets flags
	links      bool     // … uses load-linked
	splits     bool     // an instruction has a middle that another CPU can see
	temps      bool     // … with temporaries in use
	registered bool     // the threads' areas are
	counts     bool     // a check asks for calls or got
	checked    [2]bool  // there are checks, by ir.CheckWhen
	vars       int      // of the expressions of checks

	b   bytes.Buffer
	err error
}

func (x *exporter) printf(format string, args ...any) { fmt.Fprintf(&x.b, format, args...) }

// fail notes the first thing that can't be translated.
func (x *exporter) fail(pos ir.Pos, format string, args ...any) {
	if x.err == nil {
		file := x.im.Prog.File
		if file == "" {
			file = x.im.Prog.Name
		}
		x.err = &ir.LinkError{File: file, Pos: pos, Msg: fmt.Sprintf(format, args...) + ": not in a Promela model"}
	}
}

// maxMemory bounds a model's memory: Spin copies it for each state.
const maxMemory = 32 << 10

// refuse reports the first thing in program or configuration that the model
// doesn't have.
func (x *exporter) refuse() error {
	setup := &x.im.Prog.Setup
	if x.k.Slices == emu.SlicesOn {
		x.fail(ir.Pos{}, "kernel %s, which has time slice extensions", x.k)
	}
	for c := range x.budget[:emu.Expiries] {
		if e := emu.EventClass(c); e != emu.Preemptions && e != emu.Migrations && x.budget[c] > 0 {
			pos := ir.Pos{}
			if x.cfg.Budget == nil {
				pos = setup.Places[ir.BudgetDirective]
			}
			x.fail(pos, "budget %s=%d (preempt and migrate are)", e, x.budget[c])
		}
	}
	for _, h := range x.im.Prog.Handlers {
		x.fail(h.Notes.Pos, "a handler of %s", h.Signal)
	}
	for i := range x.im.Instrs {
		in := &x.im.Instrs[i]
		for _, o := range in.Micro() {
			switch {
			case o.Code == ir.Syscall:
				x.fail(x.im.Origin[i], "%v at %s", &x.im.Source[i], x.im.Where(x.im.Addrs[i]))
			case o.Code == ir.Trap && in.N > 1:
				x.fail(x.im.Origin[i], "a trap behind other micro-ops")
			case !fits(o.Imm), !fits(o.Mem.Disp):
				x.fail(x.im.Origin[i], "%v, with a number of more than 32 bits", &x.im.Source[i])
			}
		}
	}
	for i := range x.im.Sections {
		s := &x.im.Sections[i]
		for _, v := range []uint64{s.CS.StartIP, s.CS.PostCommitOffset, s.CS.StartIP + s.CS.PostCommitOffset, s.CS.AbortIP} {
			if v > math.MaxInt32 {
				x.fail(ir.Pos{}, "the descriptor %s, with %#x", s.Name, v)
			}
		}
		if s.CS.Contains(uint64(ir.ReturnIP)) {
			x.fail(ir.Pos{}, "the descriptor %s, which begins before the code", s.Name)
		}
	}
	for _, t := range x.im.Prog.Threads {
		if len(t.Calls) == 0 || len(t.Calls) > math.MaxUint8 {
			x.fail(t.Notes.Pos, "a thread with %d calls", len(t.Calls))
		}
	}
	switch {
	case len(x.k.Changes()) > 0:
		x.fail(ir.Pos{}, "kernel %s: a proposal", x.k)
	case x.k.Debug:
		x.fail(ir.Pos{}, "kernel %s: debug mode", x.k)
	case x.cfg.Traced:
		x.fail(ir.Pos{}, "a tracer")
	case x.k.Arch.ByteOrder() != binary.ByteOrder(binary.LittleEndian):
		x.fail(ir.Pos{}, "kernel %s: big-endian memory", x.k)
	case len(x.m.Memory(0).Mutable()) > maxMemory:
		x.fail(ir.Pos{}, "%d bytes of memory (at most %d)", len(x.m.Memory(0).Mutable()), maxMemory)
	case x.threads > 32 || x.cpus > 32:
		x.fail(ir.Pos{}, "%d threads on %d CPUs (at most 32)", x.threads, x.cpus)
	}
	return x.err
}

// fits reports whether a 64-bit number is the sign-extension of its lower half,
// which is how the model holds it.
func fits(v int64) bool { return v == int64(int32(v)) }

// analyse finds the parts of the state that can change.
func (x *exporter) analyse() {
	var used [ir.NumRegs]bool
	for i := range x.im.Instrs {
		in := &x.im.Instrs[i]
		split := len(segments(in)) > 1
		x.splits = x.splits || split
		for _, o := range in.Micro() {
			for _, r := range []ir.Reg{o.Dst, o.A, o.B, o.Mem.Base, o.Mem.Index} {
				used[r] = true
				x.temps = x.temps || split && r.Temp()
			}
			used[ir.LR] = used[ir.LR] || o.Code == ir.Call
			x.links = x.links || o.Code == ir.Ll
			x.flags = x.flags || o.Flags != ir.NoFlags || o.Code == ir.Bit || o.Code == ir.Flipc || o.Code == ir.Cmpxchg ||
				o.Code == ir.Br || o.Code == ir.Csel
		}
	}
	for i := range x.im.Prog.Checks {
		c := &x.im.Prog.Checks[i]
		x.checked[c.When] = true
		x.counts = x.counts || counts(&c.Cond)
	}
	used[ir.R0] = used[ir.R0] || x.counts
	for r := ir.R0; r <= ir.R31; r++ {
		if used[r] {
			x.regs = append(x.regs, r)
		}
	}
	x.registered = x.im.Prog.Setup.Register != ir.RegisterNone
}

func (x *exporter) old() bool { return x.k.Notify == emu.NotifyOld }

// version is that of the threads' registrations.
func (x *exporter) version() int {
	if x.im.Prog.Setup.Register == ir.RegisterLegacy {
		return x.k.Version(abi.RSeqOrigSize)
	}
	return x.k.Version(x.k.AreaLen())
}
