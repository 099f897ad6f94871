package props

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// PorcupineModel is a specification as Porcupine wants it. Inputs are [Op],
// outputs [Ret], or nil for a call that hasn't returned: it has taken effect
// with any result, or not at all.
func PorcupineModel(spec *Spec, m *emu.Machine) (porcupine.Model, error) {
	init, err := spec.Init(m)
	if err != nil {
		return porcupine.Model{}, fmt.Errorf("spec %s: %w", spec.Name, err)
	}
	im := m.Image()
	nm := porcupine.NondeterministicModel{
		Init: func() []any { return []any{init} },
		Step: func(state, input, output any) []any {
			var next []any
			if output == nil {
				next = append(next, state)
			}
			spec.Next(state.(string), input.(Op), func(r Ret, s string) {
				if output == nil || r == output.(Ret) {
					next = append(next, s)
				}
			})
			return next
		},
		DescribeOperation: func(input, output any) string { return describeOp(spec, im, input.(Op), output) },
	}
	if spec.Describe != nil {
		nm.DescribeState = func(state any) string { return spec.Describe(state.(string), im.ValueName) }
	}
	return nm.ToModel(), nil
}

func describeOp(spec *Spec, im *ir.Image, op Op, output any) string {
	n := len(op.Args)
	for n > 0 && op.Args[n-1] == 0 {
		n--
	}
	args := make([]string, n)
	for i := range args {
		args[i] = im.ValueName(op.Args[i])
	}
	s := fmt.Sprintf("%s(%s)", spec.Roles[op.Role], strings.Join(args, ", "))
	if r, ok := output.(Ret); ok {
		s += fmt.Sprintf(" → %s, r1 = %s", im.ValueName(r.R0), im.ValueName(r.R1))
	}
	return s
}

// History records a run's calls and has Porcupine judge them: the same question
// as [Linearizable] answers, by other means. As a property ([Porcupine]) it
// judges after each return; to only record, let it observe a run.
type History struct {
	spec   *Spec
	model  porcupine.Model
	ops    [][]Op // by thread and call
	calls  []recorded
	open   []int16 // by thread: index into calls of the one under way, or none
	clock  int64
	judged int64 // the clock when it was last judged
}

// recorded is a call; its times are the clock's, which each call and each
// return moves on.
type recorded struct {
	thread, call int
	from, to     int64 // to is 0 until it returns
	ret          Ret
}

// NewHistory begins a history of the calls that play a specification's roles.
func NewHistory(m *emu.Machine, spec *Spec, funcs ...string) (*History, error) {
	roles, err := spec.bindTo(m.Image(), funcs)
	if err != nil {
		return nil, err
	}
	model, err := PorcupineModel(spec, m)
	if err != nil {
		return nil, err
	}
	p := m.Image().Prog
	h := &History{spec: spec, model: model, ops: opsOf(p, m.Image(), roles)}
	for range p.Threads {
		h.open = append(h.open, none)
	}
	return h, nil
}

// Porcupine makes a property that stores the whole history and has Porcupine
// judge it after each return. It is an oracle for specifications and for the
// [Monitor]: slow, and no two states meet again unless their histories are the
// same.
func Porcupine(spec *Spec, funcs ...string) explore.Factory {
	return func(m *emu.Machine) (explore.Property, error) {
		h, err := NewHistory(m, spec, funcs...)
		if err != nil {
			return nil, err
		}
		return h, nil
	}
}

// Observe takes in calls and returns.
func (h *History) Observe(e emu.Event) {
	t := int(e.Task)
	if t >= len(h.ops) {
		return
	}
	switch e.Kind {
	case emu.EvInvoke:
		if h.ops[t][e.A].Role >= 0 {
			h.clock++
			h.open[t] = int16(len(h.calls))
			h.calls = append(h.calls, recorded{thread: t, call: int(e.A), from: h.clock})
		}
	case emu.EvReturn:
		if i := h.open[t]; i != none {
			h.clock++
			h.calls[i].to, h.calls[i].ret = h.clock, Ret{e.A, e.B}
			h.open[t] = none
		}
	}
}

// Operations returns the calls as Porcupine wants them. Those under way end
// after all others, with an unknown result.
func (h *History) Operations() []porcupine.Operation {
	ops := make([]porcupine.Operation, len(h.calls))
	for i, c := range h.calls {
		ops[i] = porcupine.Operation{ClientId: c.thread, Input: h.ops[c.thread][c.call], Call: c.from, Return: math.MaxInt64}
		if c.to != 0 {
			ops[i].Return, ops[i].Output = c.to, c.ret
		}
	}
	return ops
}

// Judge reports whether the history is linearizable. That takes time that is
// exponential in the number of concurrent calls.
func (h *History) Judge() bool { return porcupine.CheckOperations(h.model, h.Operations()) }

// patience is how long a judge thinks about a history.
const patience = 5 * time.Second

// Broken reports whether Porcupine finds no order, unless it takes seconds: then
// it can't tell. It makes the history an [explore.Judge].
func (h *History) Broken() (broken, ok bool) {
	r := porcupine.CheckOperationsTimeout(h.model, h.Operations(), patience)
	return r == porcupine.Illegal, r != porcupine.Unknown
}

// Judge makes Porcupine the judge of the monitor.
func (mon *Monitor) Judge(m *emu.Machine) (explore.Judge, error) {
	return NewHistory(m, mon.spec, mon.funcs...)
}

// After has the history judged if a call has begun or returned since.
func (h *History) After(*emu.Machine, emu.Choice) *explore.Violation {
	if h.judged == h.clock {
		return nil
	}
	h.judged = h.clock
	if h.Judge() {
		return nil
	}
	return &explore.Violation{Property: linearizable(h.spec), Message: fmt.Sprintf("Porcupine finds no order of the %d calls", len(h.calls))}
}

// AtEnd has nothing to add: all returns were judged.
func (h *History) AtEnd(*emu.Machine) *explore.Violation { return nil }

// AppendState appends the history.
func (h *History) AppendState(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(h.calls)))
	for _, c := range h.calls {
		for _, v := range [...]uint64{uint64(c.thread), uint64(c.call), uint64(c.from), uint64(c.to), c.ret.R0, c.ret.R1} {
			b = binary.AppendUvarint(b, v)
		}
	}
	return b
}

var errHistory = errors.New("not a history")

// SetState reads what AppendState wrote.
func (h *History) SetState(b []byte) ([]byte, error) {
	r := reader{b: b}
	h.calls, h.clock = h.calls[:0], 0
	for t := range h.open {
		h.open[t] = none
	}
	for range r.number() {
		thread, call := r.number(), r.number()
		if r.bad || thread >= uint64(len(h.ops)) || call >= uint64(len(h.ops[thread])) || h.ops[thread][call].Role < 0 {
			return nil, errHistory
		}
		c := recorded{int(thread), int(call), int64(r.number()), int64(r.number()), Ret{r.number(), r.number()}}
		if r.bad {
			return nil, errHistory
		}
		if c.to == 0 {
			h.open[c.thread] = int16(len(h.calls))
		}
		h.clock = max(h.clock, c.from, c.to)
		h.calls = append(h.calls, c)
	}
	if r.bad {
		return nil, errHistory
	}
	h.judged = h.clock
	return r.b, nil
}
