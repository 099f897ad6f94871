package props

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"unsafe"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/symmetry"
)

// Monitor decides linearizability while a run goes on. It is an
// [explore.Property].
//
// It is an automaton that is built while it runs: each of its states is worked
// out once, and an event that was seen in a state before only follows a move. So
// a search, which comes to the same few states again and again, spends a table
// look-up on an event and allocates nothing. What is written of a state is its
// meaning and not its number, which depends on who came there first.
type Monitor struct {
	spec  *Spec
	im    *ir.Image
	funcs []string // that play the roles
	ops   [][]Op   // by thread and call

	start  *node
	at     *node
	failed refused // if anything couldn't be explained

	nodes     map[string]*node   // by their bytes
	configs   map[string]*config // by their bytes
	size, max int                // of all that, about, in bytes

	// Buffers of returned and intern.
	visit, next []*config
	visits      uint
	bytes       []byte
	name        []byte // of a renaming

	element symmetry.Kind // of a slot, if that is renamed
}

var _ explore.Seconded = (*Monitor)(nil) // Porcupine is the judge

const none = -1

// node is a state of the automaton.
type node struct {
	bytes   string    // what AppendState writes
	pending []int16   // by thread: the call under way, or none
	configs []*config // sorted, without duplicates; never empty
	moves   []move
	renamed map[string]string // bytes under other names, by these
}

// move is what an event leads to.
type move struct {
	thread int16
	call   int16 // that begins, or none: the call under way returns ret
	ret    Ret
	to     *node // nil: nothing explains it
}

// refused is the return that nothing explains.
type refused struct {
	before *node // nil: there is none
	thread int
	ret    Ret
}

// maxSize bounds the memory of an automaton. One that is larger is forgotten,
// and built anew.
const maxSize = 32 << 20

// config is one way in which the calls so far can have taken effect. There is one
// of each; what can follow is worked out once.
type config struct {
	state string
	// effect has a bit for each thread whose pending call has taken effect;
	// rets are the results of these, in order of threads.
	effect uint64
	rets   string

	bytes string // what is written of it
	steps []step
	visit uint // when it was visited last
}

// step lists what a thread's call that takes effect can come to.
type step struct {
	thread, call int16
	outcomes     []outcome
}

// outcome is a result; the configuration in which the call is pending, with that
// result; and the one in which it has returned.
type outcome struct {
	ret          Ret
	pending, end *config
}

// Linearizable makes a monitor of the program's calls against a specification,
// whose roles the named functions play.
func Linearizable(spec *Spec, funcs ...string) explore.Factory {
	return func(m *emu.Machine) (explore.Property, error) {
		mon, err := NewMonitor(m, spec, funcs...)
		if err != nil {
			return nil, err
		}
		return mon, nil
	}
}

// NewMonitor is [Linearizable] for a single machine.
func NewMonitor(m *emu.Machine, spec *Spec, funcs ...string) (*Monitor, error) {
	roles, err := spec.bindTo(m.Image(), funcs)
	if err != nil {
		return nil, err
	}
	init, err := spec.Init(m)
	if err != nil {
		return nil, fmt.Errorf("spec %s: %w", spec.Name, err)
	}
	p := m.Image().Prog
	mon := &Monitor{spec: spec, im: m.Image(), funcs: funcs, ops: opsOf(p, m.Image(), roles),
		nodes: map[string]*node{}, configs: map[string]*config{}, max: maxSize}
	mon.start = mon.node(slices.Repeat([]int16{none}, len(p.Threads)), []*config{mon.config(init, 0, "")})
	mon.at = mon.start
	return mon, nil
}

// Explains reports whether a history, of which it looks at invocations and returns,
// is linearizable from the object's initial state on. A call without a return
// has taken effect, with any result, or hasn't.
func (mon *Monitor) Explains(history []emu.Event) bool {
	mon.at, mon.failed = mon.start, refused{}
	for _, e := range history {
		if mon.Observe(e); mon.failed.before != nil {
			return false
		}
	}
	return true
}

// Observe takes in calls and returns.
func (mon *Monitor) Observe(e emu.Event) {
	t := int(e.Task)
	if e.Kind > emu.EvReturn || t >= len(mon.ops) || mon.failed.before != nil {
		return
	}
	mv := move{thread: int16(t), call: none, ret: Ret{e.A, e.B}}
	switch {
	case e.Kind == emu.EvInvoke:
		if mon.ops[t][e.A].Role < 0 {
			return
		}
		mv.call, mv.ret = int16(e.A), Ret{}
	case mon.at.pending[t] < 0:
		return
	}
	for i := range mon.at.moves {
		if k := &mon.at.moves[i]; k.thread == mv.thread && k.call == mv.call && k.ret == mv.ret {
			mon.follow(k)
			return
		}
	}
	mon.grow(&mv)
	mon.follow(&mv)
}

func (mon *Monitor) follow(mv *move) {
	if mv.to == nil {
		mon.failed = refused{mon.at, int(mv.thread), mv.ret}
		return
	}
	mon.at = mv.to
}

// grow works out where a new move leads to, and adds it to the automaton.
func (mon *Monitor) grow(mv *move) {
	at, t := mon.at, int(mv.thread)
	configs := at.configs
	if mv.call < 0 {
		configs = mon.returned(at, t, mv.ret)
	}
	if len(configs) > 0 {
		was := at.pending[t]
		at.pending[t] = mv.call
		mv.to = mon.node(at.pending, configs)
		at.pending[t] = was
	}
	at.moves = append(at.moves, *mv)
	if mon.size += int(unsafe.Sizeof(*mv)); mon.size > mon.max {
		mon.forget(at, mv.to)
	}
}

// node returns the node of that meaning, and makes one if there is none.
func (mon *Monitor) node(pending []int16, configs []*config) *node {
	mon.bytes = encode(mon.bytes[:0], pending, configs)
	if n, ok := mon.nodes[string(mon.bytes)]; ok {
		return n
	}
	n := &node{bytes: string(mon.bytes), pending: slices.Clone(pending), configs: slices.Clone(configs)}
	mon.add(n)
	return n
}

func (mon *Monitor) add(n *node) {
	mon.nodes[n.bytes] = n
	mon.size += int(unsafe.Sizeof(*n)) + 2*len(n.bytes) + 8*len(n.configs)
}

// config returns the configuration of that meaning, and makes one if there is
// none.
func (mon *Monitor) config(state string, effect uint64, rets string) *config {
	b := binary.AppendUvarint(mon.bytes[:0], uint64(len(state)))
	b = append(b, state...)
	b = binary.AppendUvarint(b, effect)
	b = append(b, rets...)
	mon.bytes = b
	if c, ok := mon.configs[string(b)]; ok {
		return c
	}
	c := &config{state: state, effect: effect, rets: rets, bytes: string(b)}
	mon.configs[c.bytes] = c
	mon.size += int(unsafe.Sizeof(*c)) + 3*len(c.bytes)
	return c
}

// forget drops all nodes but the first and those that are named, and all that
// was worked out.
func (mon *Monitor) forget(keep ...*node) {
	mon.nodes, mon.configs, mon.size = map[string]*node{}, map[string]*config{}, 0
	for _, n := range append(keep, mon.start) {
		if n != nil {
			n.moves, n.renamed = nil, nil
			for i, c := range n.configs {
				n.configs[i] = mon.config(c.state, c.effect, c.rets)
			}
			mon.add(n)
		}
	}
}

// Selects says that it is about calls and returns.
func (mon *Monitor) Selects() (kinds emu.EventSet, every bool) {
	return emu.SetOf(emu.EvInvoke, emu.EvReturn), false
}

// After reports the violation, if a call could not be explained.
func (mon *Monitor) After(*emu.Machine, emu.Choice) *explore.Violation {
	if mon.failed.before == nil {
		return nil
	}
	return mon.violation(mon.failed)
}

// AtEnd has nothing to add: a history is linearizable if all its returns were.
func (mon *Monitor) AtEnd(*emu.Machine) *explore.Violation { return nil }

// returned lists the configurations in which thread t's call has taken effect
// with that result. Where it hasn't yet, it does now, behind none, one, two, …
// of the other pending calls. The list is the monitor's, until the next one.
func (mon *Monitor) returned(at *node, t int, ret Ret) []*config {
	mon.visit, mon.next = append(mon.visit[:0], at.configs...), mon.next[:0]
	mon.visits++
	for _, c := range at.configs {
		c.visit = mon.visits
	}
	for i := 0; i < len(mon.visit); i++ {
		c := mon.visit[i]
		if c.effect&(1<<t) != 0 {
			if c.result(t) == ret {
				mon.next = append(mon.next, mon.without(c, t))
			}
			continue
		}
		for u, call := range at.pending {
			if call < 0 || c.effect&(1<<u) != 0 {
				continue
			}
			for _, o := range mon.outcomes(c, u, call) {
				switch {
				case u == t && o.ret == ret:
					mon.next = append(mon.next, o.end)
				case u != t && o.pending.visit != mon.visits:
					o.pending.visit = mon.visits
					mon.visit = append(mon.visit, o.pending)
				}
			}
		}
	}
	mon.next = distinct(mon.next)
	return mon.next
}

// outcomes asks the specification, or remembers what it said.
func (mon *Monitor) outcomes(c *config, t int, call int16) []outcome {
	for i := range c.steps {
		if s := &c.steps[i]; int(s.thread) == t && s.call == call {
			return s.outcomes
		}
	}
	var out []outcome
	mon.spec.Next(c.state, mon.ops[t][call], func(r Ret, state string) {
		o := outcome{r, mon.with(c, t, r, state), mon.config(state, c.effect, c.rets)}
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	})
	c.steps = append(c.steps, step{int16(t), call, out})
	mon.size += int(unsafe.Sizeof(step{})) + len(out)*int(unsafe.Sizeof(outcome{}))
	return out
}

// distinct sorts configurations and drops what occurs twice.
func distinct(cs []*config) []*config {
	slices.SortFunc(cs, compareConfig)
	return slices.Compact(cs)
}

func compareConfig(a, b *config) int {
	return cmp.Or(cmp.Compare(a.state, b.state), cmp.Compare(a.effect, b.effect), cmp.Compare(a.rets, b.rets))
}

func (mon *Monitor) violation(f refused) *explore.Violation {
	op := mon.ops[f.thread][f.before.pending[f.thread]]
	msg := fmt.Sprintf("t%d's %s returned %s with r1 = %s, which no order of the calls explains",
		f.thread, mon.funcs[op.Role], mon.im.ValueName(f.ret.R0), mon.im.ValueName(f.ret.R1))
	if mon.spec.Describe != nil {
		var could []string
		for _, c := range f.before.configs {
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
func (c *config) at(t int) int {
	return retSize * bits.OnesCount64(c.effect&(1<<t-1))
}

func (c *config) result(t int) Ret {
	b := []byte(c.rets[c.at(t):][:retSize])
	return Ret{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// with is the configuration after thread t's call has taken effect.
func (mon *Monitor) with(c *config, t int, r Ret, state string) *config {
	at := c.at(t)
	b := make([]byte, 0, 8*retSize)
	b = append(b, c.rets[:at]...)
	b = binary.LittleEndian.AppendUint64(b, r.R0)
	b = binary.LittleEndian.AppendUint64(b, r.R1)
	b = append(b, c.rets[at:]...)
	return mon.config(state, c.effect|1<<t, string(b))
}

// without is the configuration after thread t's call has returned.
func (mon *Monitor) without(c *config, t int) *config {
	at := c.at(t)
	return mon.config(c.state, c.effect&^(1<<t), c.rets[:at]+c.rets[at+retSize:])
}

// AppendState appends the pending calls and the configurations. That a thread
// has a call pending is part of the machine's state too, but which ones the
// specification knows isn't.
func (mon *Monitor) AppendState(b []byte) []byte { return append(b, mon.at.bytes...) }

func encode(b []byte, pending []int16, configs []*config) []byte {
	for _, c := range pending {
		b = binary.LittleEndian.AppendUint16(b, uint16(c))
	}
	b = binary.AppendUvarint(b, uint64(len(configs)))
	for _, c := range configs {
		b = append(b, c.bytes...)
	}
	return b
}

var errMonitor = errors.New("not a monitor's state")

// SetState reads what AppendState wrote. Most often that is where the monitor is
// anyway, since few transitions begin or end a call, or where it has been.
func (mon *Monitor) SetState(b []byte) ([]byte, error) {
	mon.failed = refused{}
	if n := len(mon.at.bytes); len(b) >= n && string(b[:n]) == mon.at.bytes {
		return b[n:], nil
	}
	n, err := mon.extent(b)
	if err != nil {
		return nil, err
	}
	at, ok := mon.nodes[string(b[:n])]
	if !ok {
		at = mon.decode(string(b[:n]))
		if mon.add(at); mon.size > mon.max {
			mon.forget(at)
		}
	}
	mon.at = at
	return b[n:], nil
}

// extent returns how many bytes belong to the state that b begins with, if these
// make sense.
func (mon *Monitor) extent(b []byte) (size int, err error) {
	rest := b
	if len(rest) < 2*len(mon.ops) {
		return 0, errMonitor
	}
	var pending uint64
	for t := range mon.ops {
		call := int16(binary.LittleEndian.Uint16(rest))
		switch {
		case call == none:
		case call < 0 || int(call) >= len(mon.ops[t]) || mon.ops[t][call].Role < 0:
			return 0, errMonitor
		default:
			pending |= 1 << t
		}
		rest = rest[2:]
	}
	configs, k := binary.Uvarint(rest)
	if k <= 0 || configs == 0 {
		return 0, errMonitor
	}
	rest = rest[k:]
	for range configs {
		n, k := binary.Uvarint(rest)
		if k <= 0 || n > uint64(len(rest)-k) {
			return 0, errMonitor
		}
		rest = rest[k+int(n):]
		effect, k := binary.Uvarint(rest)
		size := retSize * bits.OnesCount64(effect)
		if k <= 0 || effect&^pending != 0 || len(rest)-k < size {
			return 0, errMonitor
		}
		rest = rest[k+size:]
	}
	return len(b) - len(rest), nil
}

// decode makes a node of bytes that extent has found to make sense.
func (mon *Monitor) decode(text string) *node {
	n, b := &node{bytes: text}, []byte(text)
	for range mon.ops {
		n.pending = append(n.pending, int16(binary.LittleEndian.Uint16(b)))
		b = b[2:]
	}
	number := func() uint64 {
		v, k := binary.Uvarint(b)
		b = b[k:]
		return v
	}
	cut := func(n int) string {
		b = b[n:]
		return text[len(text)-len(b)-n : len(text)-len(b)]
	}
	for range number() {
		state, effect := cut(int(number())), number()
		n.configs = append(n.configs, mon.config(state, effect, cut(retSize*bits.OnesCount64(effect))))
	}
	return n
}
