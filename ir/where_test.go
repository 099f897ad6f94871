package ir_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

func TestNamesOfAddresses(t *testing.T) {
	im := link(t, abi.AMD64,
		"data node: u64[2]", "rodata magic: u32", "percpu head: u64[2]", "tls slab: u64",
		"func push()", "cs push_cs: start_ip=start post_commit_ip=commit abort_ip=abort",
		"nop", "start:", "nop", "nop", "commit:", "ret", "sig", "abort:", "jmp start",
		"handler SIGUSR1: push", "thread: push",
	)
	at := func(name string) ir.Addr { return im.Symbols[name] }
	push, _ := im.Func("push")
	for _, c := range []struct {
		name func(ir.Addr) string
		addr ir.Addr
		want string
	}{
		{im.Where, push.Entry, "push"},
		{im.Where, push.Entry + 4, "push.start"},
		{im.Where, push.Entry + 8, "push.start+4"},
		{im.Where, push.Entry + 12, "push.commit"},
		{im.Where, im.Restorer, "the signal restorer"},
		{im.Where, ir.ReturnIP, "between calls"},
		{im.Where, 0x666, "0x666"},
		{im.DataName, at("node"), "node"},
		{im.DataName, at("node") + 9, "node+9"},
		{im.DataName, at("magic"), "magic"},
		{im.DataName, at("push_cs") + 8, "push_cs+8"},
		{im.DataName, at("head"), "head on c0"},
		{im.DataName, at("head") + 3<<im.PerCPUShift + 8, "head+8 on c3"},
		{im.DataName, im.TP(2) + 8, "rseq_cs of t2"},
		{im.DataName, im.TP(1) + at("slab"), "slab of t1"},
		{im.DataName, im.TP(1) + 9, "tp+9 of t1"},
		{im.DataName, im.StackTop(1) - 8, "the stack of t1 at 0x5007f8"},
		{im.DataName, 0x666, "0x666"},
	} {
		if got := c.name(c.addr); got != c.want {
			t.Errorf("%#x is %q, want %q", uint64(c.addr), got, c.want)
		}
	}
	for ip, want := range map[ir.Addr]bool{push.Entry: false, push.Entry + 4: true, push.Entry + 11: true, push.Entry + 12: false} {
		if s := im.SectionAt(ip); (s != nil) != want || s != nil && s.Name != "push_cs" {
			t.Errorf("%#x is in section %v", uint64(ip), s)
		}
	}
}
