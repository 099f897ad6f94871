package lifttest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/vcpu"
)

var (
	long = flag.Bool("long", false, "run each form of instruction a few thousand times under QEMU")
	seed = flag.Uint64("seed", 1, "of the instructions and states that are drawn")
)

// ISA is an instruction set whose decoder is held against QEMU.
type ISA struct {
	Guest
	Decode func([]byte, ir.Addr) (isa.Instr, error)
	// Register is the numbered register in package ir, or ir.None.
	Register func(n int) ir.Reg
	// Fields are where instructions have the numbers of registers: the lowest
	// bits of fields of five.
	Fields []int
	// Carry says that the flags count and C is the opposite of package ir's.
	Carry bool
	// Patch changes an instruction so that it goes on well from there: the
	// place of what it loads beside the code.
	Patch func(word uint32, at ir.Addr) uint32
}

// Form is an instruction, or a few in a row, with bits left open: 0, 1 and x, most
// significant first, 32 or 16 for each.
type Form struct {
	Name  string
	Words []string
}

// stub is what was drawn from a form.
type stub struct {
	form   string
	hosts  []ir.Reg // stand in for vectors
	at     ir.Addr  // of the first instruction
	instrs []isa.Instr
	first  ir.Addr // in the emulator
	entry  ir.Addr // where the driver jumps to
}

func (s *stub) String() string {
	text := s.form + ": "
	for _, in := range s.instrs {
		text += fmt.Sprintf("%#x: %s is %v; ", uint64(in.Addr), in.Text, in.IR)
	}
	return text
}

// end is the address behind the stub's instructions, on the processor. An
// instruction of the stub's own follows, then the one that is branched to.
func (s *stub) end() ir.Addr { return s.instrs[len(s.instrs)-1].Next() }

func (s *stub) takenAt() ir.Addr { return s.end() + ir.InstrSize }

// leadsSomewhere reports whether an instruction doesn't trap, and accesses and jumps to only what a
// state can be drawn for: not relative to a register that is zero, and not to the
// sum of two. If the emulator then never runs it, its bundle is wrong.
func (s *stub) leadsSomewhere() bool {
	if len(s.instrs) > 1 {
		return false
	}
	ops := s.instrs[0].IR.Micro()
	for _, o := range ops {
		switch {
		case o.Code == ir.Trap:
			return false
		case (o.Loads() || o.Stores()) && (o.Mem.Base == ir.None && s.instrs[0].Refs == nil || o.Mem.Index != ir.None):
			return false
		case o.Code == ir.Jmpr && o.A.Temp() && ops[0].Code == ir.Mov && ops[0].A == ir.None:
			return false
		}
	}
	return true
}

// TestAgainstQEMU draws instructions of each form and states for each of them,
// and holds the emulator's outcome against QEMU's.
func (s *ISA) TestAgainstQEMU(t *testing.T, forms []Form) {
	qemu := s.find(t)
	stubs, states := 30, 10
	if *long {
		stubs, states = 60, 50
	}
	d := drawer{ISA: s, Rand: rand.New(rand.NewPCG(*seed, 0)), t: t}
	for _, f := range forms {
		d.stubs(f, stubs)
	}
	d.link()
	in, want, of := d.states(forms, states)
	got, end := s.run(t, qemu, d.code, in)
	wrong := map[string]bool{}
	for j := range want {
		if j >= len(got) {
			t.Fatalf("the guest ended (%v) at %v\nwith %v", end, of[j], &in[j])
		}
		if wrong[of[j].form] { // one of each form is enough
			continue
		}
		if diff := d.diff(of[j], &in[j], &want[j], &got[j]); diff != "" {
			t.Errorf("%v\n%s", of[j], diff)
			wrong[of[j].form] = true
		}
	}
	t.Logf("%d executions of %d forms, %d forms without a difference", len(got), len(forms), len(forms)-len(wrong))
}

// drawer draws stubs and states.
type drawer struct {
	*ISA
	*rand.Rand
	t     *testing.T
	all   []*stub
	code  []byte
	image *ir.Image
	run   *vcpu.Code
	taken [2]ir.Addr // where the emulator gets to by branches and calls
}

// stubs draws that many stubs of a form.
func (d *drawer) stubs(f Form, n int) {
	for tries := 0; n > 0; tries++ {
		if tries > 20_000 {
			d.t.Fatalf("%s: hardly ever lifted", f.Name)
		}
		at := StubBase + ir.Addr(len(d.code))
		s := &stub{form: f.Name, entry: at, at: at + ir.Addr(d.Skip)}
		if code, ok := d.draw(f, s); ok {
			d.code = append(d.code, d.Stub(at, code)...)
			d.all = append(d.all, s)
			n--
		}
	}
}

// draw fills in a form's open bits.
func (d *drawer) draw(f Form, s *stub) (code []byte, ok bool) {
	at := s.at
	for _, pattern := range f.Words {
		w := d.Word(d.Rand, pattern)
		if d.Patch != nil {
			w = d.Patch(w, at)
		}
		bytes := []byte{byte(w), byte(w >> 8), byte(w >> 16), byte(w >> 24)}[:len(pattern)/8]
		in, err := d.Decode(bytes, at)
		if err != nil {
			return nil, false
		}
		if n := len(s.instrs); n > 0 && s.instrs[n-1].Lost != 0 {
			return nil, false // what follows may read it
		}
		code, at = append(code, bytes...), in.Next()
		s.instrs = append(s.instrs, in)
	}
	hosts, err := isa.Host(s.instrs)
	s.hosts = hosts
	return code, err == nil
}

// Word fills in the open bits of a pattern: half of the time with few different
// registers.
func (s *ISA) Word(r *rand.Rand, pattern string) uint32 {
	v := r.Uint32()
	if r.IntN(2) == 0 && len(pattern) == 32 {
		few := []uint32{0, 0, 1, 2, 5, 30, 31}
		for _, lo := range s.Fields {
			v = v&^(31<<lo) | few[r.IntN(len(few))]<<lo
		}
	}
	for i, c := range pattern {
		bit := uint32(1) << (len(pattern) - 1 - i)
		switch c {
		case '0':
			v &^= bit
		case '1':
			v |= bit
		}
	}
	return v
}

// link makes a program of all stubs. Who branches gets to a label behind them,
// who calls to a function behind that.
func (d *drawer) link() {
	f := ir.NewFunc("f")
	for _, s := range d.all {
		for _, in := range s.instrs {
			last := &in.IR.Ops[in.IR.N-1]
			switch last.Code {
			case ir.Br, ir.Beq, ir.Bne, ir.Jmp:
				last.Target = "taken"
			case ir.Call:
				last.Target = "called"
			}
			f.Instr(in.IR)
		}
	}
	f.Do(ir.NewOp(ir.Nop)) // what comes behind the last isn't what is branched to
	f.Label("taken").Do(ir.NewOp(ir.Nop))
	p := ir.NewProgram("forms").Var(ir.Global, "window", ir.W8, WindowSize/8)
	p.Add(f, ir.NewFunc("called").Do(ir.NewOp(ir.Nop)))
	im, err := ir.Link(p, abi.ARM64)
	if err != nil {
		d.t.Fatal(err)
	}
	d.image, d.run = im, vcpu.Compile(im)
	d.taken = [2]ir.Addr{im.Addrs[len(im.Addrs)-2], im.Addrs[len(im.Addrs)-1]}
	n := 0
	for _, s := range d.all {
		s.first = im.Addrs[n]
		n += len(s.instrs)
	}
}

// states draws states that the emulator gets through without a trap, at most n for
// each stub, and says what it makes of them.
func (d *drawer) states(forms []Form, n int) (in, want []record, of []*stub) {
	count := map[string]int{}
	for _, s := range d.all {
		found := 0
		for tries := 0; found < n && tries < 40*n; tries++ {
			before := d.state(s)
			if after, ok := d.emulate(s, before); ok {
				in, want, of = append(in, before), append(want, after), append(of, s)
				found++
				count[s.form]++
			}
		}
		if found == 0 && s.leadsSomewhere() {
			d.t.Errorf("%v\nno state was found in which the emulator runs it", s)
		}
	}
	for _, f := range forms {
		if count[f.Name] < n {
			d.t.Errorf("%s: there are only %d states to run it in", f.Name, count[f.Name])
		}
	}
	return in, want, of
}

// emulate runs the stub in package vcpu.
func (d *drawer) emulate(s *stub, before record) (after record, ok bool) {
	mem := vcpu.NewMemory(d.image, 1, 0)
	copy(mem.Mutable(), before.Window[:])
	r := vcpu.Regs{IP: s.first}
	for n, v := range before.Slot[:32] {
		if reg := d.Register(n); reg != ir.None {
			r.R[reg] = v
		}
	}
	if d.Carry {
		r.R[ir.TP] = before.Slot[SlotPointer]
		r.Flags = flags(before.Slot[SlotFlags])
	}
	next := s.first
	for i := range s.instrs {
		next += ir.Addr(s.instrs[i].IR.Len())
		if _, t := d.run.Run(mem, 0, &r, 1); t.Kind != vcpu.TrapNone {
			return after, false
		}
	}
	after = before
	copy(after.Window[:], mem.Mutable())
	if r.IP == d.taken[1] { // its own address isn't the processor's
		r.R[ir.LR] = uint64(s.end())
	}
	for n := range before.Slot[:32] {
		if reg := d.Register(n); reg != ir.None && !slices.Contains(s.hosts, reg) {
			after.Slot[n] = r.R[reg]
		}
	}
	if d.Carry {
		after.Slot[SlotFlags] = nzcv(r.Flags)
	}
	switch r.IP {
	case d.taken[0], d.taken[1], s.takenAt():
		after.Slot[SlotStub] = 1
	case next:
		after.Slot[SlotStub] = 0
	default:
		return after, false // to nowhere
	}
	return after, true
}
