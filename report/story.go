package report

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Story is a run, transition by transition.
type Story struct {
	Program string `json:"program"`
	Kernel  string `json:"kernel"`
	Steps   []Step `json:"steps"`
	// Broken is the property that the run broke, and Message how; empty if it
	// broke none.
	Broken  string `json:"broken,omitempty"`
	Message string `json:"message,omitempty"`
}

// Step is a transition.
type Step struct {
	N      int    `json:"n"`      // counts from 1
	Choice string `json:"choice"` // as in a schedule
	CPU    int    `json:"cpu"`    // -1: none
	Thread int    `json:"thread"` // -1: none
	// Where and Instr are the instruction that ran, if one did.
	Where string `json:"where,omitempty"`
	Instr string `json:"instr,omitempty"`
	// Begins is the call that began with it.
	Begins string `json:"begins,omitempty"`
	// Changes are the registers and memory that have other values now.
	Changes []Change `json:"changes,omitempty"`
	// Notes say what the kernel did, and what ended.
	Notes []string `json:"notes,omitempty"`
}

// Change is a place's new value.
type Change struct {
	Place string `json:"place"`
	Value string `json:"value"`
}

// Tell follows a schedule on a fresh machine and writes down what happens. The
// error, if any, is that of [explore.Schedule.Follow]; the story goes up to
// there.
func Tell(m *emu.Machine, s *explore.Schedule, factories []explore.Factory) (*Story, error) {
	t := teller{m: m, story: &Story{Program: m.Image().Prog.Name, Kernel: m.Kernel().String()}}
	t.before = m.NewSnapshot()
	t.prev = m.Fork()
	factories = append(factories[:len(factories):len(factories)], t.property)
	out, err := s.Follow(m, factories, t.observe)
	if out != nil && out.Violation != nil {
		// The property that broke was asked before this one.
		if len(t.story.Steps) < len(out.Schedule) {
			t.after(out.Schedule[len(out.Schedule)-1])
		}
		t.story.Broken, t.story.Message = out.Violation.Property, out.Violation.Message
	}
	return t.story, err
}

// teller watches a machine from the inside of a run: as an observer of events
// and as a property that is asked after each transition.
type teller struct {
	m      *emu.Machine
	story  *Story
	prev   *emu.Machine  // the machine before the transition
	before *emu.Snapshot // carries its state
	events []emu.Event
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
	default:
		step.CPU = int(c.CPU())
		if id, ok := t.prev.Running(c.CPU()); ok {
			step.Thread = int(id)
		}
		if c.Kind() == emu.Run {
			step.Thread = int(c.Task())
		}
	}
	if c.Kind() == emu.Step {
		t.instruction(&step)
	}
	for _, e := range t.events {
		if e.Kind == emu.EvInvoke {
			step.Begins = t.m.CallName(e.Task, int(e.A))
		} else if note := t.note(e); note != "" {
			step.Notes = append(step.Notes, note)
		}
	}
	t.events = t.events[:0]
	t.memory(&step)
	t.story.Steps = append(t.story.Steps, step)
	t.m.Save(t.before)
	t.prev.Restore(t.before)
}

// instruction notes what the thread ran and what it did to the registers.
func (t *teller) instruction(step *Step) {
	im, id := t.m.Image(), emu.TaskID(step.Thread)
	ip := t.prev.Next(id)
	step.Where = im.Where(ip)
	if i := im.Index(ip); i >= 0 {
		step.Instr = im.Source[i].String()
	}
	old, now := t.prev.Regs(id), t.m.Regs(id)
	if ip != old.IP || now.IP == ir.ReturnIP {
		return // a call began or ended: all registers are new
	}
	for r := ir.R0; r < ir.TP; r++ {
		if old.R[r] != now.R[r] {
			step.Changes = append(step.Changes, Change{r.String(), t.m.Image().ValueName(now.R[r])})
		}
	}
}

// memory notes the words that changed in the address space of the step's
// thread.
func (t *teller) memory(step *Step) {
	id := emu.TaskID(max(step.Thread, 0))
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
			// Where the halves have names of their own, or only one changed, a
			// word is two.
			width := ir.Width(8)
			if halves(t.m.Image(), a) {
				width = 4
			}
			for at := a; at < a+8; at += ir.Addr(width) {
				v, _ := old.Load(at, width)
				w, _ := now.Load(at, width)
				if v != w {
					step.Changes = append(step.Changes, Change{t.m.Image().DataName(at), t.m.Image().ValueName(w)})
				}
			}
		}
	}
}

// note says what an event means; "" if the step says it already.
func (t *teller) note(e emu.Event) string {
	im := t.m.Image()
	switch e.Kind {
	case emu.EvReturn:
		return fmt.Sprintf("returns %s, r1 = %s", t.m.Image().ValueName(e.A), t.m.Image().ValueName(e.B))
	case emu.EvSchedOut:
		return fmt.Sprintf("t%d leaves c%d %s", e.Task, e.CPU, t.place(t.m.Next(e.Task)))
	case emu.EvSchedIn:
		if prev := int64(e.A); prev >= 0 && prev != int64(e.CPU) {
			return fmt.Sprintf("t%d gets c%d, was on c%d", e.Task, e.CPU, prev)
		}
		return fmt.Sprintf("t%d gets c%d", e.Task, e.CPU)
	case emu.EvIDs:
		return fmt.Sprintf("the kernel writes the ids: cpu_id %d, node_id %d, mm_cid %d", e.A, e.B>>32, uint32(e.B))
	case emu.EvClear:
		return fmt.Sprintf("the kernel clears rseq_cs, which was %s: t%d is outside", t.m.Image().ValueName(e.A), e.Task)
	case emu.EvAbort:
		return fmt.Sprintf("the kernel aborts %s: t%d goes from %s to %s", t.m.Image().ValueName(e.B), e.Task, im.Where(e.IP), im.Where(ir.Addr(e.A)))
	case emu.EvSignal:
		return fmt.Sprintf("signal %d is delivered: handler %s; the frame saves %s", e.A, im.Where(ir.Addr(e.B)), im.Where(e.IP))
	case emu.EvSigreturn:
		return "the handler returns to " + im.Where(e.IP)
	case emu.EvSyscall, emu.EvSysret:
		return syscallNote(e)
	case emu.EvFatal:
		return fmt.Sprintf("the kernel sends t%d signal %d: %s", e.Task, e.A, emu.Reason(e.B))
	case emu.EvExit:
		return fmt.Sprintf("t%d ends", e.Task)
	case emu.EvKill:
		return fmt.Sprintf("signal %d ends the process", e.A)
	}
	return ""
}

// place says where a thread is, and in which section.
func (t *teller) place(ip ir.Addr) string {
	im := t.m.Image()
	where := "at " + im.Where(ip)
	if i := im.Index(ip); i >= 0 {
		where = fmt.Sprintf("before %q at %s", im.Source[i].String(), im.Where(ip))
	}
	if s := im.SectionAt(ip); s != nil {
		where += ", inside " + s.Name
	}
	return where
}
