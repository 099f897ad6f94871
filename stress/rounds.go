package stress

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// layout is what a round's record holds: for each call of each thread's script, in
// order, when it began and when it ended, r0 and r1, and then each element of the
// program's variables, on every CPU. All are eight bytes.
type layout struct {
	calls    int // of all threads
	elements []element
}

// element is one of a variable's.
type element struct {
	name  string
	plus  int64 // from the variable's own address
	width ir.Width
	init  ir.Value
}

// place is an element's address, in the words of a program.
func (e *element) place() string { return fmt.Sprintf("%s + %d", e.name, e.plus) }

// words is a record's size.
func (l *layout) words() int { return 4*l.calls + len(l.elements) }

// Bounds of what is written and set back after each round.
const (
	maxElements = 512
	maxCalls    = 256
)

// layoutOf lays out the records of a program with so many CPUs' data, 1<<shift bytes
// apart.
func layoutOf(p *ir.Program, cpus int, shift uint8) (*layout, error) {
	l := &layout{}
	for _, t := range p.Threads {
		l.calls += len(t.Calls)
	}
	if l.calls == 0 {
		return nil, fmt.Errorf("%s makes no calls", p.Name)
	}
	if l.calls > maxCalls {
		return nil, fmt.Errorf("%s makes %d calls, and a round has at most %d", p.Name, l.calls, maxCalls)
	}
	for i := range p.Data {
		areas := 1
		switch p.Data[i].Kind {
		case ir.PerCPU:
			areas = cpus
		case ir.PerThread, ir.ReadOnly:
			continue
		}
		for c := range areas {
			if l.elements = append(l.elements, elements(&p.Data[i], int64(c)<<shift)...); len(l.elements) > maxElements {
				return nil, fmt.Errorf("%s has more than %d elements of data, which are looked at and set back after each round", p.Name, maxElements)
			}
		}
	}
	return l, nil
}

// elements lists a variable's, with what is in them at the beginning.
func elements(d *ir.Data, plus int64) []element {
	var all []element
	for i := range min(d.Count, maxElements+1) {
		e := element{name: d.Name, plus: plus + int64(i*d.Width.Bytes()), width: d.Width}
		if i < len(d.Init) {
			e.init = d.Init[i]
		}
		all = append(all, e)
	}
	return all
}

// batch is the room for records, in bytes, that are written at a time.
const batch = 4 << 10

// driver writes the program that runs another one round by round. See the package's
// comment for what a round is.
type driver struct {
	strings.Builder
	p       *ir.Program
	arch    abi.Arch
	areaLen uint32
	l       *layout
	records int // of a batch
	crowd
}

// writeNr are the numbers of write(2).
var writeNr = map[abi.Arch]int{abi.AMD64: 1, abi.ARM64: 64}

// rounds returns the program that runs p round by round for ever, and writes a record
// of each.
func rounds(p *ir.Program, arch abi.Arch, areaLen uint32, l *layout, c crowd, rng *rand.Rand) (*ir.Program, error) {
	free, ok := unused(p)
	if !ok {
		return nil, fmt.Errorf("%s uses each of r0 to r%d, and the delays need one", p.Name, registers-1)
	}
	q := *p
	q.Threads, q.Specs, q.Checks, q.NoRaces, q.Blocks = nil, nil, nil, nil, nil
	q.Setup = ir.Setup{Register: p.Setup.Register}
	var points []point
	var err error
	if q.Funcs, points, err = injected(p, free); err != nil {
		return nil, err
	}
	sig, own := abi.SIGUSR1, len(p.Handlers) == 0
	signals := own
	if !own {
		sig = p.Handlers[0].Signal
		signals = slices.ContainsFunc(p.Setup.Budget, func(b ir.BudgetItem) bool { return b.Event == "signal" && b.Max > 0 })
	}
	if p.Setup.Register == ir.RegisterLegacy {
		areaLen = abi.RSeqOrigSize
	}
	d := &driver{p: p, arch: arch, areaLen: areaLen, l: l, crowd: c, records: max(1, batch/(8*l.words()))}
	d.WriteString(q.String())
	d.data(points, signals, rng)
	d.outside(free, sig)
	if own {
		d.put(`
			func stress_on_signal(signal)
			    ret

			handler %v: stress_on_signal
		`, sig)
	}
	d.meet()
	first := 0
	for t := range p.Threads {
		d.thread(t, first)
		first += len(p.Threads[t].Calls)
	}
	for t := range p.Threads {
		on := ""
		if mask := p.Threads[t].CPUs; mask != 0 {
			on = " on " + maskText(mask)
		}
		d.put("thread%s: stress_thread_%d", on, t)
	}
	return ir.Parse(p.Name+".stress.rseq", []byte(d.String()))
}

func maskText(mask uint64) string {
	var cpus []string
	for c := range ir.MaxCPUs {
		if mask>>c&1 != 0 {
			cpus = append(cpus, fmt.Sprint(c))
		}
	}
	return strings.Join(cpus, ",")
}

// put writes lines of a program, without the indentation that they have here.
func (d *driver) put(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		d.WriteString(strings.TrimPrefix(strings.TrimRight(line, "\n\t"), "\t\t\t") + "\n")
	}
}

func (d *driver) data(points []point, signals bool, rng *rand.Rand) {
	d.put(`
			tls  stress_delay: u32[%d]  # by point: turns of a loop, or an action
			tls  stress_point: u64      # that has one
			tls  stress_lr: u64
			tls  stress_kept: u64[4]
			tls  stress_tid: u64
			data stress_pid: u64
			data stress_gen: u64        # how many rounds are over
			data stress_met: u64        # how many threads have ended this one
			data stress_clock: u64
			data stress_at: u64 = stress_batch
			data stress_batch: u64[%d]
			rodata stress_nap: u64[2] = 0, 1`, len(points), d.records*d.l.words())
	for t := range d.p.Threads {
		d.put("rodata stress_rows_%d: u32[%d] = %s", t, rows, strings.ReplaceAll(strings.Trim(fmt.Sprint(drawn(points, comesTo(d.p, t), signals, d.delay, rng)), "[]"), " ", ", "))
	}
}

// outside is what a point outside of sections does about its number.
func (d *driver) outside(number ir.Reg, sig abi.Signal) {
	nr, _ := d.arch.Nr(abi.SysNanosleep)
	d.put(`
			func stress_outside()
			    st.8  [tp + stress_kept], r0
			    st.8  [tp + stress_kept + 8], r1
			    st.8  [tp + stress_kept + 16], r2
			    st.8  [tp + stress_kept + 24], r8
			    cmp   %[1]v, %[2]d
			    b.hs  action
			turn:
			    sub   %[1]v, %[1]v, 1
			    bne   %[1]v, 0, turn
			    jmp   over
			action:
			    ld.8  r1, [tp + stress_point]
			    mov   r2, 0
			    cmp   %[1]v, %[3]d
			    b.lo  now
			    sub   r2, %[1]v, %[4]d
			    st.4  [tp + r1<<2 + stress_delay], r2
			    jmp   over
			now:
			    st.4  [tp + r1<<2 + stress_delay], r2
			    beq   %[1]v, %[5]d, nap
			    beq   %[1]v, %[6]d, signal
			    syscall sched_yield
			    jmp   over
			nap:
			    mov   r0, stress_nap
			    mov   r1, 0
			    mov   r8, %[7]d
			    syscall r8
			    jmp   over
			signal:
			    ld.8  r0, [stress_pid]
			    ld.8  r1, [tp + stress_tid]
			    mov   r2, %[8]d
			    syscall tgkill
			over:
			    ld.8  r0, [tp + stress_kept]
			    ld.8  r1, [tp + stress_kept + 8]
			    ld.8  r2, [tp + stress_kept + 16]
			    ld.8  r8, [tp + stress_kept + 24]
			    ret
	`, number, act, act+actions, actions, nap, signal, nr, sig)
}

// meet is the end of a round: who is last keeps the record and sets the variables
// back. Then all go on.
func (d *driver) meet() {
	const futexWait, futexWake = 128, 129 // FUTEX_PRIVATE_FLAG is 128
	d.put(`
			func stress_meet()
			    ld.8  r4, [stress_gen]
			    mov   r1, 1
			    mov   r2, stress_met
			    xadd  r1, [r2], r1
			    beq   r1, %d, last
			    mov   r2, %d
			turn:
			    ld.8  r3, [stress_gen]
			    bne   r3, r4, over
			    sub   r2, r2, 1
			    bne   r2, 0, turn
			sleep:
			    mov   r0, stress_gen
			    mov   r1, %d
			    mov   r2, r4
			    mov   r3, 0
			    syscall futex
			    ld.8  r3, [stress_gen]
			    beq   r3, r4, sleep
			over:
			    ret
			last:
			    ld.8  r3, [stress_at]`, len(d.p.Threads)-1, d.patience, futexWait)
	for i, e := range d.l.elements {
		d.put(`
			    ld.%[1]v  r1, [%[2]s]
			    st.8  [r3 + %[3]d], r1
			    mov   r1, %[4]v
			    st.%[1]v  [%[2]s], r1`, e.width, e.place(), 8*(4*d.l.calls+i), e.init)
	}
	d.put(`
			    add   r3, r3, %d
			    mov   r1, stress_batch + %d
			    bne   r3, r1, room
			    mov   r0, 1
			    mov   r1, stress_batch
			    mov   r2, %d
			    mov   r8, %d
			    syscall r8
			    mov   r3, stress_batch
			room:
			    st.8  [stress_at], r3
			    st.8  [stress_clock], 0
			    st.8  [stress_met], 0
			    add   r4, r4, 1
			    st.8.rel [stress_gen], r4
			    mov   r0, stress_gen
			    mov   r1, %d
			    mov   r2, %d
			    syscall futex
			    ret
	`, 8*d.l.words(), 8*d.l.words()*d.records, 8*d.l.words()*d.records, writeNr[d.arch], futexWake, len(d.p.Threads))
}

// thread is a thread's whole life; its calls' places in the record begin at first.
func (d *driver) thread(t, first int) {
	d.put(`
			func stress_thread_%d()
			    syscall getpid
			    st.8  [stress_pid], r0
			    syscall gettid
			    st.8  [tp + stress_tid], r0
			round:`, t)
	registered := d.p.Setup.Register != ir.RegisterNone
	if registered {
		d.rseq("RSEQ_FLAG_UNREGISTER")
	}
	for i := range d.p.Data {
		if d.p.Data[i].Kind != ir.PerThread {
			continue
		}
		for _, e := range elements(&d.p.Data[i], 0) {
			d.put("    mov r1, %v\n    st.%v [tp + %s], r1", e.init, e.width, e.place())
		}
	}
	if registered {
		d.put("    st.8 [tp + rseq_cs], 0")
		d.rseq("0")
	}
	d.put(`
			    ld.8  r1, [stress_gen]
			    and   r1, r1, %d
			    ld.4  r2, [r1<<2 + stress_rows_%d]
			    and   r3, r2, %d
			    shr   r2, r2, 10
			    ld.8  r4, [tp + stress_point]
			    mov   r5, 0
			    st.4  [tp + r4<<2 + stress_delay], r5
			    st.4  [tp + r3<<2 + stress_delay], r2
			    st.8  [tp + stress_point], r3`, rows-1, t, maxPoints-1)
	for i, c := range d.p.Threads[t].Calls {
		at := 32 * (first + i)
		d.put(`
			    mov   r1, 1
			    mov   r3, stress_clock
			    xadd  r2, [r3], r1
			    ld.8  r3, [stress_at]
			    st.8  [r3 + %d], r2`, at)
		for n := range registers {
			v := ir.Value{}
			if n < len(c.Args) {
				v = c.Args[n]
			}
			d.put("    mov r%d, %v", n, v)
		}
		d.put(`
			    call  %[1]s
			    mov   r2, 1
			    mov   r3, stress_clock
			    xadd  r2, [r3], r2
			    ld.8  r3, [stress_at]
			    st.8  [r3 + %[3]d], r2
			    st.8  [r3 + %[4]d], r0
			    st.8  [r3 + %[5]d], r1`, c.Func, at, at+8, at+16, at+24)
	}
	d.put(`
			    call  stress_meet
			    jmp   round
	`)
}

// rseq registers the thread's area, or takes it back.
func (d *driver) rseq(flags string) {
	d.put("    mov r0, tp\n    mov r1, %d\n    mov r2, %s\n    mov r3, RSEQ_SIG\n    syscall rseq", d.areaLen, flags)
}
