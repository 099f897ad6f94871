package props

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// Sequential demands less than [Linearizable]: an order of the calls that the
// specification allows and in which each thread's calls are in the order in which
// it made them. A call may take effect before it began or after it returned, as
// far as that shows to nobody in the same thread. What a thread reads from a
// cache of its own may be old, but not older than what it has read before.
//
// What breaks this in the middle of a run can be put right by a later call, so it
// is asked at the end, when every thread has ended. What is remembered until then
// are the results: two runs that differ only in the times of their calls meet.
func Sequential(spec *Spec, funcs ...string) explore.Factory {
	return func(m *emu.Machine) (explore.Property, error) {
		r, init, err := newResults(m, spec, funcs)
		if err != nil {
			return nil, err
		}
		cuts := 1
		for _, ops := range r.ops {
			if cuts *= len(ops) + 1; cuts > maxCuts {
				return nil, fmt.Errorf("spec %s sequential: the threads make too many calls to try their orders", spec.Name)
			}
		}
		return &sequence{results: r, init: init, judged: map[string]bool{}}, nil
	}
}

// maxCuts bounds how far the threads can have come: the product of the numbers
// of their calls, each plus one.
const maxCuts = 1 << 20

// maxJudged bounds how many runs' verdicts are remembered.
const maxJudged = 1 << 12

type sequence struct {
	results
	init   string
	judged map[string]bool // by AppendState, at the end
}

func (s *sequence) Observe(e emu.Event) { s.observe(e) }

// After has nothing to say before the end.
func (s *sequence) After(*emu.Machine, emu.Choice) *explore.Violation { return nil }

// AtEnd looks for an order of the calls.
func (s *sequence) AtEnd(*emu.Machine) *explore.Violation {
	key := string(s.AppendState(nil))
	ok, known := s.judged[key]
	if !known {
		if len(s.judged) >= maxJudged {
			clear(s.judged)
		}
		ok = s.exists()
		s.judged[key] = ok
	}
	if ok {
		return nil
	}
	return &explore.Violation{Property: "sequential(" + s.spec.Name + ")", Message: "no order of the calls explains their results: " + s.String()}
}

// exists reports whether there is an order. It goes from the state in which no
// call has taken effect to those in which one more has, each only once.
func (s *sequence) exists() bool {
	start := cut{string(make([]byte, 2*len(s.ops))), s.init}
	seen, stack := map[cut]bool{start: true}, []cut{start}
	for len(stack) > 0 {
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		all := true
		for t := range s.ops {
			n := c.done(t)
			all = all && n >= len(s.rets[t])
			if n > len(s.rets[t]) || n == len(s.rets[t]) && !s.open[t] {
				continue
			}
			s.spec.Next(c.state, s.ops[t][n], func(r Ret, state string) {
				if n < len(s.rets[t]) && r != s.rets[t][n] {
					return // of a call under way any result will do
				}
				if next := (cut{c.after(t), state}); !seen[next] {
					seen[next] = true
					stack = append(stack, next)
				}
			})
		}
		if all {
			return true
		}
	}
	return false
}

// cut says how many calls of each thread have taken effect, two bytes each, and
// what the object is then.
type cut struct {
	calls, state string
}

func (c cut) done(t int) int { return int(c.calls[2*t]) | int(c.calls[2*t+1])<<8 }

func (c cut) after(t int) string {
	b := []byte(c.calls)
	binary.LittleEndian.PutUint16(b[2*t:], uint16(c.done(t)+1))
	return string(b)
}

// AppendState appends the results by thread.
func (s *sequence) AppendState(b []byte) []byte {
	for t, rets := range s.rets {
		b = binary.AppendUvarint(b, uint64(len(rets))<<1|uint64(truth(s.open[t])))
		for _, r := range rets {
			b = binary.AppendUvarint(binary.AppendUvarint(b, r.R0), r.R1)
		}
	}
	return b
}

var errSequence = errors.New("not a sequence's state")

// SetState reads what AppendState wrote.
func (s *sequence) SetState(b []byte) ([]byte, error) {
	r := reader{b: b}
	for t := range s.rets {
		n := r.number()
		s.open[t] = n&1 != 0
		if n>>1+n&1 > uint64(len(s.ops[t])) {
			return nil, errSequence
		}
		s.rets[t] = s.rets[t][:0]
		for range n >> 1 {
			s.rets[t] = append(s.rets[t], Ret{r.number(), r.number()})
		}
	}
	if r.bad {
		return nil, errSequence
	}
	return r.b, nil
}
