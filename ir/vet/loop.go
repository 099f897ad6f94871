package vet

import "github.com/rseqemu/rseqemu/ir"

var endlessLoop = newCheck("endless-loop",
	"A loop inside a section that no instruction of its own can end: the registers or flags that its branches test "+
		"don't change in it. Only an abort ends it, and the restart enters it again.",
	func(p *pass) {
		for _, s := range p.sections {
			cyclic := p.cycles(s)
			loops := map[int][]int{}
			var order []int
			for i := s.lo; i < s.hi; i++ {
				if c := cyclic[i-s.lo]; c != 0 && p.flow.before[i].reached {
					if loops[c] == nil {
						order = append(order, c)
					}
					loops[c] = append(loops[c], i)
				}
			}
			for _, c := range order {
				if loop := loops[c]; !p.mayEnd(s, loop, cyclic, c) {
					p.at(loop[len(loop)-1], s, "nothing in the loop from %s ends it: no register or flag that its branches test changes, and %s runs until it is aborted, again and again", p.where(loop[0]), s.Name)
				}
			}
		}
	})

// mayEnd reports whether a loop can end by itself after its first round.
func (p *pass) mayEnd(s *section, loop, cyclic []int, c int) bool {
	changes := p.changed(loop)
	for _, i := range loop {
		last := lastOp(p.im, i)
		switch last.Code {
		case ir.Call, ir.Syscall:
			return true // by what happens there
		}
		for _, to := range p.graph.next[i] {
			if to >= 0 && s.contains(int(to)) && cyclic[int(to)-s.lo] == c {
				continue
			}
			if to >= 0 && (last.Reads()&changes != 0 || readsTemp(last)) {
				return true
			}
		}
	}
	return false
}

// changed returns the registers that may differ between two rounds of a loop.
// The flags do if an instruction sets them from something that does, or if two
// set them.
func (p *pass) changed(loop []int) (changes ir.RegSet) {
	var setters []*ir.Op
	for _, i := range loop {
		ops := p.im.Instrs[i].Micro()
		for k := range ops {
			changes |= ops[k].Writes() &^ ir.FlagsReg
			if ops[k].Writes()&ir.FlagsReg != 0 {
				setters = append(setters, &ops[k])
			}
		}
	}
	for _, o := range setters {
		if len(setters) > 1 || o.Flags == ir.KeepC || o.Loads() || o.Code == ir.Flipc || readsTemp(o) || o.Reads()&changes != 0 {
			return changes | ir.FlagsReg
		}
	}
	return changes
}

// cycles numbers the loops of a section, from 1: instructions that can reach
// each other inside have the same number, and those in no loop have 0. They
// are the strongly connected components, found as Tarjan did, with a stack of
// its own instead of recursion.
func (p *pass) cycles(s *section) []int {
	n := s.hi - s.lo
	var (
		number = make([]int, n) // order of discovery, from 1
		low    = make([]int, n) // the least number that it reaches
		done   = make([]bool, n)
		which  = make([]int, n)
		open   []int // discovered, and in no component yet
		count  int
		loops  int
	)
	type frame struct{ at, edge int }
	for root := range n {
		if number[root] != 0 {
			continue
		}
		for stack := []frame{{root, 0}}; len(stack) > 0; {
			f := &stack[len(stack)-1]
			if f.edge == 0 {
				count++
				number[f.at], low[f.at] = count, count
				open = append(open, f.at)
			}
			if f.edge < 2 {
				to := int(p.graph.next[s.lo+f.at][f.edge])
				f.edge++
				switch {
				case to < 0 || !s.contains(to) || done[to-s.lo]:
				case number[to-s.lo] == 0:
					stack = append(stack, frame{to - s.lo, 0})
				default:
					low[f.at] = min(low[f.at], number[to-s.lo])
				}
				continue
			}
			at := f.at
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				up := stack[len(stack)-1].at
				low[up] = min(low[up], low[at])
			}
			if low[at] != number[at] {
				continue
			}
			k := len(open) - 1
			for open[k] != at {
				k--
			}
			if next := p.graph.next[s.lo+at]; len(open)-k > 1 || int(next[0]) == s.lo+at || int(next[1]) == s.lo+at {
				loops++
				for _, i := range open[k:] {
					which[i] = loops
				}
			}
			for _, i := range open[k:] {
				done[i] = true
			}
			open = open[:k]
		}
	}
	return which
}
