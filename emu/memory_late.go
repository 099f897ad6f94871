package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// lateLoads finds the instructions whose load may be delayed to some effect: those
// from which a store that may be performed before the load can be reached before
// anything needs the loaded value or orders the two. For all others a delay is
// pointless: that a younger load is performed earlier is a stale load, and nothing
// else is visible to anybody.
func lateLoads(im *ir.Image) []bool {
	late := make([]bool, len(im.Instrs))
	for i := range im.Instrs {
		ops := im.Instrs[i].Micro()
		if o := &ops[len(ops)-1]; o.Code == ir.Ld && o.Order == ir.Plain && o.Dst < ir.TP && !im.Instrs[i].Locked {
			late[i] = overtaken(im, im.Addrs[i]+ir.Addr(im.Instrs[i].Len()), o.Dst, map[int]bool{})
		}
	}
	return late
}

// overtaken reports whether, from ip on, a store may be performed before reg is
// needed.
func overtaken(im *ir.Image, ip ir.Addr, reg ir.Reg, visited map[int]bool) bool {
	for {
		i := im.Index(ip)
		if i < 0 || visited[i] {
			return false
		}
		visited[i] = true
		in := &im.Instrs[i]
		if in.Locked {
			return false
		}
		for _, o := range in.Micro() {
			if o.Dst == reg || o.A == reg || o.B == reg || o.Mem.Base == reg || o.Mem.Index == reg {
				return false
			}
			switch o.Code {
			case ir.Call:
				return true // perhaps
			case ir.St, ir.Sc:
				private := o.Mem.Base == ir.TP && o.Mem.Index == ir.None && o.Mem.Disp >= 0 && o.Mem.Disp <= abi.OffRSeqCS
				if o.Order == ir.Plain && !private {
					return true
				}
			case ir.Fence, ir.Xadd, ir.Xchg, ir.Cmpxchg, ir.Ret, ir.Jmpr, ir.Syscall, ir.Trap:
				return false
			case ir.Jmp:
				return overtaken(im, o.TargetIP, reg, visited)
			case ir.Br, ir.Beq, ir.Bne:
				if overtaken(im, o.TargetIP, reg, visited) {
					return true
				}
			}
		}
		ip += ir.Addr(in.Len())
	}
}

// atomics reports whether the program has indivisible operations.
func atomics(im *ir.Image) bool {
	for i := range im.Instrs {
		for _, o := range im.Instrs[i].Micro() {
			switch o.Code {
			case ir.Xadd, ir.Xchg, ir.Cmpxchg:
				return true
			}
		}
		if im.Instrs[i].Locked {
			return true
		}
	}
	return false
}
