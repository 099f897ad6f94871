package props

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Monitor decides linearizability while a run goes on. It is an
// [explore.Property].
type Monitor struct {
	spec    *Spec
	im      *ir.Image
	funcs   []string // that play the roles
	ops     [][]Op   // by thread and call
	pending []int16  // by thread: the call under way, or none
	configs []config // sorted, without duplicates; never empty before a violation
	failed  *explore.Violation
	encoded []byte // the bytes of AppendState, if they are known

	known [][]map[string][]outcome // by thread, call and state
	next  []config                 // buffers of returned
	later [2][]config
}

const none = -1

// config is one way in which the calls so far can have taken effect.
type config struct {
	state string
	// effect has a bit for each thread whose pending call has taken effect;
	// rets are the results of these, in order of threads.
	effect uint64
	rets   string
}

// Linearizable makes a monitor of the program's calls against a specification,
// whose roles the named functions play.
func Linearizable(spec *Spec, funcs ...string) explore.Factory {
	return func(m *emu.Machine) (explore.Property, error) {
		roles, err := spec.bindTo(m.Image(), funcs)
		if err != nil {
			return nil, err
		}
		init, err := spec.Init(m)
		if err != nil {
			return nil, fmt.Errorf("spec %s: %w", spec.Name, err)
		}
		p := m.Image().Prog
		mon := &Monitor{spec: spec, im: m.Image(), funcs: funcs, ops: opsOf(p, m.Image(), roles)}
		for i := range p.Threads {
			mon.pending = append(mon.pending, none)
			mon.known = append(mon.known, make([]map[string][]outcome, len(mon.ops[i])))
		}
		mon.configs = []config{{state: init}}
		return mon, nil
	}
}

// Observe takes in calls and returns.
func (mon *Monitor) Observe(e emu.Event) {
	t := int(e.Task)
	if t >= len(mon.ops) || mon.failed != nil {
		return
	}
	switch e.Kind {
	case emu.EvInvoke:
		if mon.ops[t][e.A].Role >= 0 {
			mon.pending[t] = int16(e.A)
			mon.encoded = mon.encoded[:0]
		}
	case emu.EvReturn:
		if mon.pending[t] >= 0 {
			mon.returned(t, Ret{e.A, e.B})
		}
	}
}

// Selects says that it is about calls and returns.
func (mon *Monitor) Selects() (kinds emu.EventSet, every bool) {
	return emu.SetOf(emu.EvInvoke, emu.EvReturn), false
}

// After reports the violation, if a call could not be explained.
func (mon *Monitor) After(*emu.Machine, emu.Choice) *explore.Violation { return mon.failed }

// AtEnd has nothing to add: a history is linearizable if all its returns were.
func (mon *Monitor) AtEnd(*emu.Machine) *explore.Violation { return nil }

// returned keeps the configurations in which thread t's call has taken effect
// with that result. Where it hasn't yet, it does now, behind none, one, two, …
// of the other pending calls.
func (mon *Monitor) returned(t int, ret Ret) {
	next := mon.next[:0]
	for i, round := 0, mon.configs; len(round) > 0; i++ {
		later := mon.later[i%2][:0] // round is in the other one
		for _, c := range round {
			if c.effect&(1<<t) != 0 {
				if c.result(t) == ret {
					next = append(next, c.without(t))
				}
				continue
			}
			for u, call := range mon.pending {
				if call < 0 || c.effect&(1<<u) != 0 {
					continue
				}
				for _, o := range mon.outcomes(c.state, u, int(call)) {
					switch {
					case u != t:
						later = append(later, c.with(u, o.ret, o.state))
					case o.ret == ret:
						next = append(next, config{o.state, c.effect, c.rets})
					}
				}
			}
		}
		mon.later[i%2] = later
		round = distinct(later)
	}
	call := mon.pending[t]
	mon.pending[t] = none
	mon.encoded = mon.encoded[:0]
	mon.next = next
	if len(next) == 0 {
		mon.failed = mon.violation(t, mon.ops[t][call], ret, mon.configs)
		return
	}
	mon.configs = append(mon.configs[:0], distinct(next)...)
}

// outcome is what a call can come to in a state.
type outcome struct {
	ret   Ret
	state string
}

// outcomes asks the specification, or remembers what it said: a search comes to
// the same few abstract states again and again.
func (mon *Monitor) outcomes(state string, t, call int) []outcome {
	known := mon.known[t][call]
	out, ok := known[state]
	if !ok {
		mon.spec.Next(state, mon.ops[t][call], func(r Ret, s string) {
			if o := (outcome{r, s}); !slices.Contains(out, o) {
				out = append(out, o)
			}
		})
		if known == nil || len(known) >= maxKnown {
			known = map[string][]outcome{}
			mon.known[t][call] = known
		}
		known[state] = out
	}
	return out
}

// maxKnown bounds how many states' outcomes are remembered for each call.
const maxKnown = 1 << 12

// distinct sorts configurations and drops what occurs twice.
func distinct(cs []config) []config {
	slices.SortFunc(cs, compareConfig)
	return slices.Compact(cs)
}

func compareConfig(a, b config) int {
	return cmp.Or(cmp.Compare(a.state, b.state), cmp.Compare(a.effect, b.effect), cmp.Compare(a.rets, b.rets))
}

func (mon *Monitor) violation(t int, op Op, ret Ret, before []config) *explore.Violation {
	msg := fmt.Sprintf("t%d's %s returned %s with r1 = %s, which no order of the calls explains",
		t, mon.funcs[op.Role], mon.im.ValueName(ret.R0), mon.im.ValueName(ret.R1))
	if mon.spec.Describe != nil {
		var could []string
		for _, c := range before {
			if s := mon.spec.Describe(c.state, mon.im.ValueName); !slices.Contains(could, s) && len(could) < maxDescribed {
				could = append(could, s)
			}
		}
		msg += fmt.Sprintf("; before it the %s was %s", mon.spec.Name, strings.Join(could, ", or "))
	}
	return &explore.Violation{Property: linearizable(mon.spec), Message: msg}
}

// linearizable is the property's name.
func linearizable(s *Spec) string { return "linearizable(" + s.Name + ")" }

// maxDescribed bounds how many possible states a message lists.
const maxDescribed = 4

const retSize = 16

// at is the offset of thread t's result in rets.
func (c config) at(t int) int {
	return retSize * bits.OnesCount64(c.effect&(1<<t-1))
}

func (c config) result(t int) Ret {
	b := []byte(c.rets[c.at(t):][:retSize])
	return Ret{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// with is the configuration after thread t's call has taken effect.
func (c config) with(t int, r Ret, state string) config {
	at := c.at(t)
	b := make([]byte, 0, 8*retSize)
	b = append(b, c.rets[:at]...)
	b = binary.LittleEndian.AppendUint64(b, r.R0)
	b = binary.LittleEndian.AppendUint64(b, r.R1)
	b = append(b, c.rets[at:]...)
	return config{state: state, effect: c.effect | 1<<t, rets: string(b)}
}

// without is the configuration after thread t's call has returned.
func (c config) without(t int) config {
	at := c.at(t)
	return config{state: c.state, effect: c.effect &^ (1 << t), rets: c.rets[:at] + c.rets[at+retSize:]}
}

// AppendState appends the pending calls and the configurations. That a thread
// has a call pending is part of the machine's state too, but which ones the
// specification knows isn't.
func (mon *Monitor) AppendState(b []byte) []byte {
	if len(mon.encoded) == 0 {
		mon.encoded = mon.encode(mon.encoded)
	}
	return append(b, mon.encoded...)
}

func (mon *Monitor) encode(b []byte) []byte {
	for _, c := range mon.pending {
		b = binary.LittleEndian.AppendUint16(b, uint16(c))
	}
	b = binary.AppendUvarint(b, uint64(len(mon.configs)))
	for _, c := range mon.configs {
		b = binary.AppendUvarint(b, uint64(len(c.state)))
		b = append(b, c.state...)
		b = binary.AppendUvarint(b, c.effect)
		b = append(b, c.rets...)
	}
	return b
}

var errMonitor = errors.New("not a monitor's state")

// SetState reads what AppendState wrote. Most often that is what the monitor
// remembers anyway: few transitions begin or end a call.
func (mon *Monitor) SetState(b []byte) ([]byte, error) {
	mon.failed = nil
	if len(mon.encoded) > 0 && bytes.HasPrefix(b, mon.encoded) {
		return b[len(mon.encoded):], nil
	}
	mon.encoded = mon.encoded[:0]
	rest, err := mon.decode(b)
	if err == nil {
		mon.encoded = append(mon.encoded, b[:len(b)-len(rest)]...)
	}
	return rest, err
}

func (mon *Monitor) decode(b []byte) ([]byte, error) {
	if len(b) < 2*len(mon.pending) {
		return nil, errMonitor
	}
	var pending uint64
	for t := range mon.pending {
		call := int16(binary.LittleEndian.Uint16(b))
		switch {
		case call == none:
		case call < 0 || int(call) >= len(mon.ops[t]) || mon.ops[t][call].Role < 0:
			return nil, errMonitor
		default:
			pending |= 1 << t
		}
		mon.pending[t] = call
		b = b[2:]
	}
	n, k := binary.Uvarint(b)
	if k <= 0 || n == 0 {
		return nil, errMonitor
	}
	b = b[k:]
	mon.configs = mon.configs[:0]
	text := string(b)
	cut := func(n int) (s string) {
		s, text, b = text[:n], text[n:], b[n:]
		return s
	}
	for range n {
		var c config
		if n, k = binary.Uvarint(b); k <= 0 || n > uint64(len(b)-k) {
			return nil, errMonitor
		}
		cut(k)
		c.state = cut(int(n))
		if c.effect, k = binary.Uvarint(b); k <= 0 || c.effect&^pending != 0 {
			return nil, errMonitor
		}
		cut(k)
		size := retSize * bits.OnesCount64(c.effect)
		if len(b) < size {
			return nil, errMonitor
		}
		c.rets = cut(size)
		mon.configs = append(mon.configs, c)
	}
	return b, nil
}
