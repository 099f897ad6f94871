package props

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// Quiescent demands less than [Linearizable]: an order of the calls that the
// specification allows and in which a call comes before another if there was a moment
// between them in which no call was under way. In between, in a busy period, any order
// will do, that of one thread's calls included. What is counted in parts and is right
// whenever nobody counts is quiescently consistent.
//
// It is asked at the end of every busy period, and of the one that is under way at the
// end of a run, whose open calls may have taken effect or not.
func Quiescent(spec *Spec, funcs ...string) explore.Factory {
	return func(m *emu.Machine) (explore.Property, error) {
		r, init, err := newResults(m, spec, funcs)
		if err != nil {
			return nil, err
		}
		calls := 0
		for _, ops := range r.ops {
			calls += len(ops)
		}
		if calls > maxBusy {
			return nil, fmt.Errorf("spec %s quiescent: the threads make %d calls, too many to try their orders (%d)", spec.Name, calls, maxBusy)
		}
		return &quiescence{results: r, before: make([]int, len(r.ops)), states: []string{init}, judged: map[string][]string{}}, nil
	}
}

// maxBusy bounds the calls: in a busy period of all of them, all their orders are tried.
const maxBusy = 8

type quiescence struct {
	results
	before []int    // by thread: its calls that had returned when the busy period began
	states []string // of the object then, all that there can be, sorted
	broken bool

	judged map[string][]string // by AppendState, at the end of a busy period: states
}

func (q *quiescence) Observe(e emu.Event) {
	if !q.observe(e) || slices.Contains(q.open, true) || q.broken {
		return
	}
	states := q.after()
	if len(states) == 0 {
		q.broken = true // and what was before is still there to be told
		return
	}
	q.states = states
	for t := range q.before {
		q.before[t] = len(q.rets[t])
	}
}

// Selects says that it is about calls and returns.
func (q *quiescence) Selects() (kinds emu.EventSet, every bool) {
	return emu.SetOf(emu.EvInvoke, emu.EvReturn), false
}

// After reports the violation, if a busy period could not be explained.
func (q *quiescence) After(*emu.Machine, emu.Choice) *explore.Violation {
	if !q.broken {
		return nil
	}
	return q.violation()
}

// AtEnd asks about calls that have not returned.
func (q *quiescence) AtEnd(*emu.Machine) *explore.Violation {
	if q.broken || len(q.after()) == 0 {
		return q.violation()
	}
	return nil
}

func (q *quiescence) violation() *explore.Violation {
	msg := "no order of the calls since the last moment without any explains their results: " + q.list(q.before)
	if q.spec.Describe != nil {
		var could []string
		for _, s := range q.states {
			if len(could) < maxDescribed {
				could = append(could, q.spec.Describe(s, q.im.ValueName))
			}
		}
		msg += fmt.Sprintf("; before them the %s was %s", q.spec.Name, strings.Join(could, ", or "))
	}
	return &explore.Violation{Property: "quiescent(" + q.spec.Name + ")", Message: msg}
}

// after returns the states in which the object can be when the busy period's calls have
// all taken effect, and of those that are open any.
func (q *quiescence) after() []string {
	key := string(q.AppendState(nil))
	out, known := q.judged[key]
	if !known {
		if len(q.judged) >= maxJudged {
			clear(q.judged)
		}
		out = q.orders()
		q.judged[key] = out
	}
	return out
}

// orders tries the orders: it goes from a set of calls that have taken effect, and the
// state then, to those with one more.
func (q *quiescence) orders() []string {
	type call struct {
		op  Op
		ret *Ret
	}
	var calls []call
	must := uint16(0)
	for t, rets := range q.rets {
		for i := q.before[t]; i < len(rets); i++ {
			must |= 1 << len(calls)
			calls = append(calls, call{q.ops[t][i], &rets[i]})
		}
		if q.open[t] {
			calls = append(calls, call{op: q.ops[t][len(rets)]})
		}
	}
	type point struct {
		done  uint16
		state string
	}
	seen, stack := map[point]bool{}, []point{}
	add := func(p point) {
		if !seen[p] {
			seen[p] = true
			stack = append(stack, p)
		}
	}
	for _, s := range q.states {
		add(point{0, s})
	}
	var out []string
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if p.done&must == must {
			out = append(out, p.state)
		}
		for i, c := range calls {
			if p.done>>i&1 != 0 {
				continue
			}
			q.spec.Next(p.state, c.op, func(r Ret, state string) {
				if c.ret == nil || r == *c.ret {
					add(point{p.done | 1<<i, state})
				}
			})
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// AppendState appends how many calls were over, the results since, and the states.
func (q *quiescence) AppendState(b []byte) []byte {
	for t, rets := range q.rets {
		n := q.before[t]
		b = binary.AppendUvarint(b, uint64(n))
		b = binary.AppendUvarint(b, uint64(len(rets)-n)<<1|uint64(truth(q.open[t])))
		for _, r := range rets[n:] {
			b = binary.AppendUvarint(binary.AppendUvarint(b, r.R0), r.R1)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(q.states))<<1|uint64(truth(q.broken)))
	for _, s := range q.states {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

var errQuiescence = errors.New("not a quiescence's state")

// SetState reads what AppendState wrote. What calls of earlier periods returned is
// nobody's business any more.
func (q *quiescence) SetState(b []byte) ([]byte, error) {
	r := reader{b: b}
	for t := range q.rets {
		before, n := r.number(), r.number()
		q.open[t] = n&1 != 0
		if limit := uint64(len(q.ops[t])); before > limit || n>>1 > limit || before+n>>1+n&1 > limit {
			return nil, errQuiescence
		}
		q.before[t] = int(before)
		q.rets[t] = append(q.rets[t][:0], make([]Ret, before)...)
		for range n >> 1 {
			q.rets[t] = append(q.rets[t], Ret{r.number(), r.number()})
		}
	}
	n := r.number()
	q.states, q.broken = nil, n&1 != 0
	for range n >> 1 {
		size := r.number()
		if r.bad || size > uint64(len(r.b)) {
			return nil, errQuiescence
		}
		q.states = append(q.states, string(r.b[:size]))
		r.b = r.b[size:]
	}
	if r.bad || len(q.states) == 0 {
		return nil, errQuiescence
	}
	return r.b, nil
}
