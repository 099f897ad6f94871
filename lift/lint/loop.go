package lint

import (
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// loops looks at what ends each loop inside: a counter, or nothing, or memory.
func (l *linter) loops(s *section) {
	b := s.body
	which := cycles(b.next)
	loops := map[int][]int{}
	var order []int
	for i, c := range which {
		if c != 0 {
			if loops[c] == nil {
				order = append(order, c)
			}
			loops[c] = append(loops[c], i)
		}
	}
	for _, c := range order {
		loop := loops[c]
		last := b.instrs[loop[len(loop)-1]]
		switch b.endOf(loop, which, c) {
		case endless:
			l.at(s, "endless-loop", last.Addr, "nothing in the loop from %s ends it: no register or flag that its branches test changes, so it runs until it is aborted, again and again", l.spot(b.instrs[loop[0]].Addr))
		case waits:
			l.at(s, "unbounded-loop", last.Addr, "no counter ends the loop from %s: it waits for what it loads from memory, and who else could change that on this CPU doesn't run meanwhile", l.spot(b.instrs[loop[0]].Addr))
		}
	}
}

// loopEnd is what ends a loop.
type loopEnd uint8

const (
	endless loopEnd = iota
	waits           // something that changes, but no counter
	counted
)

// endOf finds what ends a loop: what its exits test, and what that is made of in
// the loop.
func (b *body) endOf(loop, which []int, c int) loopEnd {
	// 1. What the exits test.
	var tested ir.RegSet
	exits := false
	for _, i := range loop {
		in := b.instrs[i]
		out := len(b.leaves[i]) > 0
		for _, to := range b.next[i] {
			out = out || which[to] != c
		}
		if out {
			exits = true
			ops := in.IR.Micro()
			tested |= ops[len(ops)-1].Reads()
			for k := range ops {
				if t := ops[len(ops)-1]; t.A.Temp() || t.B.Temp() {
					tested |= ops[k].Reads()
				}
			}
		}
	}
	if !exits {
		return endless
	}
	// 2. What that is made of. Where a bundle passes something on in a
	// temporary, all that its micro-ops read may be part of it.
	end := endless
	for grown := true; grown; {
		grown = false
		for _, i := range loop {
			ops := b.instrs[i].IR.Micro()
			var wrote, sources ir.RegSet
			loads, counts := false, false
			for k := range ops {
				o := &ops[k]
				wrote |= o.Writes()
				sources |= ir.RegsOf(o.A, o.B)
				if o.Flags == ir.KeepC || o.Code == ir.Ins || o.Code == ir.Flipc {
					sources |= o.Writes()
				}
				loads = loads || o.Loads()
				counts = counts || (o.Code == ir.Add || o.Code == ir.Sub) && o.Dst != ir.None && !o.Dst.Temp() &&
					(o.A == o.Dst && o.B == ir.None || o.A == o.Dst && !b.changes(loop, o.B) || o.B == o.Dst && !b.changes(loop, o.A))
			}
			if wrote&tested == 0 {
				continue
			}
			switch {
			case counts:
				end = counted
			case loads && end == endless:
				end = waits
			case end == endless && (sources == 0 || b.several(loop, wrote&tested)):
				end = waits // changes, in a way that isn't followed
			}
			if sources&^tested != 0 {
				tested |= sources
				grown = true
			}
		}
	}
	return end
}

// changes reports whether a register is written in the loop.
func (b *body) changes(loop []int, r ir.Reg) bool {
	for _, i := range loop {
		ops := b.instrs[i].IR.Micro()
		for k := range ops {
			if ops[k].Writes()&ir.RegsOf(r) != 0 {
				return true
			}
		}
	}
	return false
}

// several reports whether more than one instruction of the loop writes one of
// the registers, so that it may hold now this and now that.
func (b *body) several(loop []int, set ir.RegSet) bool {
	seen := ir.RegSet(0)
	for _, i := range loop {
		ops := b.instrs[i].IR.Micro()
		wrote := ir.RegSet(0)
		for k := range ops {
			wrote |= ops[k].Writes()
		}
		if seen&wrote&set != 0 {
			return true
		}
		seen |= wrote
	}
	return false
}

// cycles numbers the loops of a graph, from 1: nodes that can reach each other
// have the same number, and those in no loop have 0. They are the strongly
// connected components, found as Tarjan did, with a stack of its own instead of
// recursion.
func cycles(next [][]int) []int {
	n := len(next)
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
			if f.edge < len(next[f.at]) {
				to := next[f.at][f.edge]
				f.edge++
				switch {
				case done[to]:
				case number[to] == 0:
					stack = append(stack, frame{to, 0})
				default:
					low[f.at] = min(low[f.at], number[to])
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
			if len(open)-k > 1 || slices.Contains(next[at], at) {
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
