package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
)

// teller watches a machine from the inside of a run: as an observer of events
// and as a property that is asked after each transition.
type teller struct {
	m      *emu.Machine
	story  *Story
	each   func(*Story, *Step)
	prev   *emu.Machine  // the machine before the transition
	before *emu.Snapshot // carries its state
	events []emu.Event
	called map[int]int // by thread: its last call, an index into the story's
}

func newTeller(m *emu.Machine, each func(*Story, *Step)) *teller {
	return &teller{m: m, each: each, prev: m.Fork(), before: m.NewSnapshot(), called: map[int]int{},
		story: &Story{Program: m.Image().Prog.Name, Kernel: m.Kernel().String(), CPUs: m.CPUs(), Steps: []Step{}, Calls: []Call{}}}
}

// watch puts the teller in front of the properties, so that it has told a
// transition before one of them ends the run with it.
func (t *teller) watch(factories []explore.Factory) []explore.Factory {
	return append([]explore.Factory{t.property}, factories...)
}

func (t *teller) finish(out *explore.Outcome) *Story {
	if out != nil {
		t.story.Done = out.Done
		if v := out.Violation; v != nil {
			t.story.Broken, t.story.Message = v.Property, v.Message
		}
	}
	return t.story
}

func (t *teller) observe(e emu.Event) { t.events = append(t.events, e) }

func (t *teller) property(*emu.Machine) (explore.Property, error) { return asked{t}, nil }

// asked makes the teller a property that never breaks.
type asked struct{ t *teller }

func (a asked) Observe(emu.Event) {}
func (a asked) After(_ *emu.Machine, c emu.Choice) *explore.Violation {
	a.t.after(c)
	return nil
}
func (a asked) AtEnd(*emu.Machine) *explore.Violation      { return nil }
func (a asked) AppendState(b []byte) []byte                { return b }
func (a asked) SetState(b []byte) (rest []byte, err error) { return b, nil }

// after writes down the transition that was just made.
func (t *teller) after(c emu.Choice) {
	step := Step{N: len(t.story.Steps) + 1, Choice: c.String(), CPU: -1, Thread: -1}
	switch c.Kind() {
	case emu.Wake, emu.Signal:
		step.Thread = int(c.Task())
	case emu.Run:
		step.CPU, step.Thread = int(c.CPU()), int(c.Task())
	default:
		step.CPU = int(c.CPU())
		if id, ok := t.prev.Running(c.CPU()); ok {
			step.Thread = int(id)
		}
	}
	for i := range t.m.CPUs() {
		id, ok := t.m.Running(emu.CPUID(i))
		if !ok {
			id = -1
		}
		step.Running = append(step.Running, int(id))
	}
	switch c.Kind() {
	case emu.Step, emu.Delay, emu.Stale:
		t.instruction(&step)
	}
	for _, e := range t.events {
		t.event(&step, e)
	}
	if t.memory(&step); step.Instr != "" && len(step.Memory) == 0 && c.Kind() != emu.Delay {
		t.sameStores(&step)
	}
	t.events = t.events[:0]
	t.story.Steps = append(t.story.Steps, step)
	if t.each != nil {
		t.each(t.story, &t.story.Steps[len(t.story.Steps)-1])
	}
	t.m.Save(t.before)
	t.prev.Restore(t.before)
}

// event notes a call's beginning or end, or what the kernel did.
func (t *teller) event(step *Step, e emu.Event) {
	switch e.Kind {
	case emu.EvInvoke:
		step.Begins = t.m.CallName(e.Task, int(e.A))
		t.called[int(e.Task)] = len(t.story.Calls)
		t.story.Calls = append(t.story.Calls, Call{Thread: int(e.Task), Name: step.Begins, First: step.N})
	case emu.EvReturn:
		step.Returns = fmt.Sprintf("%s, r1 = %s", t.m.Image().ValueName(e.A), t.m.Image().ValueName(e.B))
		if i, ok := t.called[int(e.Task)]; ok {
			t.story.Calls[i].Last, t.story.Calls[i].Returns = step.N, step.Returns
		}
	default:
		if note := t.note(step, e); note != "" {
			step.Notes = append(step.Notes, note)
			if e.Kind == emu.EvFatal {
				step.kills = append(step.kills, note)
			}
		}
	}
}

// instruction notes what the thread ran, which registers it wrote, and where a
// branch went.
func (t *teller) instruction(step *Step) {
	im, id := t.m.Image(), emu.TaskID(step.Thread)
	now := t.m.Regs(id)
	ip := t.prev.Next(id)
	step.Where = im.Where(ip)
	i, from, to := t.ran(id)
	if i < 0 {
		return
	}
	step.Line = im.Origin[i].Line
	source := &im.Source[i]
	step.Instr, step.Machine = microOps(source, from, to), im.Machine[i]
	if step.Machine != "" && (from > 0 || to < int(source.N)) {
		step.Machine += fmt.Sprintf(", %s", step.Instr)
	}
	if t.left() {
		return // the registers are somebody else's, or a new call's
	}
	seen := map[ir.Reg]bool{}
	for _, o := range source.Ops[from:to] {
		// The temporaries are gone at the instruction's end.
		if r := o.Dst; r != ir.None && !seen[r] && !t.deferred(r) && (!r.Temp() || to < int(source.N)) {
			seen[r] = true
			name := r.String()
			if step.Machine != "" {
				name = lift.RegisterName(im.Prog.Setup.Arch, r)
			}
			if r.Temp() {
				name = "temporary " + name // t0 is a thread, too
			}
			step.Registers = append(step.Registers, Change{Place: name, Value: im.ValueName(now.R[r])})
		}
	}
	if last := source.Ops[to-1]; last.Branches() && now.IP != ip+ir.Addr(source.Len()) && len(t.events) == 0 {
		step.Goes = im.Where(now.IP)
	}
}

// ran returns the instruction of the thread's step, by index, and which of its
// micro-ops the step was; -1 if there is none.
func (t *teller) ran(id emu.TaskID) (i, from, to int) {
	im, ip := t.m.Image(), t.prev.Next(id)
	if i = im.Index(ip); i < 0 {
		return -1, 0, 0
	}
	old, now := t.prev.Regs(id), t.m.Regs(id)
	from, to = int(old.Micro), int(im.Source[i].N)
	if now.IP == ip && int(now.Micro) > from {
		to = int(now.Micro)
	}
	return i, from, to
}

// deferred reports whether the step left a register to a load that is performed
// later.
func (t *teller) deferred(r ir.Reg) bool {
	for _, e := range t.events {
		if e.Kind == emu.EvDeferred && ir.Reg(e.B) == r {
			return true
		}
	}
	return false
}

// left reports whether the transition took the thread somewhere else: out of its
// call, to a handler, or to its end.
func (t *teller) left() bool {
	for _, e := range t.events {
		switch e.Kind {
		case emu.EvReturn, emu.EvExit, emu.EvFatal, emu.EvSignal, emu.EvAbort:
			return true
		}
	}
	return false
}

// microOps prints the micro-ops of an instruction from one on up to another.
func microOps(in *ir.Instr, from, to int) string {
	if from == 0 && to == int(in.N) {
		return in.String()
	}
	var ops []string
	if from > 0 {
		ops = append(ops, "…")
	}
	for _, o := range in.Ops[from:to] {
		ops = append(ops, ir.NewInstr(o).String())
	}
	if to < int(in.N) {
		ops = append(ops, "…")
	}
	return "{ " + strings.Join(ops, "; ") + " }"
}

// memory notes the words that changed in the address space of the step's
// thread.
func (t *teller) memory(step *Step) {
	im, id := t.m.Image(), emu.TaskID(max(step.Thread, 0))
	old, now := t.prev.Memory(id), t.m.Memory(id)
	for _, s := range now.Segments() {
		if s.Name == "stack" {
			continue // signal frames: their delivery is told
		}
		for off := uint64(0); off+8 <= s.Size; off += 8 {
			a := s.Base + ir.Addr(off)
			v, _ := old.Load(a, 8)
			w, ok := now.Load(a, 8)
			if !ok || v == w {
				continue
			}
			// Where the halves have names of their own a word is two.
			width := ir.Width(8)
			if halves(im, a) {
				width = 4
			}
			for at := a; at < a+8; at += ir.Addr(width) {
				v, _ := old.Load(at, width)
				w, _ := now.Load(at, width)
				if v != w {
					step.Memory = append(step.Memory, Change{Place: im.DataName(at), Value: im.ValueName(w)})
				}
			}
		}
	}
}

// sameStores notes the stores of a step that stored what was there already: no
// change of memory, and yet what a lost update looks like.
func (t *teller) sameStores(step *Step) {
	im, id := t.m.Image(), emu.TaskID(step.Thread)
	regs := t.m.Regs(id)
	i, from, to := t.ran(id)
	if i < 0 || t.left() {
		return
	}
	written := map[ir.Reg]bool{ir.T0: true, ir.T1: true}
	for _, o := range im.Instrs[i].Ops[from:to] {
		m := o.Mem
		if o.Code == ir.St && !written[m.Base] && !written[m.Index] {
			a := ir.Addr(m.Disp)
			if m.Base != ir.None {
				a += ir.Addr(regs.R[m.Base])
			}
			if m.Index != ir.None {
				a += ir.Addr(regs.R[m.Index] << m.Scale)
			}
			if v, ok := t.m.Memory(id).Load(a, o.Width); ok {
				step.Memory = append(step.Memory, Change{Place: im.DataName(a), Value: im.ValueName(v), Same: true})
			}
		}
		written[o.Dst] = o.Dst != ir.None
	}
}

// note says what an event means; "" if the step says it already.
func (t *teller) note(step *Step, e emu.Event) string {
	im := t.m.Image()
	switch e.Kind {
	case emu.EvSchedOut:
		return fmt.Sprintf("t%d leaves c%d %s", e.Task, e.CPU, t.place(e.Task))
	case emu.EvSchedIn:
		if prev := int64(e.A); prev >= 0 && prev != int64(e.CPU) {
			return fmt.Sprintf("t%d gets c%d, was on c%d", e.Task, e.CPU, prev)
		}
		return fmt.Sprintf("t%d gets c%d", e.Task, e.CPU)
	case emu.EvIDs:
		return fmt.Sprintf("the kernel writes the ids: cpu_id %d, node_id %d, mm_cid %d", e.A, e.B>>32, uint32(e.B))
	case emu.EvClear:
		return fmt.Sprintf("the kernel clears rseq_cs, which was %s: t%d is outside", im.ValueName(e.A), e.Task)
	case emu.EvAbort:
		return fmt.Sprintf("the kernel aborts %s: t%d goes from %s to %s", im.ValueName(e.B), e.Task, im.Where(e.IP), im.Where(ir.Addr(e.A)))
	case emu.EvSignal:
		return fmt.Sprintf("%s is delivered: handler %s; the frame saves %s", abi.Signal(e.A), im.Where(ir.Addr(e.B)), spot(im, e.IP))
	case emu.EvSigreturn:
		return "the handler returns to " + spot(im, e.IP)
	case emu.EvSyscall:
		if step.Instr == fmt.Sprintf("syscall %s", abi.Syscall(e.A)) {
			return ""
		}
		return syscallNote(e)
	case emu.EvSysret:
		return syscallNote(e)
	case emu.EvFatal:
		return fmt.Sprintf("the kernel sends t%d %s: %s", e.Task, abi.Signal(e.A), emu.Reason(e.B))
	case emu.EvExit:
		return fmt.Sprintf("t%d ends", e.Task)
	case emu.EvHeld:
		return fmt.Sprintf("nobody else sees yet: %s = %s", im.DataName(ir.Addr(e.A)), im.ValueName(e.B))
	case emu.EvDeferred:
		return fmt.Sprintf("not loaded yet: %s, from %s", ir.Reg(e.B), im.DataName(ir.Addr(e.A)))
	case emu.EvPerformed:
		return fmt.Sprintf("everybody sees t%d's store now: %s = %s", e.Task, im.DataName(ir.Addr(e.A)), im.ValueName(e.B))
	case emu.EvBound:
		return fmt.Sprintf("t%d's load is made now: %s = %s", e.Task, ir.Reg(e.A), im.ValueName(e.B))
	case emu.EvStale:
		return fmt.Sprintf("an old value, loaded early: %s is %s by now", im.DataName(ir.Addr(e.A)), im.ValueName(e.B))
	case emu.EvGrant:
		return fmt.Sprintf("t%d asked for more time and gets it: the reschedule is dropped, a timer runs", e.Task)
	case emu.EvExpire:
		return fmt.Sprintf("t%d's time is over", e.Task)
	case emu.EvRevoke:
		return fmt.Sprintf("the kernel takes t%d's slice away", e.Task)
	case emu.EvGiveUp:
		return fmt.Sprintf("t%d gives its slice up, and then makes the call", e.Task)
	case emu.EvKill:
		return fmt.Sprintf("%s ends the process", abi.Signal(e.A))
	}
	return ""
}

// spot names a code address within a sentence.
func spot(im *ir.Image, ip ir.Addr) string {
	if ip == ir.ReturnIP {
		return "a point between calls"
	}
	return im.Where(ip)
}

// place says where a thread is, in which section, and whether the kernel would
// know of it.
func (t *teller) place(id emu.TaskID) string {
	im, ip := t.m.Image(), t.m.Next(id)
	where := "at " + im.Where(ip)
	if i := im.Index(ip); i >= 0 {
		where = fmt.Sprintf("before %q at %s", cmp.Or(im.Machine[i], im.Source[i].String()), im.Where(ip))
	}
	s := im.SectionAt(ip)
	if s == nil {
		return where
	}
	where += ", inside " + s.Name
	if cs, ok := t.prev.Memory(id).Load(im.TP(int(id))+abi.OffRSeqCS, 8); ok && ir.Addr(cs) != s.Addr {
		where += " (rseq_cs doesn't say so)"
	}
	return where
}
