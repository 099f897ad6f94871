package props

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
)

// The named specifications. Each object is an array of slots, one for each CPU
// (or mm_cid); an operation takes effect on any one slot and returns in r1
// which. A state is the slots' words, each slot behind its length. Those whose
// slots any thread may reach into are in remote.go.

// Stack is last in, first out:
//
//	push(v) → 0; 1 if the slot holds CAPACITY elements, where the program has a
//	          constant of that name
//	pop()   → the element; 0 if the slot is empty
var Stack = &Spec{
	Name: "stack", Roles: []string{"push", "pop"}, Required: 1, BySlot: true, Gives: 1,
	Init: emptySlots, Describe: describeSlots,
	Next: func(state string, op Op, yield func(Ret, string)) {
		s := parseSlots(state)
		for c := range s.slots {
			switch op.Role {
			case 0:
				s.push(c, op.Args[:1], yield)
			case 1:
				s.pop(c, yield)
			}
		}
	},
}

// Counter is a number in each slot:
//
//	add(n) → the slot's value before
var Counter = &Spec{
	Name: "counter", Roles: []string{"add"}, Required: 1, BySlot: true, Gives: none,
	Init:     func(m *emu.Machine) (string, error) { return zeroSlots(m, 1) },
	Describe: describeSlots,
	Next: func(state string, op Op, yield func(Ret, string)) {
		s := parseSlots(state)
		for c := range s.slots {
			old := s.slots[c][0]
			s.slots[c][0] = old + op.Args[0]
			yield(Ret{old, uint64(c)}, s.state())
			s.slots[c][0] = old
		}
	},
}

// Pair is two words in each slot, a and b, both 0 at first:
//
//	cas(a, b, new) → 0 and a := new, if the words are a and b; else 1
//	set(b)         → 0 and b := the argument
var Pair = &Spec{
	Name: "pair", Roles: []string{"cas", "set"}, Required: 1, BySlot: true, Gives: none,
	Init:     func(m *emu.Machine) (string, error) { return zeroSlots(m, 2) },
	Describe: describeSlots,
	Next: func(state string, op Op, yield func(Ret, string)) {
		s := parseSlots(state)
		for c := range s.slots {
			w, old := s.slots[c], [2]uint64(s.slots[c])
			ret := Ret{0, uint64(c)}
			switch {
			case op.Role == 1:
				w[1] = op.Args[0]
			case w[0] == op.Args[0] && w[1] == op.Args[1]:
				w[0] = op.Args[2]
			default:
				ret.R0 = 1
			}
			yield(ret, s.state())
			copy(w, old[:])
		}
	},
}

// slots is a decoded state.
type slots struct {
	capacity int // of a slot; 0 is unbounded
	slots    [][]uint64
}

func emptySlots(m *emu.Machine) (string, error) {
	s := slots{slots: make([][]uint64, m.CPUs())}
	if n, ok := constant(m, "CAPACITY"); ok {
		if n < 1 || n > 255 {
			return "", fmt.Errorf("CAPACITY %d is out of range (1..255)", n)
		}
		s.capacity = n
	}
	return s.state(), nil
}

// zeroSlots is an object with n words in each slot.
func zeroSlots(m *emu.Machine, n int) (string, error) {
	s := slots{slots: make([][]uint64, m.CPUs())}
	for i := range s.slots {
		s.slots[i] = make([]uint64, n)
	}
	return s.state(), nil
}

func (s *slots) push(c int, values []uint64, yield func(Ret, string)) {
	old := s.slots[c]
	if s.capacity > 0 && len(old)+len(values) > s.capacity {
		yield(Ret{1, uint64(c)}, s.state())
		return
	}
	s.slots[c] = append(old[:len(old):len(old)], values...)
	yield(Ret{0, uint64(c)}, s.state())
	s.slots[c] = old
}

func (s *slots) pop(c int, yield func(Ret, string)) {
	old := s.slots[c]
	if len(old) == 0 {
		yield(Ret{0, uint64(c)}, s.state())
		return
	}
	s.slots[c] = old[:len(old)-1]
	yield(Ret{old[len(old)-1], uint64(c)}, s.state())
	s.slots[c] = old
}

func (s *slots) state() string {
	b := append(make([]byte, 0, 64), byte(s.capacity))
	for _, w := range s.slots {
		b = binary.AppendUvarint(b, uint64(len(w)))
		for _, v := range w {
			b = binary.AppendUvarint(b, v)
		}
	}
	return string(b)
}

func parseSlots(state string) *slots {
	b := []byte(state)
	s := &slots{capacity: int(b[0])}
	words := make([]uint64, 0, len(b)) // of all slots: none takes less than a byte
	number := func() uint64 {
		v, k := binary.Uvarint(b)
		b = b[k:]
		return v
	}
	for b = b[1:]; len(b) > 0; {
		from := len(words)
		for range number() {
			words = append(words, number())
		}
		s.slots = append(s.slots, words[from:len(words):len(words)])
	}
	return s
}

func describeSlots(state string, name func(uint64) string) string {
	var out []string
	for c, w := range parseSlots(state).slots {
		var vs []string
		for _, v := range w {
			vs = append(vs, name(v))
		}
		out = append(out, fmt.Sprintf("slot %d [%s]", c, strings.Join(vs, " ")))
	}
	return strings.Join(out, ", ")
}
