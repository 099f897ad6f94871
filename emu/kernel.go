package emu

import "github.com/rseqemu/rseqemu/abi"

// Kernel is a profile: everything in which one kernel's restartable sequences
// differ from another's. It is plain data, so that two can be compared field by
// field; [Linux] fills it in for a release.
type Kernel struct {
	Release string // "6.12", or a point release: "7.0.7"
	Arch    abi.Arch
	Family  Family
	Entry   Entry

	// Registration.
	FeatureSize uint32 // AT_RSEQ_FEATURE_SIZE, 0: not in the auxiliary vector (before 6.3)
	Align       uint32 // AT_RSEQ_ALIGN, 0: likewise
	LongAreas   bool   // a length over 32 is accepted (6.3)
	LongAlign   uint32 // what such an area must be aligned to: 32, from 7.0 AT_RSEQ_ALIGN
	// StaleCleared: registering clears an rseq_cs that the area still holds (6.16
	// and the stable series since mid-2025). The access is also what makes an
	// unmapped area EFAULT.
	StaleCleared bool
	SliceFlag    bool // the flag for slices on by default is known (7.0)
	// SliceCtrlCleared: registering zeroes slice_ctrl although slices aren't built
	// in (7.0 to 7.0.9).
	SliceCtrlCleared bool
	// UnregisterCPUIDStart is what unregistering leaves in cpu_id_start: 0, but
	// -1 from 6.19 to 7.0.4.
	UnregisterCPUIDStart uint32
	InheritCloneVM       bool // clone with CLONE_VM without CLONE_THREAD keeps the registration (before 5.5)

	PtraceConfig     bool // PTRACE_GET_RSEQ_CONFIGURATION is known (5.13)
	ExecMissRewrites bool // an execve of nothing has the ids rewritten, as one that fails later has (6.3 to 6.7)

	// On the way to user mode.
	Notify    Notify
	Flags     FlagRule
	WritesCID bool // node_id and mm_cid are written (6.3)
	Versions  bool // 32 bytes are V1, more are V2 (7.0.10)
	NoUserIRQ bool // the arm64 bug of 6.19 to 7.0.13: user_irq is never set
	Debug     bool // CONFIG_DEBUG_RSEQ, or from 6.19 rseq_debug=

	// Around it.
	MembarrierRSeq bool       // MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ exists (5.10)
	CID            CIDPolicy  // how mm_cid is dealt out
	SliceSyscall   bool       // the prctl is known (7.0), and rseq_slice_yield where slices are built in
	Slices         Slices     // time slice extensions; no release has them unless it is asked for
	Preemption     Preemption // when it reschedules, which only slices depend on

	// What no release does and proposals are about: see [Variant].
	V2            V2Rule      // what asks for V2
	SyscallInside SyscallRule // what a system call inside a section brings on
	// IDsAlways: under the new rule the ids are written at every switch and signal,
	// for every registration, as under the old one.
	IDsAlways        bool
	OverwriteIgnored bool // nobody looks whether V2's id fields were overwritten, outside of debug
	MaskCleared      bool // under the old rule the event mask is emptied when the thread is found outside, too
	MembarrierSelf   bool // the RSEQ command of membarrier treats the caller, too, as preempted

	// Legacy says what libc registers on this machine: the original 32 bytes
	// instead of the feature size, and no flag that asks for V2.
	Legacy bool

	Proposal string // the name of a proposal; none is a Linux release
}

// Family is a generation of the rules (facts by generation, see [Kernel]).
type Family uint8

// The families.
const (
	Original   Family = iota // 4.18 to 5.x: event mask, NO_RESTART flags honoured
	Strict                   // 6.0 to 6.2: NO_RESTART flags are fatal
	Extensible               // 6.3 to 6.18: any flag is fatal; node_id, mm_cid, longer areas
	Optimized                // 6.19 to 7.0.9: work only when something happened, for every registration
	Versioned                // 7.0.10 on: 32 bytes keep the historic promises, longer areas are optimized
)

var familyNames = [...]string{"original", "strict", "extensible", "optimized", "versioned"}

func (f Family) String() string { return familyNames[f] }

// Entry says how much of the generic entry code the architecture uses, which
// is how much of 6.19's work avoidance it gets.
type Entry uint8

// The entry classes.
const (
	EntryGeneric Entry = iota // x86, s390, riscv, loongarch, powerpc: all of it
	EntryIRQ                  // arm64: for interrupts and exceptions only
	EntryNone                 // arm, mips, openrisc: no user_irq, no V2
)

func (e Entry) String() string { return [...]string{"generic", "irq-only", "none"}[e] }

func parseEntry(name string) (Entry, bool) {
	for e := EntryGeneric; e <= EntryNone; e++ {
		if e.String() == name {
			return e, true
		}
	}
	return 0, false
}

// useEntry has the architecture use that much of the generic entry code. If that
// isn't what it does it has no bug there either.
func (k *Kernel) useEntry(e Entry) {
	if e != k.Entry {
		k.Entry, k.NoUserIRQ = e, false
	}
}

// Notify is the rule for the way to user mode.
type Notify uint8

// The two rules, each in a file of its own: notify_old.go and notify_new.go.
const (
	NotifyOld Notify = iota // an event mask, looked at whenever the task is told to
	NotifyNew               // sched_switch, ids_changed, user_irq (6.19)
)

func (n Notify) String() string { return [...]string{"old", "new"}[n] }

// FlagRule is what the NO_RESTART and unknown bits of rseq_cs.flags and
// rseq.flags do when a section is interrupted.
type FlagRule uint8

// The flag rules.
const (
	FlagsHonoured       FlagRule = iota // NO_RESTART bits mask their events (4.18)
	FlagsNoRestartFatal                 // NO_RESTART bits kill, others don't matter (6.0)
	FlagsFatal                          // any bit kills (6.3; 6.1.176 too)
	FlagsIgnored                        // not looked at (6.19)
)

func (f FlagRule) String() string {
	return [...]string{"honoured", "NO_RESTART fatal", "any fatal", "ignored"}[f]
}

// CIDPolicy is how concurrency ids are dealt out. All are unique among the
// running threads of a memory and below min(threads, CPUs).
type CIDPolicy uint8

// The policies.
const (
	CIDNone    CIDPolicy = iota // there are none (before 6.3)
	CIDPerCPU                   // a CPU keeps the id it used last, if that is free (6.3)
	CIDPerTask                  // a thread keeps the id it used last, if that is free (6.19)
)

func (c CIDPolicy) String() string { return [...]string{"none", "per CPU", "per task"}[c] }

// V2Rule is what asks for V2 when an area is registered.
type V2Rule uint8

// The rules. That of Linux is the first one.
const (
	V2ByLength V2Rule = iota // a length over 32
	V2ByFlag                 // FlagV2
	V2ByEither               // one of them
)

func (v V2Rule) String() string { return [...]string{"length", "flag", "either"}[v] }

// FlagV2 is the bit in rseq(2)'s flags that asks for V2 where [V2ByFlag] or
// [V2ByEither] is the rule, and is unknown elsewhere. No kernel has it: the number is
// the next one that is free.
const FlagV2 = 1 << 2

// SyscallRule is what a system call from inside a section brings on.
type SyscallRule uint8

// The rules. That of Linux without debug mode is the first one.
const (
	SyscallAllowed SyscallRule = iota // nothing
	SyscallKillsV2                    // SIGSEGV for a V2
	SyscallKills                      // SIGSEGV
)

func (s SyscallRule) String() string { return [...]string{"allowed", "kills V2", "kills"}[s] }

// Version is the version of a registration of that length by libc: 1 is what was
// promised by history, 2 is optimized. Kernels without versions have one rule,
// which is the optimized one from 6.19.
func (k *Kernel) Version(length uint32) int {
	switch {
	case k.V2 != V2ByLength:
		return k.version(length, k.libcFlags(length))
	case k.Notify == NotifyOld:
		return 1
	case !k.Versions:
		return 2
	case length > abi.RSeqOrigSize && k.Entry != EntryNone:
		return 2
	}
	return 1
}

// version is that of a registration with flags, which are known where they count.
func (k *Kernel) version(length, flags uint32) int {
	switch {
	case k.V2 == V2ByLength:
		return k.Version(length)
	case k.Entry == EntryNone:
		return 1
	case flags&FlagV2 != 0 || k.V2 == V2ByEither && length > abi.RSeqOrigSize:
		return 2
	}
	return 1
}

// libcFlags are the flags with which libc registers an area of that length: it asks
// for V2 by flag where that can be, unless it is an old one (Legacy) or the program
// wants the original 32 bytes.
func (k *Kernel) libcFlags(length uint32) uint32 {
	if k.V2 == V2ByLength || k.Legacy || length != k.AreaLen() {
		return 0
	}
	return FlagV2
}

// AreaLen is the length of the area that libc registers on this machine.
func (k *Kernel) AreaLen() uint32 {
	if k.Legacy || k.FeatureSize <= abi.RSeqOrigSize {
		return abi.RSeqOrigSize
	}
	return k.FeatureSize
}

// String returns the kernel's name as [ParseKernel] reads it: 6.12,
// 6.19/arm64, 6.19/irq-only, 7.3/v1, 7.3/v2+V2=flag; of a proposal its own name.
func (k Kernel) String() string {
	if k.Proposal != "" {
		return k.Proposal
	}
	return k.Spec()
}

// base is the name without changes.
func (k *Kernel) base() string {
	r := k.release()
	s := k.Release
	if k.Arch != abi.AMD64 {
		s += "/" + k.Arch.String()
	}
	if k.Entry != entryOf(k.Arch) {
		s += "/" + k.Entry.String()
	}
	switch {
	case k.Legacy && r.FeatureSize > abi.RSeqOrigSize:
		s += "/v1"
	case r.hasV2():
		s += "/v2"
	}
	switch k.Slices {
	case SlicesOn:
		s += "/slices"
	case SlicesOff:
		s += "/slices-off"
	}
	if k.Preemption != PreemptLazy {
		s += "/preempt-" + k.Preemption.String()
	}
	if k.Debug {
		s += "/debug"
	}
	return s
}

// hasV2 reports whether libc's registration is a V2 where there are versions.
func (k Kernel) hasV2() bool { return k.Versions && k.Version(k.AreaLen()) == 2 }
