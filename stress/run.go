package stress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/native"
)

// Options say how long and with what.
type Options struct {
	// For is how long rounds are run, unless one breaks something.
	For time.Duration
	// Seed draws what is put in where: the same seed puts in the same.
	Seed uint64
}

// Result is what a run has seen.
type Result struct {
	Release   string // of the kernel: 6.18.44
	CPUs      int    // that the threads were on
	Processes int    // that ran at the same time, at most
	Rounds    uint64 // of all processes
	// Different is how many different rounds there were: in what order calls began
	// and ended, what they returned, and what was in memory at the end. Beyond 64 MB
	// of them it begins anew.
	Different int
	Took      time.Duration
	Failure   *Failure // nil: nothing was broken
}

// Failure is how a round broke a property.
type Failure struct {
	*explore.Violation
	// Story are lines that tell the round; empty if the process was killed or hangs.
	Story string
}

// perCPU is how many threads there are for each CPU, in all processes together, as
// the kernel's selftests have them: then most are waiting for a CPU, and those that
// run are preempted and go elsewhere.
const perCPU = 6

// phase is how long processes run before others take their place, with other delays.
const phase = time.Second

// crowd is how many processes there are at a time, where, and with what delays.
type crowd struct {
	cpus      uint64
	processes int
	delay     turns
	// patience is how many turns of a loop a thread makes that waits for others to end
	// their round, before it sleeps.
	patience int
}

// The patience of threads that have a CPU for themselves, which is longer than a short
// delay, and of those that others wait for.
const (
	patient   = 1 << 22
	impatient = 1 << 16
)

// crowd is that of the n-th phase: all of them on all CPUs; one alone, whose threads may
// have a CPU each and so meet at the same time; and as many as are for one CPU on one,
// where each preemption is for somebody.
func (r *runner) crowd(n uint64) crowd {
	switch n % 3 {
	case 1:
		return crowd{r.mask, 1, short, patient}
	case 2:
		if common := r.common(); common != 0 {
			for range n / 3 % uint64(bits.OnesCount64(common)) {
				common &= common - 1
			}
			return crowd{common & -common, max(1, perCPU/len(r.p.Threads)), long, impatient}
		}
	}
	return crowd{r.mask, r.result.Processes, long, impatient}
}

// common are the CPUs that every thread may use.
func (r *runner) common() uint64 {
	mask := r.mask
	for _, t := range r.p.Threads {
		if t.CPUs != 0 {
			mask &= t.CPUs
		}
	}
	return mask
}

// hangs is the hangs of a runner: a few dozen rounds take a tenth of that at most.
const hangs = 2 * time.Second

// Run runs the program's rounds on this machine until one breaks what the program
// declares, the time is over or the context is done; these are no errors. An error
// wraps [native.ErrUnsupported] if the program can't be run here.
func Run(ctx context.Context, p *ir.Program, o Options) (*Result, error) {
	r, err := newRunner(p)
	if err != nil {
		return nil, err
	}
	return r.run(ctx, o)
}

func (r *runner) run(ctx context.Context, o Options) (*Result, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	r.stop = cancel
	for n := uint64(0); ctx.Err() == nil; n++ {
		c := r.crowd(n)
		until := time.Now().Add(phase)
		var all sync.WaitGroup
		for i := range c.processes {
			all.Go(func() {
				if err := r.process(ctx, c, until, rand.New(rand.NewPCG(o.Seed, n<<8|uint64(i)))); err != nil {
					r.fail(err)
				}
			})
		}
		all.Wait()
	}
	r.result.Took = time.Since(began)
	r.result.Different = len(r.judge.known)
	return &r.result, r.err
}

// runner is a run.
type runner struct {
	p    *ir.Program
	host *native.Host
	l    *layout
	mask uint64
	// hangs is how much processor time a process uses without ending a round that is said
	// to hang.
	hangs time.Duration
	stop  context.CancelFunc

	mu     sync.Mutex // of what follows
	judge  *judge
	result Result
	err    error
}

// newRunner finds out whether the program can be run, and makes the judge.
func newRunner(p *ir.Program) (*runner, error) {
	if err := suits(p); err != nil {
		return nil, err
	}
	host, err := native.Here()
	if err != nil {
		return nil, err
	}
	wanted := p.Setup.CPUs
	if wanted == 0 {
		wanted = 2
	}
	mask := host.CPUs & (1<<wanted - 1)
	if mask == 0 {
		return nil, fmt.Errorf("%w: the program's CPUs are 0 to %d, and this process may use none of them", native.ErrUnsupported, wanted-1)
	}
	for i, t := range p.Threads {
		if t.CPUs != 0 && t.CPUs&mask == 0 {
			return nil, fmt.Errorf("%w: thread %d is for CPUs that this process may not use", native.ErrUnsupported, i)
		}
	}
	laid, err := native.Lay(p, host.Arch) // so that errors have the program's own lines
	if err != nil {
		return nil, err
	}
	im, err := ir.Link(laid, host.Arch)
	if err != nil {
		return nil, err
	}
	cpus := max(len(p.Threads), bits.Len64(mask))
	r := &runner{p: p, host: host, mask: mask, hangs: hangs}
	r.result.Release = host.Release
	if r.l, err = layoutOf(p, cpus, im.PerCPUShift); err != nil {
		return nil, err
	}
	if r.judge, err = newJudge(p, host.Arch, max(cpus, needed(p)), r.l); err != nil {
		return nil, err
	}
	r.result.CPUs = bits.OnesCount64(mask)
	r.result.Processes = max(1, perCPU*r.result.CPUs/len(p.Threads))
	return r, nil
}

// needed is how many CPUs a machine must have for the program's masks.
func needed(p *ir.Program) int {
	n := 1
	for _, t := range p.Threads {
		if t.CPUs != 0 {
			n = max(n, bits.TrailingZeros64(t.CPUs)+1)
		}
	}
	return n
}

// unsuited are the system calls of programs whose rounds can't be repeated in one
// process.
var unsuited = map[abi.Syscall]string{
	abi.SysFork: "makes processes", abi.SysVfork: "makes processes", abi.SysClone: "makes threads", abi.SysExecve: "becomes another program",
	abi.SysExit: "ends its threads", abi.SysExitGroup: "ends its process", abi.SysRSeq: "registers or unregisters its area",
}

// suits says why a program's rounds can't be repeated, if so.
func suits(p *ir.Program) error {
	switch n := len(p.Threads); {
	case n == 0:
		return fmt.Errorf("%s has no thread: add a line such as \"thread: f\"", p.Name)
	case n > native.MaxFreeThreads:
		return fmt.Errorf("%s has %d threads, and may have 1 to %d", p.Name, n, native.MaxFreeThreads)
	}
	for i := range p.Funcs {
		for j := range p.Funcs[i].Body {
			for _, o := range p.Funcs[i].Body[j].Instr.Micro() {
				if why, ok := unsuited[abi.Syscall(o.Imm)]; ok && o.Code == ir.Syscall {
					return fmt.Errorf("%w: %s %s with %v, and can't begin anew", native.ErrUnsupported, p.Name, why, abi.Syscall(o.Imm))
				}
			}
		}
	}
	return nil
}

// fail keeps the first error, and ends the run.
func (r *runner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && r.result.Failure == nil {
		r.err = err
	}
	r.stop()
}

// broke keeps the first failure, and ends the run.
func (r *runner) broke(v *explore.Violation, story string) {
	if r.err == nil && r.result.Failure == nil {
		r.result.Failure = &Failure{v, story}
	}
	r.stop()
}

// process runs one process until about that time and judges what it writes.
func (r *runner) process(ctx context.Context, c crowd, until time.Time, rng *rand.Rand) error {
	q, err := rounds(r.p, r.host.Arch, r.host.AreaLen, r.l, c, rng)
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		sig abi.Signal
		err error
	}
	ended := make(chan end, 1)
	var progress atomic.Uint64
	go func() {
		sig, err := r.host.RunFree(ctx, q, c.cpus, write, &progress, r.hangs)
		write.Close()
		ended <- end{sig, err}
	}()
	records := make([]byte, max(1, batch/(8*r.l.words()))*8*r.l.words())
	for {
		if _, err = io.ReadFull(read, records); err != nil {
			break
		}
		progress.Add(1)
		if r.take(records); time.Now().After(until) {
			cancel()
		}
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		cancel()
		<-ended
		return fmt.Errorf("reading its records: %w", err)
	}
	switch e := <-ended; {
	case errors.Is(e.err, native.ErrHangs):
		r.mu.Lock()
		defer r.mu.Unlock()
		r.broke(&explore.Violation{Property: "ends", Message: "a round never does"}, "")
		return nil
	case ctx.Err() != nil:
		return nil
	case e.err != nil:
		return e.err
	case e.sig == abi.SIGKILL:
		return errors.New("somebody has killed it")
	case e.sig == 0:
		return errors.New("it has ended by itself")
	default:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.broke(&explore.Violation{Property: "survives", Message: fmt.Sprintf("a thread was killed by %v", e.sig)}, "")
		return nil
	}
}

// take judges the records of some rounds.
func (r *runner) take(records []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result.Failure != nil {
		return
	}
	for one := range slices.Chunk(records, 8*r.l.words()) {
		r.result.Rounds++
		if v := r.judge.judge(one); v != nil {
			r.broke(v, r.judge.story(one))
			return
		}
	}
}
