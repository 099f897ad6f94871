package promela

import (
	"cmp"
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// kernel writes what the kernel does: a thread gets a CPU and goes to user mode,
// by the old rule or the new one, and is preempted.
func (x *exporter) kernel() {
	if x.registered {
		x.writeIDs()
		if x.old() {
			x.oldRule()
		} else {
			x.newRule()
		}
	}
	x.run()
	x.printf("/* The timer takes the thread off its CPU. */\ninline preempt() {\n")
	if x.bounded(emu.Preemptions) {
		x.printf("    preemptions--;\n")
	}
	if x.links {
		x.printf("    reserved[cpu[me]-1] = 0;\n")
	}
	if x.old() {
		x.printf("    events[me] = events[me] | 1;\n")
		if x.registered {
			x.printf("    notify[me] = 1;\n")
		}
	} else if x.k.Entry != emu.EntryNone && !x.k.NoUserIRQ {
		x.printf("    user_irq[me] = 1;\n")
	}
	x.printf("    busy[cpu[me]-1] = 0;\n    on[me] = 0\n}\n\n")
}

// run is emu's Machine.run: the scheduler's half, then the way to user mode.
func (x *exporter) run() {
	x.printf("/* CPU c picks the thread, which goes on in user mode. */\ninline dispatch(c) {\n")
	if x.bounded(emu.Migrations) {
		x.printf("    if :: (cpu[me] != 0 && cpu[me] != c+1) -> migrations-- :: else -> skip fi;\n")
	}
	x.assignCID()
	x.printf("    busy[c] = me + 1;\n")
	if x.old() {
		notify := ""
		if x.registered {
			notify = "; notify[me] = 1"
		}
		x.printf("    if :: (cpu[me] != 0 && cpu[me] != c+1) -> events[me] = events[me] | 4%s :: else -> skip fi;\n", notify)
	}
	x.printf("    cpu[me] = c + 1;\n    on[me] = 1;\n    ip = (called[me] -> pc[me] : %d);\n", ir.ReturnIP)
	switch {
	case !x.registered:
	case x.old():
		x.printf("    if :: (notify[me]) -> notify[me] = 0; work() :: else -> skip fi;\n")
	default:
		changed := "cpu[me] != wrote_cpu[me]"
		if x.k.CID != emu.CIDNone {
			changed += " || cid[me] != wrote_cid[me] + 1"
		}
		x.printf("    if :: (%s) -> ids_changed[me] = 1 :: else -> skip fi;\n", changed)
		if x.historic() {
			x.printf("    ids_changed[me] = 1;\n")
		}
		x.printf("    if :: (%s || ids_changed[me]) -> sched_switch[me] = 1 :: else -> skip fi;\n", x.interrupted())
		x.printf("    if :: (sched_switch[me]) -> work() :: else -> skip fi;\n    sched_switch[me] = 0; ids_changed[me] = 0;\n")
	}
	if !x.old() {
		x.printf("    user_irq[me] = 0\n")
	} else {
		x.printf("    skip\n")
	}
	x.printf("}\n\n")
}

// assignCID is emu's: the id that the policy wants, or the lowest free one.
func (x *exporter) assignCID() {
	if x.k.CID == emu.CIDNone {
		return
	}
	x.printf("    a = 0; i = 0;  /* the ids in use */\n" +
		"    do\n    :: (i < CPUS) -> if :: (busy[i] != 0) -> a = a | 1 << (cid[busy[i]-1] - 1) :: else -> skip fi; i++\n" +
		"    :: else -> break\n    od;\n    b = alive;\n")
	for t, n := range x.mayRunOn() {
		x.printf("    if :: (me == %d && b > %d) -> b = %d :: else -> skip fi;\n", t, n, n)
	}
	want := "cid[me]"
	if x.k.CID == emu.CIDPerCPU {
		want = "cpu_cid[c]"
	}
	x.printf("    v = %s;\n    if :: (v == 0 || v > b || (a >> (v-1)) & 1) -> v = 1; do :: ((a >> (v-1)) & 1) -> v++ :: else -> break od :: else -> skip fi;\n", want)
	x.printf("    cid[me] = v;\n")
	if x.k.CID == emu.CIDPerCPU {
		x.printf("    cpu_cid[c] = v;\n")
	}
}

// mayRunOn is the number of CPUs that each thread may run on.
func (x *exporter) mayRunOn() []int {
	var out []int
	for t := range x.threads {
		n := 0
		for c := range x.cpus {
			n += bit(x.allowed(t, c))
		}
		out = append(out, n)
	}
	return out
}

func (x *exporter) allowed(t, c int) bool {
	mask := x.im.Prog.Threads[t].CPUs
	return mask == 0 || mask>>c&1 != 0
}

// historic reports whether the new rule keeps a version 1's promises.
func (x *exporter) historic() bool { return x.k.Versions && x.version() == 1 }

// interrupted is the condition that the thread may have been inside a section.
func (x *exporter) interrupted() string {
	if x.k.Entry == emu.EntryNone {
		return "true"
	}
	return "user_irq[me]"
}

func (x *exporter) writeIDs() {
	x.printf("/* The kernel writes the ids and remembers them. */\ninline write_ids() {\n    wrote_cpu[me] = cpu[me]%s;\n", map[bool]string{true: " - 1"}[x.old()])
	cid := "0"
	if x.k.CID != emu.CIDNone {
		cid = "cid[me] - 1"
		x.printf("    wrote_cid[me] = %s;\n", cid)
	}
	put := func(off int, v string) {
		x.printf("    store4(%s, %s);\n", x.area(off), v)
		if x.links {
			x.printf("    broken(%s, 4);\n", x.address(off))
		}
	}
	put(offStart, "cpu[me] - 1")
	put(offCPU, "cpu[me] - 1")
	if x.k.WritesCID {
		put(offNode, x.node("(cpu[me] - 1)"))
		put(offCID, cid)
	}
	x.printf("    skip\n}\n\n/* rseq_cs := 0 */\ninline clear_cs() {\n    store8(%s, 0)", x.area(offCS))
	if x.links {
		x.printf(";\n    broken(%s, 8)", x.address(offCS))
	}
	x.printf("\n}\n\n")
}

// address is that of a field of the thread's struct rseq.
func (x *exporter) address(off int) string {
	return fmt.Sprintf("(%d + me*%d)", int(x.im.TP(0))+off, x.im.ThreadStride)
}

// node is the NUMA node of a CPU.
func (x *exporter) node(c string) string {
	if nodes := cmp.Or(x.cfg.Nodes, x.im.Prog.Setup.Nodes, 1); nodes > 1 {
		return fmt.Sprintf("(%s * %d / CPUS)", c, nodes)
	}
	return "0"
}

// sections writes one alternative for each descriptor that rseq_cs can point to,
// which are read-only: what is wrong with one is known here.
func (x *exporter) sections(bad func(*ir.PlacedSection) emu.Reason, inside func(*ir.PlacedSection)) {
	x.printf("    need(HIGH(mem, %s)); cs = LOW(mem, %s);\n    if\n    :: (cs == 0) -> skip\n", x.area(offCS), x.area(offCS))
	for i := range x.im.Sections {
		s := &x.im.Sections[i]
		x.printf("    :: (cs == %d) ->  /* %s */\n", s.Addr, s.Name)
		reason := bad(s)
		if reason != emu.ReasonNone && x.old() {
			x.printf("       fatal = %d  /* %s */\n", reason, reason)
			continue
		}
		x.printf("       if\n       :: (ip >= %d && ip < %d) ->\n", s.CS.StartIP, s.CS.StartIP+s.CS.PostCommitOffset)
		if reason != emu.ReasonNone {
			x.printf("          fatal = %d  /* %s */\n", reason, reason)
		} else {
			inside(s)
		}
		x.printf("       :: else -> clear_cs()\n       fi\n")
	}
	x.printf("    :: else -> need(false)\n    fi;\n")
}

// signatureOK reports whether the registered signature is before abort_ip.
func (x *exporter) signatureOK(s *ir.PlacedSection) bool {
	at := ir.Addr(s.CS.AbortIP - abi.RSeqSigSize)
	if _, changes := x.offset(at, 1); changes {
		x.fail(ir.Pos{}, "the descriptor %s, with a signature in memory that can change", s.Name)
	}
	v, ok := x.m.Memory(0).Load(at, 4)
	return ok && uint32(v) == x.im.Arch.Signature()
}

// oldRule is emu's oldWork.
func (x *exporter) oldRule() {
	x.printf("/* The work on the way to user mode, by the rule of Linux up to 6.18. */\ninline work() {\n")
	x.sections(func(s *ir.PlacedSection) emu.Reason {
		switch {
		case s.CS.Version != 0:
			return emu.ReasonVersion
		case s.CS.Contains(s.CS.AbortIP):
			return emu.ReasonAbortInside
		case !x.signatureOK(s):
			return emu.ReasonSignature
		}
		return emu.ReasonNone
	}, func(s *ir.PlacedSection) {
		const preempt, signal, migrate = abi.RSeqCSFlagNoRestartOnPreempt, abi.RSeqCSFlagNoRestartOnSignal, abi.RSeqCSFlagNoRestartOnMigrate
		x.printf("          a = LOW(mem, %s) | %d;  /* flags */\n          if\n", x.area(offFlags), int32(s.CS.Flags))
		masked := ""
		switch x.k.Flags {
		case emu.FlagsFatal:
			x.printf("          :: (a != 0) -> fatal = %d\n", emu.ReasonFlags)
		case emu.FlagsNoRestartFatal:
			x.printf("          :: (a & %d) -> fatal = %d\n", preempt|signal|migrate, emu.ReasonFlags)
		case emu.FlagsHonoured:
			x.printf("          :: (a & %d && (a & %d) != %d) -> fatal = %d\n", signal, preempt|migrate, preempt|migrate, emu.ReasonFlags)
			masked = fmt.Sprintf(" & ~(a & %d)", preempt|signal|migrate)
		}
		x.printf("          :: else ->\n             if :: (events[me]%s) -> clear_cs(); pc[me] = %d :: else -> skip fi;\n             events[me] = 0\n          fi\n", masked, s.CS.AbortIP)
	})
	x.printf("    if :: (!fatal) -> write_ids() :: else -> skip fi\n}\n\n")
}

// newRule is emu's newWork and evaluate.
func (x *exporter) newRule() {
	x.printf("inline evaluate() {\n")
	x.sections(func(s *ir.PlacedSection) emu.Reason {
		switch {
		case s.CS.AbortIP < abi.RSeqSigSize:
			return emu.ReasonAbortAddress
		case !x.signatureOK(s):
			return emu.ReasonSignature
		}
		return emu.ReasonNone
	}, func(s *ir.PlacedSection) {
		x.printf("          clear_cs(); pc[me] = %d\n", s.CS.AbortIP)
	})
	x.printf("    skip\n}\n\n/* The work on the way to user mode, by the rule of Linux from 6.19 on. */\ninline work() {\n")
	if x.k.Entry != emu.EntryGeneric {
		x.printf("    ids_changed[me] = 1;\n")
	}
	x.printf("    if\n    :: (!ids_changed[me]) -> evaluate()\n    :: else ->\n")
	if x.k.Versions && x.version() == 2 {
		cid := "0"
		if x.k.CID != emu.CIDNone {
			cid = "wrote_cid[me]"
		}
		x.printf("       if\n       :: (LOW(mem, %s) != wrote_cpu[me] - 1 || LOW(mem, %s) != wrote_cpu[me] - 1 || LOW(mem, %s) != (wrote_cpu[me] -> %s : 0) || LOW(mem, %s) != %s) -> fatal = %d\n       :: else -> skip\n       fi;\n",
			x.area(offStart), x.area(offCPU), x.area(offNode), x.node("(wrote_cpu[me] - 1)"), x.area(offCID), cid, emu.ReasonIDs)
	}
	x.printf("       if\n       :: (!fatal) ->\n          write_ids();\n          if :: (%s) -> evaluate() :: else -> skip fi\n       :: else -> skip\n       fi\n    fi\n}\n\n", x.interrupted())
}
