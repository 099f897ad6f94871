package conform

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Observation is something to look at: a field of the first thread's struct
// rseq, an element of a variable, how the kernel says it is registered, or an
// entry of the auxiliary vector.
type Observation struct {
	Name  string // "rseq_cs", "seen", Configuration or "AT_RSEQ_ALIGN"
	Index int    // element of data; of per-CPU data, the first element on that CPU
	CPU   bool   // cpu(…): the value is the number of a CPU
}

// Configuration is the observation of what PTRACE_GET_RSEQ_CONFIGURATION tells. It
// can be looked at in a stop only.
const Configuration = "configuration"

// auxv are the observations that are entries of the auxiliary vector.
var auxv = map[string]uint64{"AT_RSEQ_FEATURE_SIZE": abi.AuxvRSeqFeatureSize, "AT_RSEQ_ALIGN": abi.AuxvRSeqAlign}

// statPrefix begins the names of observations of what the kernel has counted for the
// process: stat.cs is by how much cs of debugfs' rseq/stats has grown.
const statPrefix = "stat."

// inMemory reports whether the observation has a place in the thread's memory.
func (o Observation) inMemory() bool {
	_, isAuxv := auxv[o.Name]
	return !isAuxv && o.Name != Configuration && !strings.HasPrefix(o.Name, statPrefix)
}

// field is a field of struct rseq.
type field struct {
	off   ir.Addr
	width ir.Width
	cpu   bool
}

var fields = map[string]field{
	"cpu_id_start": {abi.OffCPUIDStart, 4, true}, "cpu_id": {abi.OffCPUID, 4, true},
	"rseq_cs": {abi.OffRSeqCS, 8, false}, "flags": {abi.OffFlags, 4, false},
	"node_id": {abi.OffNodeID, 4, false}, "mm_cid": {abi.OffMMCID, 4, false}, "slice_ctrl": {abi.OffSliceCtrl, 4, false},
}

// String returns the observation as a case file writes it.
func (o Observation) String() string {
	s := o.Name
	if _, isField := fields[o.Name]; !isField && o.inMemory() {
		s += "[" + strconv.Itoa(o.Index) + "]"
	}
	if o.CPU {
		s = "cpu(" + s + ")"
	}
	return s
}

// ParseObservation reads rseq_cs, seen[2], cpu(seen[2]), configuration.
func ParseObservation(s string) (Observation, error) {
	var o Observation
	inner, isCPU := strings.CutPrefix(s, "cpu(")
	if isCPU {
		var closed bool
		if inner, closed = strings.CutSuffix(inner, ")"); !closed {
			return o, fmt.Errorf("%q lacks its )", s)
		}
		o.CPU = true
	}
	name, index, indexed := strings.Cut(inner, "[")
	if indexed {
		n, err := strconv.ParseUint(strings.TrimSuffix(index, "]"), 10, 16)
		if err != nil || !strings.HasSuffix(index, "]") {
			return o, fmt.Errorf("%q is no element of a variable", inner)
		}
		o.Index = int(n)
	}
	o.Name = name
	if name == "" {
		return o, fmt.Errorf("%q is nothing to look at", s)
	}
	return o, nil
}

// Place returns the address and width of what is observed of the first thread.
// hostCPU gives the number that a case's CPU has on the target.
func (o Observation) Place(im *ir.Image, hostCPU func(int) int) (ir.Addr, ir.Width, error) {
	if f, ok := fields[o.Name]; ok {
		return im.TP(0) + f.off, f.width, nil
	}
	for i := range im.Prog.Data {
		d := &im.Prog.Data[i]
		if d.Name != o.Name {
			continue
		}
		base, width := im.Symbols[d.Name], d.Width.Bytes()
		switch {
		case d.Kind == ir.PerCPU && o.Index < CPUs:
			return base + ir.Addr(hostCPU(o.Index))<<im.PerCPUShift, d.Width, nil
		case d.Kind == ir.PerCPU:
			return 0, 0, fmt.Errorf("%v: a case has %d CPUs", o, CPUs)
		case o.Index >= d.Count:
			return 0, 0, fmt.Errorf("%v: %s has %d elements", o, d.Name, d.Count)
		case d.Kind == ir.PerThread:
			return im.TP(0) + base + ir.Addr(o.Index*width), d.Width, nil
		}
		return base + ir.Addr(o.Index*width), d.Width, nil
	}
	return 0, 0, fmt.Errorf("unknown observation %q: no field of struct rseq and no data of the program (fields: "+
		"cpu_id_start, cpu_id, rseq_cs, flags, node_id, mm_cid, slice_ctrl; or AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN)", o.Name)
}

// CPUs is the number of CPUs that a case has: c0, where it begins, and c1.
const CPUs = 2

// View is how a target looks at a thread and its memory.
type View struct {
	Image *ir.Image
	// Load reads a number, and says whether it could.
	Load func(ir.Addr, ir.Width) (uint64, bool)
	// HostCPU is the number that the target has for CPU c0 or c1.
	HostCPU func(int) int
	// Configuration is what ptrace tells; nil where nobody can ask. An error
	// that is an [abi.Errno] is the kernel's answer.
	Configuration func() (abi.PtraceRSeqConfiguration, error)
	// Entries are addresses that stand for functions: code of the target's own
	// that the kernel enters for a handler.
	Entries map[ir.Addr]ir.Addr
	// Auxv returns an entry of the process's auxiliary vector, and whether
	// there is one; nil where nobody can look.
	Auxv func(entry uint64) (uint64, bool)
	// Stat returns a counter of debugfs' rseq/stats, as far as the process has made
	// it grow, and whether there is one of that name; nil where nobody counts.
	Stat func(name string) (uint64, bool)
}

// Observe looks at each of the observations.
func (v View) Observe(see []Observation) ([]Seen, error) {
	var out []Seen
	for _, o := range see {
		if !o.inMemory() {
			value, err := v.told(o)
			if err != nil {
				return nil, err
			}
			out = append(out, Seen{What: o.String(), Value: value})
			continue
		}
		a, w, err := o.Place(v.Image, v.HostCPU)
		if err != nil {
			return nil, err
		}
		n, ok := v.Load(a, w)
		switch f := fields[o.Name]; {
		case !ok:
			out = append(out, Seen{What: o.String(), Value: "unreadable"})
		case o.CPU || f.cpu:
			out = append(out, Seen{What: o.String(), Value: v.cpu(uint32(n))})
		case f.width == 4:
			out = append(out, Seen{What: o.String(), Value: strconv.Itoa(int(int32(n)))})
		default:
			out = append(out, Seen{What: o.String(), Value: v.Value(n)})
		}
	}
	return out, nil
}

// told is an observation of what the kernel tells and memory doesn't hold.
func (v View) told(o Observation) (string, error) {
	if name, ok := strings.CutPrefix(o.Name, statPrefix); ok {
		if v.Stat == nil {
			return "", &Skip{Reason: "the kernel's counters can't be read"}
		}
		n, ok := v.Stat(name)
		if !ok {
			return "", &Skip{Reason: "the kernel has no counter " + name}
		}
		return strconv.FormatUint(n, 10), nil
	}
	if entry, ok := auxv[o.Name]; ok {
		if v.Auxv == nil {
			return "", &Skip{Reason: "the auxiliary vector can't be looked at"}
		}
		if n, ok := v.Auxv(entry); ok {
			return strconv.FormatUint(n, 10), nil
		}
		return "none", nil
	}
	if v.Configuration == nil {
		return "", &Skip{Reason: "the registration can't be asked for"}
	}
	c, err := v.Configuration()
	var errno abi.Errno
	if errors.As(err, &errno) {
		return errno.String(), nil
	}
	return v.configuration(c), err
}

// cpu names a CPU's number, so that it is the same wherever the case runs. Where
// one of the two is CPU 0 nobody can tell its number from no number: that is
// "0 or c0", which is equal to both.
func (v View) cpu(n uint32) string {
	for c := range CPUs {
		switch {
		case v.HostCPU(c) != int(n):
		case n == 0:
			return fmt.Sprintf("0 or c%d", c)
		default:
			return fmt.Sprintf("c%d", c)
		}
	}
	return strconv.Itoa(int(int32(n)))
}

// Value names a number: an address by what is there, so that it is the same
// wherever the case is linked for, and a failed call's result by its errno.
func (v View) Value(n uint64) string {
	if e, ok := abi.ErrnoOf(n); ok {
		return "-" + e.String()
	}
	return v.number(n)
}

// number names a number that is no error.
func (v View) number(n uint64) string {
	a := ir.Addr(n)
	if f, ok := v.Entries[a]; ok {
		a = f
	}
	if p, ok := PointAt(v.Image, a); ok {
		return p.String()
	}
	switch {
	case a >= ir.RodataBase && a < ir.StackBase:
		return v.Image.DataName(v.caseArea(a))
	case n < 1<<16 || -n < 1<<16:
		return strconv.FormatInt(int64(n), 10)
	}
	return fmt.Sprintf("%#x", n)
}

// caseArea returns an address in the target's per-CPU data as it is where the case's
// CPUs are 0 and 1, and any other as it is.
func (v View) caseArea(a ir.Addr) ir.Addr {
	for c := range CPUs {
		from, to := ir.PerCPUBase+ir.Addr(v.HostCPU(c))<<v.Image.PerCPUShift, ir.PerCPUBase+ir.Addr(c)<<v.Image.PerCPUShift
		if len(v.Image.PerCPU) > 0 && a >= from && a-from < 1<<v.Image.PerCPUShift {
			return to + a - from
		}
	}
	return a
}

// Result names what a system call or operation returned.
func (v View) Result(n uint64) string {
	if e, ok := abi.ErrnoOf(n); ok {
		return e.String()
	}
	return v.Value(n)
}

// CallResult names what a call of a thread's script returned, by their numbers from
// 0. An operation that only looks at memory has no errors: the -1 that it returns is
// a cpu_id of -1, not EPERM.
func (v View) CallResult(thread, call int, n uint64) string {
	p := v.Image.Prog
	if thread >= len(p.Threads) || call >= len(p.Threads[thread].Calls) {
		return v.Result(n)
	}
	name := p.Threads[thread].Calls[call].Func
	i := slices.IndexFunc(p.Funcs, func(f ir.Func) bool { return f.Name == name })
	if i < 0 || mayFail(&p.Funcs[i]) {
		return v.Result(n)
	}
	return v.number(n)
}

// mayFail reports whether a function makes a system call, or goes where one may be.
func mayFail(f *ir.Func) bool {
	for _, it := range f.Body {
		if it.Kind != ir.Code {
			continue
		}
		for _, o := range it.Instr.Micro() {
			inside := func(l ir.Item) bool { return l.Kind == ir.Label && l.Name == o.Target }
			switch {
			case o.Code == ir.Syscall, o.Code == ir.Call, o.Code == ir.Jmpr:
				return true
			case o.Target != "" && !slices.ContainsFunc(f.Body, inside):
				return true
			}
		}
	}
	return false
}

func (v View) configuration(c abi.PtraceRSeqConfiguration) string {
	if c == (abi.PtraceRSeqConfiguration{}) {
		return "not registered"
	}
	sig := fmt.Sprintf("%#x", c.Signature)
	if c.Signature == v.Image.Arch.Signature() {
		sig = "RSEQ_SIG"
	}
	return fmt.Sprintf("pointer=%s size=%d signature=%s flags=%d", v.Value(c.Pointer), c.Size, sig, c.Flags)
}
