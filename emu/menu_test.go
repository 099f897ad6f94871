package emu

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/abi"
)

// Programs for the laws: threads that call, in any order, operations from a
// menu that meets everything that the kernel does.

const menu = `
data word: u32[2]
data sum: u64
data mask: u64[2] = 1, -1
percpu count: u64

func incr()                            # a per-CPU counter, as everybody writes it
    cs incr_cs: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, count }
    mov   r4, incr_cs
    st.8  [tp + rseq_cs], r4
start:
    ld.4  r4, [tp + cpu_id]
    bne.4 r4, r2, abort
    ld.8  r5, [r3]
    add   r5, r5, 1
    st.8  [r3], r5
commit:
    ret
    sig
abort:
    mov   r4, 0
    beq.4 r4, 1, retry
    ret
func sleeps_inside()
    cs sleeps_cs: start_ip=sleeps_start post_commit_ip=sleeps_commit abort_ip=sleeps_abort flags=7
    mov   r4, sleeps_cs
    st.8  [tp + rseq_cs], r4
sleeps_start:
    syscall nanosleep
    nop
sleeps_commit:
    ret
    sig
sleeps_abort:
    ret
func forged()                          # a signature that nobody registered
    cs forged_cs: start_ip=forged_start post_commit_ip=forged_commit abort_ip=forged_abort
    mov   r4, forged_cs
    st.8  [tp + rseq_cs], r4
forged_start:
    nop
    nop
forged_commit:
    ret
    sig 0x1234
forged_abort:
    ret
func clobbers()
    st.4  [tp + cpu_id_start], 99
    st.4  [tp + flags], r0
    syscall sched_yield
    ret
func adds()                            # in the middle another CPU can look
    { ld.8 t0, [sum]; add t0, t0, 1; st.8 [sum], t0 }
    lock { ld.8 t0, [sum]; add t0, t0, 1; st.8 [sum], t0 }
    ll    r2, [sum]
    add   r2, r2, 1
    sc    r3, [sum], r2
    ret
func registers()
    mov r0, tp
    mov r1, 32
    mov r2, 0
    mov r3, RSEQ_SIG
    syscall rseq
    ret
func unregisters()
    mov r0, tp
    mov r1, 32
    mov r2, 1
    mov r3, RSEQ_SIG
    syscall rseq
    ret
func fences()
    mov r0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ
    mov r1, 0
    syscall membarrier
    mov r0, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ
    mov r1, 0
    syscall membarrier
    ret
func forks()
    syscall fork
    jmp incr
func vforks()
    syscall vfork
    beq r0, 0, child
    ret
child:
    mov r0, fresh
    syscall execve
    ret
func clones()
    mov r0, 0x10900
    syscall clone
    ret
func fresh()
    ld.4 r2, [tp + cpu_id]
    ret
func execs()
    mov r0, fresh
    syscall execve
    ret
func fails_to_exec()
    mov r0, 0
    syscall execve
    ret
func kills(tid)
    mov r1, r0
    mov r0, -1
    mov r2, SIGUSR1
    syscall tgkill
    ret
func pauses()
    syscall pause
    ret
func waits()
    mov r0, word
    mov r1, 0
    mov r2, 0
    syscall futex
    ret
func wakes()
    st.4 [word], 1
    mov r0, word
    mov r1, 1
    mov r2, 1
    syscall futex
    ret
func pins(tid)
    mov r1, 8
    mov r2, mask
    syscall sched_setaffinity
    ret
func unpins(tid)
    mov r1, 8
    mov r2, mask + 8
    syscall sched_setaffinity
    ret
func blocks()
    mov r0, 0
    mov r1, 0xc00
    syscall rt_sigprocmask
    ret
func asks(request)                     # for a slice, maybe in vain, and gives it back
    mov r5, r0
    mov r0, PR_RSEQ_SLICE_EXTENSION
    mov r1, PR_RSEQ_SLICE_EXTENSION_SET
    mov r2, PR_RSEQ_SLICE_EXT_ENABLE
    mov r3, 0
    mov r4, 0
    syscall prctl
    st.4 [tp + slice_ctrl], r5
    ld.4 r2, [tp + cpu_id]
    syscall rseq_slice_yield
    st.4 [tp + slice_ctrl], r5
    ld.4 r2, [tp + cpu_id]
    ret
func crashes()
    st.8 [0], r0
    ret
func exits()
    syscall exit_group
    ret
func handler_()
    ld.4 r2, [tp + cpu_id]
    syscall sched_yield
    ret
func last_words()
    mov r0, 1
    syscall exit_group
handler SIGUSR1: handler_
handler SIGSEGV: last_words
stack 2048
`

// ops are the menu's operations, with the arguments that they may get.
var ops = []string{"incr", "incr", "incr", "sleeps_inside", "forged", "clobbers 0", "clobbers 8", "adds", "registers", "unregisters",
	"fences", "fences", "forks", "vforks", "clones", "execs", "fails_to_exec", "kills 1000", "kills 1001", "kills 1002", "pauses",
	"waits", "wakes", "pins 0", "pins 1001", "unpins 0", "blocks", "crashes", "exits", "asks 1", "asks 1", "asks 257"}

// order is a program and a machine for it, drawn by a source of numbers below n.
func order(intn func(n int) int, kernel Kernel) (string, Config) {
	var b strings.Builder
	b.WriteString(menu)
	for range 1 + intn(3) {
		var calls []string
		for range 1 + intn(3) {
			calls = append(calls, ops[intn(len(ops))])
		}
		fmt.Fprintf(&b, "thread: %s\n", strings.Join(calls, "; "))
	}
	b.WriteString([...]string{"", "register legacy\n", "register none\n"}[intn(3)])
	cpus := 1 + intn(3)
	budget := Budget{}
	for e := range budget {
		budget[e] = uint8(intn(4))
	}
	kernel.Debug = intn(8) == 0
	return b.String(), Config{Kernel: kernel, CPUs: cpus, Nodes: 1 + intn(cpus), Budget: &budget, Idle: intn(4) == 0}
}

// kernels are every release on architectures that differ: generic entry code in
// both byte orders, half of it, none.
func kernels(t testing.TB) []Kernel {
	t.Helper()
	var ks []Kernel
	for _, release := range Releases() {
		for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64, abi.S390X, abi.RISCV64, abi.ARM} {
			k, err := LinuxRelease(release, arch)
			if err != nil {
				t.Fatal(err)
			}
			ks = append(ks, k)
		}
	}
	for _, name := range []string{"7.3/slices", "7.3/slices/preempt-rt", "7.3/slices/v1", "7.3/slices-off", "7.3/s390x/slices"} {
		for range 5 { // as often as others
			ks = append(ks, mustKernel(t, name))
		}
	}
	return ks
}

// longestRun bounds every run of a menu: operations are short, retries cost a
// kernel event, and events are budgeted.
const longestRun = 2000

// TestRandomRunsEnd, without a panic, on every kernel.
func TestRandomRunsEnd(t *testing.T) {
	const runs = 12
	for i, k := range kernels(t) {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		for range runs {
			program, cfg := order(rng.IntN, k)
			m, err := New(parse(t, program), cfg)
			if err != nil {
				t.Fatal(err)
			}
			var buf []Choice
			steps := 0
			for buf = m.Choices(buf[:0]); len(buf) > 0; buf = m.Choices(buf[:0]) {
				m.Do(buf[rng.IntN(len(buf))])
				if steps++; steps > longestRun {
					t.Fatalf("%s: no end after %d steps: %s\n%s", k, steps, m.Blocked(), program[len(menu):])
				}
			}
			if !m.Done() && m.Blocked() == "" {
				t.Fatalf("%s: nothing can happen, nobody waits, and it isn't done\n%s", k, program[len(menu):])
			}
		}
	}
}

// drawMachine draws a machine with a menu on any kernel, and says what it is.
func drawMachine(t *rapid.T, ks []Kernel) *Machine {
	k := ks[rapid.IntRange(0, len(ks)-1).Draw(t, "kernel")]
	program, cfg := order(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }, k)
	cfg.Memory = MemoryModel(rapid.IntRange(0, 2).Draw(t, "memory"))
	t.Logf("%s %d CPUs, %d nodes, %s, idle %v, %s\n%s", cfg.Kernel, cfg.CPUs, cfg.Nodes, cfg.Budget, cfg.Idle, cfg.Memory, program[len(menu):])
	m, err := New(parseMenu(program), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
