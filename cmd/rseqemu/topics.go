package main

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/spf13/cobra"
)

// topics are pages of help that belong to no command.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "programs", Short: "How a program is written", Long: helpPrograms},
		{Use: "schedules", Short: "What a schedule is", Long: helpSchedules},
		{Use: "proposals", Short: "How to try a kernel that isn't there", Long: helpProposals()},
		{Use: "workloads", Short: "How to state an event mix for stats", Long: helpWorkloads},
		{Use: "search", Short: "What a search covers, and what it leaves out", Long: helpSearch},
		{Use: "json", Short: "What --json prints", Long: helpJSON},
	}
}

const helpPrograms = `A program is text: data, functions with their critical sections, the calls that
threads make, and what must hold. This is a counter for each CPU:

  percpu count: u64  # one on each CPU

  func add()
      cs add_cs: start_ip=start post_commit_ip=commit abort_ip=abort
  retry:
      ld.4  r2, [tp + cpu_id_start]
      { shl t0, r2, percpu_shift; add r3, t0, count }
      mov   r4, add_cs
      st.8  [tp + rseq_cs], r4
  start:
      ld.4  r4, [tp + cpu_id]
      bne.4 r4, r2, abort
      { ld.8 t0, [r3]; add t0, t0, 1; st.8 [r3], t0 }
  commit:
      ret
      sig  # the 4 bytes before abort_ip
  abort:
      jmp   retry

  thread: add; add  # a thread's calls
  thread: add

  final  sum(count) == calls(add)  # when every thread has ended

A line is an instruction, and an instruction is a point at which the kernel may
interrupt. Braces hold the steps of a single instruction. Function arguments are
r0 to r5; tp points to the thread's struct rseq.

What must hold is declared with
  spec stack(push, pop)      linearizable: stack, counter, pair, register, tally, slab;
                             with "sequential" or "quiescent" behind it less
  always CONDITION           after every transition
  final CONDITION            when every thread has ended
  norace head, node          no two threads access it at once
  blocks 16 alloc(f) free(g) nobody uses a block that is free
and the machine with cpus, nodes, register, budget and kernels.

The whole language: https://pkg.go.dev/github.com/rseqemu/rseqemu/ir`

const helpSchedules = `A schedule is a run to be repeated, as text for bug reports: the program's name and
fingerprint, the kernel, the machine, and what happened, one transition a line.

  rseqemu schedule 1
  program list 1f0c9a52
  kernel 6.19
  cpus 2
  budget preempt=2 migrate=2
  breaks linearizable(stack)

  c0 step x12        CPU 0 runs twelve steps of its thread
  c0 preempt         the timer takes the thread off CPU 0
  c1 run t0          CPU 1 picks thread 0

Other transitions are t1 wake (what it slept for has happened), c1 ipi, c0 irq
(an interrupt that changes nothing), c0 fault, c0 fault sleep (a page fault),
c0 membarrier, t0 signal 10, c1 offline and c1 online; and where a kernel grants time
slices c0 slice-timer (the time is over) and, for PREEMPT_RT, c0 preempt now (what
no slice puts off).

A budget bounds the events of a run by kind: preempt, migrate, signal, irq, fault,
membarrier, unplug, expire. Lines that begin with # are comments.`

// helpProposals ends with the rules that can be changed.
func helpProposals() string {
	var b strings.Builder
	b.WriteString(`A proposal is a kernel that isn't there: a release with other rules, in a file whose
name ends in .kernel. The file is named wherever a kernel is: --kernel, --kernels,
--from, --to, --against, rseqemu kernels.

  # What is proposed, by whom, and why.
  name = v2-by-flag
  base = 7.3
  V2   = flag  # not by length

  rseqemu check debate:long-area --kernels 7.3,./v2-by-flag.kernel
  rseqemu kernels diff 7.3 ./v2-by-flag.kernel    which programs and cases change

A program claims of a proposal what it claims of the base. A kernel with changes can
also be named in one word, 7.3+V2=flag, and is in schedules, which need no file then.
Where V2 is asked for by flag it is bit 2 of rseq()'s flags, and libc sets it unless the
base is a v1. Rules that contradict each other are an error.

The rules and their values:
`)
	width := 0
	for _, r := range emu.Rules() {
		width = max(width, len(r.Name))
	}
	for _, r := range emu.Rules() {
		fmt.Fprintf(&b, "  %-*s  %s: %s\n", width, r.Name, r.About, r.Words)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

const helpWorkloads = `A workload is how often threads return to user mode, and what is behind it:

  rseqemu workload 1
  title      a database with a thread for each connection
  exit       100,000,000      # returns to user mode; of them these had a reason:
  switch     10,000,000       # the thread was off its CPU
  signal     1,000            # a signal is delivered
  notify     500,000          # task_work and such
  start      256              # the thread is new

  switch.preempt    10%       # of the switches: behind an interrupt or exception
  switch.migrate    15%       # … and those that end on another CPU
  signal.interrupt  50%       # of the signals: those that interrupt user code
  other.interrupt   10%       # of the rest: returns of interrupts, not system calls
  code.sections     60%       # of all: a section was run since the last one
  code.inside       0.5%      # of the interrupts: they find the thread inside of one

  seed       619
  cpus       32
  threads    256
  generate   1,000,000        # this many exits are made, and stand for all

signal, notify, start and the shares from signal.interrupt on are 0 if they aren't
there; the others must be. System calls, switches and migrations can be counted:
  perf stat -a -e raw_syscalls:sys_exit,context-switches,migrations sleep 10
Interrupts of user code are returns, too. Who has no numbers records a trace
(rseqemu stats --help). The table is that of
  rseqemu stats mine.workload`

const helpSearch = `A search takes every choice in every state, the fewest kernel events first, so that
what it finds is as small as can be. It stores a hash of 127 bits for each state.

What nobody can tell apart it doesn't look at twice. Each of these reductions rests
on a proof from the kernel's rules; what that assumes of the program is watched, and
a search begins anew without the one that it can't have. --reduce none makes none,
--reduce dead,local some:

  dead      registers, flags, words of struct rseq and notes of the kernel that
            nothing can read any more are cleared; a section that is sure to be
            aborted is aborted at once
  local     a step that touches only what no event and no other CPU can change or
            see is made at once
  return    a call returns as soon as it can: later only explains more
  percpu    reading the own CPU's per-CPU data inside a section is local too
  symmetry  threads with the same script, and CPUs, change places (with dead)
  cpu       while a CPU's next step is nobody's but its own, the others wait (with
            dead and percpu)
  object    a piece of data that only scripts name is its holder's own while nobody
            else has its address (with dead and percpu)
  garbage   what such a piece holds is forgotten when nobody has its address (with dead)
  call      when an operation begins is nothing to see, if only data and counts are
            asked for
  claim     no preemption between reading cpu_id and the section that asks whether it
            still is so

What a property looks at decides too: an always line, norace or blocks leaves fewer.

The verdict says what was done: holds, for all schedules within the bounds (all
states were looked at); not finished, with why and up to how many events it holds;
not broken in so many random runs; and with --bitstate, how many states in how many
were missed, about. --exact keeps states themselves, so that hashes prove nothing
away. --coverage prints what was tried before each instruction.`

const helpJSON = `With --json a command prints one JSON object on standard output and nothing else
there. Field names are stable; new ones may come.

  check    verdict, not_run[] (sections of compiled code, and why), programs[]: program,
           file, sum, threads, cpus, memory, budget, random, properties[], verdict,
           starved[]: functions[], by,
           kernels[]: kernel, verdict, why, events, states, transitions, depth, runs,
           chooser, odds[] (depth, odds), reductions[], symmetric, missed (log2 of the
           odds that a state was), coverage: sections[] (name, interrupted, of),
           instrs[] (at, instr, steps, events, local), never_overlapped[],
           others[] (as failure), failure: property, message, events, transitions,
           schedule, story
  executions  verdict, kernel, cpus, budget, switches, executions, blocked,
           transitions, depth, why, property, message, schedule
  merge    as check
  run      verdict (ended, broken, incomplete), property, message, transitions,
  replay   events, schedule, story; of a replay the verdict is broken or unbroken
  diff     verdict (same, parts, incomplete), from, to, budget, why, states,
           diff: parts, message, schedule, from, to (stories)
  conform  target, against, uname, kernel, results[]: case, status (same, different,
           skipped, failed, expected deviation, deviation gone), outcome, runs, odd[],
           detail; without --against kernels[], cases[]: case, points[],
           answers[]: kernels[], outcome, skipped
           with --list cases[]: case, tier, doc
           where an outcome is calls[], second[], children[], end, blind, missed[], looks[],
           seen[] (what=value); --format jsonl has the results as lines
  kernels  kernels[], rows[]: field, meaning, values[]; families[]: name, releases[]
  kernels diff  from, to, rules[] (as rows), programs[]: program, from, to; same,
           cases[]: case, points[]; answered
  kernels fetch  kernels[]: release, arch, image, config, package, version
  stats    workload, title, mix, events, stopped, kernels[]: kernel, counters[] (name,
           count, share, less), accesses[] (field, loads, stores), killed;
           trace: lines, nanoseconds[], cpus, threads, kernel_threads, switches,
           sys_enter, sys_exit, interrupts, signals, rseq_update, rseq_ip_fixup,
           unregistered, lost, lost_reports, gaps, cut, unknown, unknown_names[] (name,
           count)
  stress   verdict (broken, sampled, incomplete), kernel, claimed, cpus, processes, seed,
           rounds, different, seconds, property, message, round[]
  fmt      files[]: file, changed, text, diff
  vet      findings[]: file, line, column, check, message, func, section
  lint     files[]: file, arch, errors, warnings, notes, sections[]: where, func, offset,
           source (file, line), descriptor, start_ip, post_commit_ip, abort_ip,
           instructions, stores, findings[]; findings[] (of no section): rule, severity,
           where, address, source, message; with --rules rules[]: rule, severity, why
  lift     file, arch, sections[]: function, source, descriptor, start_ip,
           post_commit_offset, abort_ip; of programs as fmt
  list     programs[]: name, about, bug (of which program)
  export   model
  version  version, revision, modified, go, platform

A verdict of check is holds, broken, incomplete or sampled. An incomplete search
still covered all schedules with fewer kernel events than events says.

A story is program, kernel, cpus, done, broken, message,
  steps[]: n, choice, cpu, thread, running[], where, line, instr, machine, begins,
           returns, goes, registers[], memory[] (place, value), notes[]
  calls[]: thread, name, first, last, returns
and a schedule is the text to replay.

Bad input gives error: message, file, line, column, and the message on standard
error as well. Exit codes are the same with and without --json.`
