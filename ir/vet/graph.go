package vet

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// graph is the control flow of an image: where the instructions go next.
// Functions are part of one graph, since code can jump and fall from one into
// the other; a call goes to what is behind it, and the function it calls is
// entered from nowhere.
type graph struct {
	im   *ir.Image
	next [][2]int32 // successors of each instruction, none is -1; the fall-through first
	prev [][]int32  // predecessors
	// runsOff are the instructions whose fall-through is no instruction: a
	// signature, or the end of the code.
	runsOff []bool
	// entered are the instructions that control reaches from nowhere.
	entered map[int]entry
	// of is the section that an instruction is inside of, of those adopted.
	of []*section
}

// entry says who enters.
type entry uint8

const (
	entryScript entry = iota + 1 // a thread's script or a signal: nobody can have stored to rseq_cs before
	entryCode                    // code elsewhere, which may have
)

func newGraph(im *ir.Image) *graph {
	n := len(im.Instrs)
	g := &graph{
		im: im, next: make([][2]int32, n), prev: make([][]int32, n), runsOff: make([]bool, n),
		entered: map[int]entry{}, of: make([]*section, n),
	}
	indirect := false
	for i := range im.Instrs {
		last := lastOp(im, i)
		g.next[i] = [2]int32{-1, -1}
		if fallsThrough(last) {
			to := im.Index(im.Addrs[i] + ir.Addr(im.Instrs[i].Len()))
			g.next[i][0] = int32(to)
			// The number in r8 may be that of exit.
			g.runsOff[i] = to < 0 && (last.Code != ir.Syscall || last.Imm != ir.SyscallInR8)
		}
		switch last.Code {
		case ir.Br, ir.Beq, ir.Bne, ir.Jmp:
			g.next[i][1] = int32(im.Index(last.TargetIP))
		case ir.Jmpr:
			indirect = true
		}
		for _, to := range g.next[i] {
			if to >= 0 {
				g.prev[to] = append(g.prev[to], int32(i))
			}
		}
	}
	g.enter(indirect)
	return g
}

// enter finds the instructions that control reaches from nowhere.
func (g *graph) enter(indirect bool) {
	called := map[ir.Addr]bool{}
	for _, f := range g.im.Funcs {
		for i := firstFrom(g.im, uint64(f.Entry)); i < firstFrom(g.im, uint64(f.End)); i++ {
			last := lastOp(g.im, i)
			// A loop to the beginning is no entry: the graph has its edge.
			if last.Branches() && (last.Code == ir.Call || last.TargetIP < f.Entry || last.TargetIP >= f.End) {
				called[last.TargetIP] = true
			}
		}
	}
	for _, f := range g.im.Funcs {
		if i := g.im.Index(f.Entry); i >= 0 {
			g.entered[i] = entryScript
			if called[f.Entry] || indirect {
				g.entered[i] = entryCode
			}
		}
		// Where a jump to a register goes is not followed: any label will do.
		for _, l := range f.Labels {
			if i := g.im.Index(l.Addr); i >= 0 && indirect {
				g.entered[i] = entryCode
			}
		}
	}
}

// adopt returns the sections whose code can be looked into, by address: those
// that have a range and begin at an instruction. Of two that overlap, which is
// a finding itself, only the first is adopted: an instruction has at most one
// section, and what all checks do together grows with the code alone.
func (g *graph) adopt(all []*section) []*section {
	var adopted []*section
	end := 0
	for _, s := range byAddress(all) {
		if s.start < 0 || s.lo < end || s.lo >= s.hi {
			continue
		}
		end = s.hi
		adopted = append(adopted, s)
		for i := s.lo; i < s.hi; i++ {
			g.of[i] = s
		}
	}
	return adopted
}

// inside calls yield with the successors of i that are in the section.
func (g *graph) inside(s *section, i int, yield func(to int)) {
	for _, to := range g.next[i] {
		if to >= 0 && s.contains(int(to)) {
			yield(int(to))
		}
	}
}

// only returns the single successor of i, or -1.
func (g *graph) only(i int) int {
	switch next := g.next[i]; {
	case next[0] < 0:
		return int(next[1])
	case next[1] < 0 || next[0] == next[1]:
		return int(next[0])
	}
	return -1
}

// lastOp returns the micro-op of instruction i that decides where it goes.
func lastOp(im *ir.Image, i int) *ir.Op {
	in := &im.Instrs[i]
	return &in.Ops[in.N-1]
}

// fallsThrough reports whether control can reach the next instruction. A trap
// ends in a signal.
func fallsThrough(o *ir.Op) bool {
	switch o.Code {
	case ir.Jmp, ir.Jmpr, ir.Ret, ir.Trap:
		return false
	case ir.Syscall:
		switch o.Imm {
		case int64(abi.SysExit), int64(abi.SysExitGroup), int64(abi.SysRtSigreturn):
			return false
		}
	}
	return true
}
