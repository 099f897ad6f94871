package promela

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// header begins a model: the program, the kernel, and how to run it.
const header = `/* %s under Linux %s, as a model for Spin 6: %d threads on %d CPUs, %s.
 *
 *   spin -o2 [-DNOCHECKS] -a MODEL
 *   gcc -O2 -w -DSAFETY -DNOREDUCE -DVECTORSZ=%d -o pan pan.c
 *   ./pan -n -m1000000
 *
 * Each alternative of the loop is one choice of the machine, and each state of the
 * model one of the machine's. A number is the sign-extended lower half of 64 bits;
 * one that needs more breaks assert(!refused), as does what isn't translated.
 * With NOCHECKS nothing but that is asserted.
 */

#define me   _pid
#define N    %d
#define CPUS %d

`

// declarations writes the state's variables with their initial values. What is
// no part of the state is hidden, and set anew in each step.
func (x *exporter) declarations() {
	size := len(x.m.Memory(0).Mutable())
	vector := 1024
	for vector < size+x.threads*(64+4*len(x.regs))+256 {
		vector *= 2
	}
	x.printf(header, x.im.Prog.Name, x.k, x.threads, x.cpus, x.budget, vector, x.threads, x.cpus)

	x.printf("/* The machine. */\n")
	x.array("byte", "busy", x.cpus, "the thread on the CPU + 1; 0: idle", func(c int) int {
		if t, on := x.m.Running(emu.CPUID(c)); on {
			return int(t) + 1
		}
		return 0
	})
	if x.k.CID == emu.CIDPerCPU {
		x.array("byte", "cpu_cid", x.cpus, "the mm_cid that the CPU had last + 1", x.firstCID)
	}
	if x.links {
		x.array("int", "reserved", x.cpus, "the address that the CPU has load-linked; 0: none", nil)
	}
	if x.bounded(emu.Preemptions) {
		x.printf("byte preemptions = %d;\n", x.budget[emu.Preemptions])
	}
	if x.bounded(emu.Migrations) {
		x.printf("byte migrations = %d;\n", x.budget[emu.Migrations])
	}
	x.printf("byte alive = N;\nbyte last;    /* who was killed + 1 */\n")
	x.printf("byte killed;  /* why the program was killed, a reason of package emu; 0: it wasn't */\nint killed_ip, killed_at;\n")
	if x.counts {
		x.printf("short calls[%d], got[%d];  /* finished calls, by function; those that returned other than 0 */\n", len(x.im.Funcs), len(x.im.Funcs))
	}

	x.printf("\n/* The threads. A dead one's variables are 0. */\n")
	x.array("bit", "dead", x.threads, "", nil)
	x.array("bit", "on", x.threads, "it has a CPU", func(t int) int { return bit(x.placed(t)) })
	x.array("byte", "cpu", x.threads, "the CPU where it runs or ran last + 1", func(t int) int { return int(x.m.LastCPU(emu.TaskID(t))) + 1 })
	x.array("int", "pc", x.threads, "the next instruction; between calls, the next call's first one", func(t int) int { return int(x.m.Next(emu.TaskID(t))) })
	x.array("bit", "called", x.threads, "it is in a call", nil)
	x.array("byte", "call", x.threads, "calls that have returned", nil)
	if x.splits {
		x.array("byte", "micro", x.threads, "the next micro-op, in the middle of an instruction", nil)
	}
	if x.temps {
		x.array("int", "t0", x.threads, "", nil)
		x.array("int", "t1", x.threads, "", nil)
	}
	if x.flags {
		x.array("byte", "flags", x.threads, "N 8, Z 4, C 2, V 1", nil)
	}
	for _, r := range x.regs {
		x.array("int", r.String(), x.threads, "", func(t int) int { return x.reset(r, t) })
	}
	x.ruleState()

	x.printf("\n/* For one step. */\nhidden int a, b, v, x, at, ip, cs, i, fault;\nhidden byte fatal, refused, f;\n")
	if !x.temps {
		x.printf("hidden int tmp0, tmp1;\n")
	}
	x.printf("\n")
}

// ruleState declares what the notify rule remembers of each thread.
func (x *exporter) ruleState() {
	x.printf("\n/* What the kernel remembers of a thread. */\n")
	if x.k.CID != emu.CIDNone {
		x.array("byte", "cid", x.threads, "its mm_cid, or the last one, + 1", func(t int) int {
			if c := x.m.LastCPU(emu.TaskID(t)); x.placed(t) {
				return x.firstCID(int(c))
			}
			return 0
		})
	}
	if x.old() {
		x.array("byte", "events", x.threads, "the event mask: preempt 1, migrate 4", nil)
	} else {
		x.array("bit", "user_irq", x.threads, "", nil)
	}
	if !x.registered {
		return
	}
	fresh := func(t int) int { return bit(!x.placed(t)) }
	if x.old() {
		x.array("bit", "notify", x.threads, "TIF_NOTIFY_RESUME", fresh)
	} else {
		x.array("bit", "sched_switch", x.threads, "", fresh)
		x.array("bit", "ids_changed", x.threads, "", fresh)
	}
	// The old rule begins with 0 and the new one with -1: one less than written.
	x.array("byte", "wrote_cpu", x.threads, "the cpu_id that it wrote last"+map[bool]string{false: " + 1"}[x.old()], func(t int) int {
		if x.placed(t) {
			return int(x.m.LastCPU(emu.TaskID(t))) + 1 - bit(x.old())
		}
		return 0
	})
	if x.k.CID != emu.CIDNone {
		x.array("byte", "wrote_cid", x.threads, "the mm_cid that it wrote last", func(t int) int {
			if c := x.m.LastCPU(emu.TaskID(t)); x.placed(t) {
				return x.firstCID(int(c)) - 1
			}
			return 0
		})
	}
}

func bit(v bool) int {
	if v {
		return 1
	}
	return 0
}

// placed reports whether a thread begins on a CPU, behind its first way to user
// mode.
func (x *exporter) placed(t int) bool { return x.m.LastCPU(emu.TaskID(t)) >= 0 }

// firstCID is the id, + 1, that a CPU's thread has at the start: they were dealt
// out in the order of the CPUs.
func (x *exporter) firstCID(c int) int {
	if _, on := x.m.Running(emu.CPUID(c)); !on {
		return 0
	}
	n := 0
	for i := range c + 1 {
		_, on := x.m.Running(emu.CPUID(i))
		n += bit(on)
	}
	return n
}

// reset is what a register holds between calls.
func (x *exporter) reset(r ir.Reg, t int) int {
	switch r {
	case ir.SP:
		return int(x.im.StackTop(t))
	case ir.LR:
		return int(ir.ReturnIP)
	}
	return 0
}

func (x *exporter) array(kind, name string, n int, comment string, initial func(int) int) {
	x.printf("%s %s[%d]", kind, name, n)
	if initial != nil {
		var vs []string
		zero := true
		for i := range n {
			v := initial(i)
			zero = zero && v == 0
			vs = append(vs, fmt.Sprint(v))
		}
		if !zero {
			x.printf(" = {%s}", strings.Join(vs, ", "))
		}
	}
	x.printf(";")
	if comment != "" {
		x.printf("  /* %s */", comment)
	}
	x.printf("\n")
}

// bounded reports whether an event's budget is part of the state.
func (x *exporter) bounded(e emu.EventClass) bool {
	return x.budget[e] > 0 && x.budget[e] != emu.Unlimited
}

// clearing writes what becomes of a dead thread's variables, and the ends of a
// thread and of the program.
func (x *exporter) clearing() {
	x.printf("inline clear(t) {\n    dead[t] = 1; on[t] = 0; cpu[t] = 0; pc[t] = 0; called[t] = 0; call[t] = 0;\n")
	var names []string
	add := func(when bool, more ...string) {
		if when {
			names = append(names, more...)
		}
	}
	add(x.splits, "micro")
	add(x.temps, "t0", "t1")
	add(x.flags, "flags")
	for _, r := range x.regs {
		add(true, r.String())
	}
	add(x.k.CID != emu.CIDNone, "cid")
	add(x.old(), "events")
	add(!x.old(), "user_irq")
	if x.registered {
		add(true, "wrote_cpu")
		add(x.k.CID != emu.CIDNone, "wrote_cid")
		add(x.old(), "notify")
		add(!x.old(), "sched_switch", "ids_changed")
	}
	for _, n := range names {
		x.printf("    %s[t] = 0;\n", n)
	}
	x.printf("}\n\n")
	x.printf("/* The thread's last call has returned. */\ninline ended() {\n    busy[cpu[me]-1] = 0;\n")
	if x.links {
		x.printf("    reserved[cpu[me]-1] = 0;\n")
	}
	x.printf("    alive--;\n    clear(me);\n    if\n    :: (alive == 0) ->\n")
	if x.checked[ir.Finally] {
		x.printf("#ifndef NOCHECKS\n       final_checks();\n#endif\n")
	}
	x.printf("       skip\n    :: else -> skip\n    fi\n}\n\n")
	x.printf("/* The kernel has forced a signal on the thread, and no thread survives it. */\ninline kill() {\n" +
		"    killed = fatal; killed_ip = ip; killed_at = fault; last = me + 1; alive = 0;\n" +
		"    i = 0; do :: (i < N) -> clear(i); i++ :: else -> break od;\n    i = 0; do :: (i < CPUS) -> busy[i] = 0;")
	if x.links {
		x.printf(" reserved[i] = 0;")
	}
	x.printf(" i++ :: else -> break od;\n#ifndef NOCHECKS\n    assert(killed == 0);\n#endif\n}\n\n")
	x.printf("/* Only what is so is translated. */\ninline need(c) {\n    if :: (c) -> skip :: else -> refused = 1; assert(!refused) fi\n}\n\n")
}

// area is the place of a field of the thread's struct rseq in the model's memory.
func (x *exporter) area(off int) string {
	return fmt.Sprintf("(AREA + %d)", off)
}

const (
	offStart = int(abi.OffCPUIDStart)
	offCPU   = int(abi.OffCPUID)
	offCS    = int(abi.OffRSeqCS)
	offFlags = int(abi.OffFlags)
	offNode  = int(abi.OffNodeID)
	offCID   = int(abi.OffMMCID)
)
