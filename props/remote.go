package props

import "github.com/rseqemu/rseqemu/emu"

// The specifications of objects that one CPU's threads fill and any thread reads
// or empties: an argument of the operation is the slot.

// Register is a value in each slot, 0 at first:
//
//	write(v)   → the value before
//	read(slot) → the value
var Register = &Spec{
	Name: "register", Roles: []string{"write", "read"}, Required: 2,
	Init: func(m *emu.Machine) (string, error) { return zeroSlots(m, 1) }, Describe: describeSlots,
	Next: func(state string, op Op, yield func(Ret, string)) {
		s := parseSlots(state)
		if op.Role == 1 {
			if w, ok := s.at(op.Args[0]); ok {
				yield(Ret{(*w)[0], op.Args[0]}, state)
			}
			return
		}
		for c := range s.slots {
			old := s.slots[c][0]
			s.slots[c][0] = op.Args[0]
			yield(Ret{old, uint64(c)}, s.state())
			s.slots[c][0] = old
		}
	},
}

// Tally is a sum in each slot, which can be taken out:
//
//	add(n)     → 0
//	take(slot) → what was added to that slot since it was taken last
var Tally = &Spec{
	Name: "tally", Roles: []string{"add", "take"}, Required: 2,
	Init: func(m *emu.Machine) (string, error) { return zeroSlots(m, 1) }, Describe: describeSlots,
	Next: func(state string, op Op, yield func(Ret, string)) {
		s := parseSlots(state)
		if op.Role == 1 {
			if w, ok := s.at(op.Args[0]); ok {
				sum := (*w)[0]
				(*w)[0] = 0
				yield(Ret{sum, op.Args[0]}, s.state())
			}
			return
		}
		for c := range s.slots {
			s.slots[c][0] += op.Args[0]
			yield(Ret{0, uint64(c)}, s.state())
			s.slots[c][0] -= op.Args[0]
		}
	},
}

// Slab is an allocator's per-CPU cache: a stack with batches, which any thread
// can drain. Of several elements that are taken out at once the sum is returned;
// a program that uses powers of two says with it which they were.
//
//	push(v)     → 0, or 1 if the slot is full or being drained
//	pop()       → the element; 0 if the slot is empty or being drained
//	drain(slot) → the sum of that slot's elements, which are gone
//	push2(v, w) → 0 for both, or 1 for neither
//	pop2()      → the sum of the two topmost elements; 0 if there are fewer or
//	              the slot is being drained
var Slab = &Spec{
	Name: "slab", Roles: []string{"push", "pop", "drain", "push2", "pop2"}, Required: 2,
	Init: emptySlots, Describe: describeSlots,
	Next: func(state string, op Op, yield func(Ret, string)) {
		s := parseSlots(state)
		if op.Role == 2 {
			if w, ok := s.at(op.Args[0]); ok {
				var sum uint64
				for _, v := range *w {
					sum += v
				}
				*w = nil
				yield(Ret{sum, op.Args[0]}, s.state())
			}
			return
		}
		for c := range s.slots {
			switch op.Role {
			case 0:
				s.push(c, op.Args[:1], yield)
				yield(Ret{1, uint64(c)}, state)
			case 1:
				s.pop(c, yield)
				yield(Ret{0, uint64(c)}, state)
			case 3:
				s.push(c, op.Args[:2], yield)
				yield(Ret{1, uint64(c)}, state)
			case 4:
				if old := s.slots[c]; len(old) >= 2 {
					rest := len(old) - 2
					s.slots[c] = old[:rest]
					yield(Ret{old[rest] + old[rest+1], uint64(c)}, s.state())
					s.slots[c] = old
				}
				yield(Ret{0, uint64(c)}, state)
			}
		}
	},
}

// at returns the slot that an argument names, if there is one.
func (s *slots) at(slot uint64) (*[]uint64, bool) {
	if slot >= uint64(len(s.slots)) {
		return nil, false
	}
	return &s.slots[slot], true
}
