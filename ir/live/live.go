package live

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Set is a set of registers, as in an [ir.RegSet], and of words of struct rseq.
type Set uint64

// The words of struct rseq, beside [ir.AllRegs].
const (
	CPUIDStart Set = 1 << (40 + iota)
	CPUID
	CS // rseq_cs
	Flags
	NodeID
	MMCID

	Words = CPUIDStart | CPUID | CS | Flags | NodeID | MMCID
	all   = Words | Set(ir.AllRegs)
)

// words are the places of the words in struct rseq.
var words = [...]struct {
	set       Set
	off, size int64
}{
	{CPUIDStart, abi.OffCPUIDStart, 4}, {CPUID, abi.OffCPUID, 4}, {CS, abi.OffRSeqCS, 8},
	{Flags, abi.OffFlags, 4}, {NodeID, abi.OffNodeID, 4}, {MMCID, abi.OffMMCID, 4},
}

// Facts are what is known of a program.
type Facts struct {
	// Read and Written are the words of its own area that any instruction may
	// read or write. They are all words if the thread pointer gets loose, which
	// is used for anything but an access at a fixed distance.
	Read, Written Set
	// Calls are the system calls that it makes, and Indirect says that it makes
	// others, whose numbers are computed.
	Calls    []abi.Syscall
	Indirect bool
	Sections []Section

	im      *ir.Image
	in      []Set
	idle    Set
	steps   []Step
	calls   bool   // it has functions that call others, or choose where they return to
	claimed []bool // by instruction
}

// Section is a declared critical section.
type Section struct {
	Descriptor ir.Addr
	Lo, Hi     ir.Addr // start_ip, and the end
	Abort      ir.Addr
	// Sound says that the kernel finds nothing wrong with the descriptor,
	// whatever the release: no flags, addresses in order, abort_ip outside and at
	// an instruction, behind the signature.
	Sound bool
}

// Contains reports whether an address is inside.
func (s *Section) Contains(ip ir.Addr) bool { return ip >= s.Lo && ip < s.Hi }

// Of analyses a program.
func Of(im *ir.Image) *Facts {
	f := &Facts{im: im, in: make([]Set, len(im.Instrs)), idle: Set(ir.RegsOf(ir.SP, ir.LR)), steps: make([]Step, len(im.Instrs))}
	f.sections()
	f.survey()
	f.solve()
	f.words()
	f.solve()
	for i := range im.Instrs {
		f.steps[i] = f.step(i)
	}
	f.claims()
	return f
}

// At returns what may be read from the instruction at ip on before it is written,
// on every way that the program or, in a section, the kernel may take. Where
// there is no instruction that is everything, and behind the return of an
// operation what the next one may find: the stack pointer and the area.
func (f *Facts) At(ip ir.Addr) Set {
	if ip == ir.ReturnIP {
		return f.idle
	}
	if i := f.im.Index(ip); i >= 0 {
		return f.in[i]
	}
	return all
}

// SectionAt returns the section of the descriptor at that address, or nil.
func (f *Facts) SectionAt(descriptor ir.Addr) *Section {
	for i := range f.Sections {
		if f.Sections[i].Descriptor == descriptor {
			return &f.Sections[i]
		}
	}
	return nil
}

func (f *Facts) sections() {
	for _, p := range f.im.Sections {
		cs := p.CS
		s := Section{Descriptor: p.Addr, Lo: ir.Addr(cs.StartIP), Hi: ir.Addr(cs.StartIP + cs.PostCommitOffset), Abort: ir.Addr(cs.AbortIP)}
		s.Sound = cs.Version == 0 && cs.Flags == 0 && s.Lo <= s.Hi && s.Hi < ir.RodataBase && f.im.Index(s.Abort) >= 0 &&
			!s.Contains(s.Abort) && f.signed(s.Abort)
		f.Sections = append(f.Sections, s)
	}
}

// signed reports whether the signature is in the four bytes before an address.
func (f *Facts) signed(a ir.Addr) bool {
	at := uint64(a-ir.CodeBase) - abi.RSeqSigSize
	return at < uint64(len(f.im.Code)) && f.im.Arch.ByteOrder().Uint32(f.im.Code[at:]) == f.im.Arch.Signature()
}

// words notes which words of the area are accessed. That registers are read is
// known by then, so that the area's address doesn't count where nobody reads it:
// lifted code computes it, and its accesses have been named.
func (f *Facts) words() {
	for i := range f.im.Instrs {
		in := &f.im.Instrs[i]
		if o := &in.Ops[0]; in.N == 1 && o.Code == ir.La && f.behind(i, o)&Set(o.Writes()) == 0 {
			continue
		}
		for _, o := range in.Micro() {
			set, loose := touched(&o)
			switch {
			case loose:
				f.Read, f.Written = Words, Words
			case o.Loads():
				f.Read |= set
			}
			if o.Stores() {
				f.Written |= set
			}
		}
	}
}

// survey notes which calls the program makes.
func (f *Facts) survey() {
	for i := range f.im.Instrs {
		for _, o := range f.im.Instrs[i].Micro() {
			switch {
			case o.Code == ir.Call, o.Dst == ir.LR:
				f.calls = true
			case o.Code == ir.Syscall && o.Imm == ir.SyscallInR8:
				f.Indirect = true
			case o.Code == ir.Syscall:
				f.Calls = append(f.Calls, abi.Syscall(o.Imm))
			}
		}
	}
}

// touched returns the words that an access through the thread pointer overlaps.
// It is loose if the thread pointer is used in any other way.
func touched(o *ir.Op) (set Set, loose bool) {
	if o.A == ir.TP || o.B == ir.TP || o.Mem.Index == ir.TP {
		return Words, true
	}
	if o.Mem.Base != ir.TP {
		return 0, false
	}
	if o.Mem.Index != ir.None || !o.Loads() && !o.Stores() {
		return Words, true
	}
	for _, w := range words {
		if o.Mem.Disp < w.off+w.size && w.off < o.Mem.Disp+int64(o.Width.Bytes()) {
			set |= w.set
		}
	}
	return set, false
}

// covered returns the words that a store overwrites as a whole.
func covered(o *ir.Op) (set Set) {
	if o.Code != ir.St || o.Mem.Base != ir.TP || o.Mem.Index != ir.None {
		return 0
	}
	for _, w := range words {
		if o.Mem.Disp <= w.off && w.off+w.size <= o.Mem.Disp+int64(o.Width.Bytes()) {
			set |= w.set
		}
	}
	return set
}

// solve finds the smallest sets that satisfy every instruction, going round
// until nothing is added.
func (f *Facts) solve() {
	for changed := true; changed; {
		changed = false
		for i := len(f.in) - 1; i >= 0; i-- {
			if in := f.before(i) | f.in[i]; in != f.in[i] {
				f.in[i], changed = in, true
			}
		}
		idle := f.idle
		for _, fn := range f.im.Funcs {
			idle |= f.At(fn.Entry) & Words
		}
		if idle != f.idle {
			f.idle, changed = idle, true
		}
	}
}

// before returns what instruction i needs, given what those behind it do.
func (f *Facts) before(i int) Set {
	in := &f.im.Instrs[i]
	last := &in.Ops[in.N-1]
	live := f.behind(i, last)
	for j := int(in.N) - 1; j >= 0; j-- {
		o := &in.Ops[j]
		live &^= Set(o.Kills()) | covered(o)
		live |= Set(o.Reads())
		if set, _ := touched(o); o.Loads() {
			live |= set
		}
	}
	live |= Set(ir.RegsOf(ir.SP)) | f.loose()
	ip := f.im.Addrs[i]
	for k := range f.Sections {
		if s := &f.Sections[k]; s.Contains(ip) {
			// The kernel reads rseq_cs there, and may go on at abort_ip, with
			// rseq_cs cleared.
			live |= CS | f.At(s.Abort)&^CS
		}
	}
	return live
}

// loose are the words that an access which can't be told apart may touch.
func (f *Facts) loose() Set {
	if f.Read == Words && f.Written == Words {
		return Words
	}
	return 0
}

// behind returns what is live behind instruction i.
func (f *Facts) behind(i int, last *ir.Op) Set {
	next := f.im.Addrs[i] + ir.Addr(f.im.Instrs[i].Len())
	switch last.Code {
	case ir.Br, ir.Beq, ir.Bne:
		return f.At(next) | f.At(last.TargetIP)
	case ir.Jmp:
		return f.At(last.TargetIP)
	case ir.Ret:
		if !f.calls {
			return f.idle
		}
		return all
	case ir.Jmpr, ir.Call, ir.Trap:
		return all
	case ir.Syscall:
		return f.At(next) | Words | Set(ir.RegsOf(ir.R0, ir.R1, ir.R2, ir.R3, ir.R4, ir.R5, ir.SysReg))
	}
	return f.At(next)
}
