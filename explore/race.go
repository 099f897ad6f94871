package explore

import "github.com/rseqemu/rseqemu/emu"

// conflict reports whether the order of two transitions matters.
func (s *stateless) conflict(a, b *emu.Footprint) bool {
	return s.plain || a.Conflicts(b) || s.history && a.OrdersHistory(b)
}

// races finds the races of the last transition and has them reversed.
func (s *stateless) races() {
	d := s.depth - 1
	n := s.path[d]
	n.before = n.before[:0]
	for range d/64 + 1 {
		n.before = append(n.before, 0)
	}
	made := &n.options[n.at]
	for i := d - 1; i >= 0; i-- {
		if has(n.before, i) {
			continue
		}
		e := s.path[i]
		o := &e.options[e.at]
		if !s.conflict(&o.foot, &made.foot) {
			continue
		}
		n.before[i/64] |= 1 << (i % 64)
		for k, w := range e.before {
			n.before[k] |= w
		}
		if !o.foot.SameCPU(&made.foot) {
			s.race(i, d)
		}
	}
}

// race has the state of transition i begin with one that can come first in a run
// with transition d before it: one of those since then that don't need i, or d. If
// none of them was possible there, i is what made it so.
func (s *stateless) race(i, d int) {
	v := s.reverse[:0]
	for k := i + 1; k <= d; k++ {
		if k == d || !has(s.path[k].before, i) {
			v = append(v, k)
		}
	}
	s.reverse = v
	at := s.path[i]
	var found *option
	for j, k := range v {
		n := s.path[k]
		if n.needs(v[:j]) {
			continue
		}
		for x := range at.options {
			if o := &at.options[x]; o.choice == n.options[n.at].choice {
				if o.begins {
					return
				}
				if found == nil {
					found = o
				}
			}
		}
	}
	if found != nil {
		found.begins = true
	}
}

// needs reports whether one of the transitions happens before the junction's.
func (n *junction) needs(v []int) bool {
	for _, k := range v {
		if has(n.before, k) {
			return true
		}
	}
	return false
}

func has(set []uint64, i int) bool { return i/64 < len(set) && set[i/64]&(1<<(i%64)) != 0 }
