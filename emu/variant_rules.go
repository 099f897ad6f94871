package emu

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Rule is a switch of a kernel that a proposal can change: a field of [Kernel] by its
// name, with values in words.
type Rule struct {
	Name  string
	About string // what it is, in a few words
	Words string // the values that it takes: "yes or no"

	get func(k *Kernel) string
	set func(k *Kernel, word string) bool
}

// Rules returns the rules that can be changed, in the order of the fields. Release,
// Arch, Entry, Legacy and Debug are the base's own: its name says them.
func Rules() []Rule { return append([]Rule(nil), rules...) }

// rules are first those that releases differ in, and then those that no release has
// and proposals are about.
var rules = []Rule{
	size("FeatureSize", "AT_RSEQ_FEATURE_SIZE", func(k *Kernel) *uint32 { return &k.FeatureSize }),
	size("Align", "AT_RSEQ_ALIGN", func(k *Kernel) *uint32 { return &k.Align }),
	yesNo("LongAreas", "areas over 32 bytes", func(k *Kernel) *bool { return &k.LongAreas }),
	size("LongAlign", "what they are aligned to", func(k *Kernel) *uint32 { return &k.LongAlign }),
	yesNo("StaleCleared", "registering clears rseq_cs", func(k *Kernel) *bool { return &k.StaleCleared }),
	yesNo("SliceFlag", "slice flag of rseq()", func(k *Kernel) *bool { return &k.SliceFlag }),
	yesNo("SliceCtrlCleared", "registering clears slice_ctrl", func(k *Kernel) *bool { return &k.SliceCtrlCleared }),
	yesNo("InheritCloneVM", "clone(VM) keeps the registration", func(k *Kernel) *bool { return &k.InheritCloneVM }),
	yesNo("PtraceConfig", "PTRACE_GET_RSEQ_CONFIGURATION", func(k *Kernel) *bool { return &k.PtraceConfig }),
	yesNo("ExecMissRewrites", "execve of nothing writes ids", func(k *Kernel) *bool { return &k.ExecMissRewrites }),
	words("Notify", "rule on the way to user mode", func(k *Kernel) *Notify { return &k.Notify }, "old", "new"),
	words("Flags", "NO_RESTART and other flags", func(k *Kernel) *FlagRule { return &k.Flags }, "honoured", "no-restart-fatal", "fatal", "ignored"),
	yesNo("WritesCID", "writes node_id and mm_cid", func(k *Kernel) *bool { return &k.WritesCID }),
	yesNo("Versions", "registrations are V1 or V2", func(k *Kernel) *bool { return &k.Versions }),
	yesNo("NoUserIRQ", "interrupts are missed", func(k *Kernel) *bool { return &k.NoUserIRQ }),
	yesNo("MembarrierRSeq", "membarrier for rseq", func(k *Kernel) *bool { return &k.MembarrierRSeq }),
	words("CID", "mm_cid is kept", func(k *Kernel) *CIDPolicy { return &k.CID }, "none", "per-cpu", "per-task"),
	yesNo("SliceSyscall", "rseq_slice_yield", func(k *Kernel) *bool { return &k.SliceSyscall }),

	words("V2", "what asks for V2", func(k *Kernel) *V2Rule { return &k.V2 }, "length", "flag", "either"),
	words("SyscallInside", "a system call inside a section", func(k *Kernel) *SyscallRule { return &k.SyscallInside }, "allowed", "kills-v2", "kills"),
	yesNo("IDsAlways", "ids are written at every switch and signal", func(k *Kernel) *bool { return &k.IDsAlways }),
	yesNo("OverwriteIgnored", "who overwrites V2's ids isn't killed", func(k *Kernel) *bool { return &k.OverwriteIgnored }),
	yesNo("MaskCleared", "the event mask is cleared outside, too", func(k *Kernel) *bool { return &k.MaskCleared }),
	yesNo("MembarrierSelf", "membarrier is for the caller, too", func(k *Kernel) *bool { return &k.MembarrierSelf }),
}

func yesNo(name, about string, field func(k *Kernel) *bool) Rule {
	return Rule{name, about, "yes or no",
		func(k *Kernel) string {
			if *field(k) {
				return "yes"
			}
			return "no"
		},
		func(k *Kernel, word string) bool {
			*field(k) = word == "yes"
			return word == "yes" || word == "no"
		}}
}

func words[T ~uint8](name, about string, field func(k *Kernel) *T, values ...string) Rule {
	last := len(values) - 1
	return Rule{name, about, strings.Join(values[:last], ", ") + " or " + values[last],
		func(k *Kernel) string { return values[*field(k)] },
		func(k *Kernel, word string) bool {
			for i, v := range values {
				if v == word {
					*field(k) = T(i)
					return true
				}
			}
			return false
		}}
}

// size is a number of bytes up to what there is room for at the thread pointer.
func size(name, about string, field func(k *Kernel) *uint32) Rule {
	const most = 64
	return Rule{name, about, fmt.Sprintf("a number from 0 to %d", most),
		func(k *Kernel) string { return fmt.Sprint(*field(k)) },
		func(k *Kernel, word string) bool {
			n, err := strconv.ParseUint(word, 10, 32)
			if err != nil || n > most || strconv.FormatUint(n, 10) != word {
				return false
			}
			*field(k) = uint32(n)
			return true
		}}
}

func ruleByName(name string) *Rule {
	for i := range rules {
		if rules[i].Name == name {
			return &rules[i]
		}
	}
	return nil
}

// conflict is two rules of a kernel that can't both be as they are, and why.
type conflict struct{ a, b, why string }

// conflicts returns what is contradictory in a kernel: a rule that nothing could ever
// follow is a mistake of who proposes it. No release has any.
func (k *Kernel) conflicts() []conflict {
	power := func(n uint32) bool { return bits.OnesCount32(n) == 1 }
	old := k.Notify == NotifyOld
	var out []conflict
	for _, c := range []struct {
		wrong bool
		conflict
	}{
		{old && k.Versions, conflict{"Versions", "Notify", "the old rule knows no versions"}},
		{old && k.NoUserIRQ, conflict{"NoUserIRQ", "Notify", "the old rule doesn't ask whether it was an interrupt"}},
		{old && k.IDsAlways, conflict{"IDsAlways", "Notify", "the old rule writes the ids always"}},
		{!old && k.Flags != FlagsIgnored, conflict{"Flags", "Notify", "the new rule looks at no flags"}},
		{!old && k.MaskCleared, conflict{"MaskCleared", "Notify", "the new rule has no event mask"}},
		{!k.Versions && k.V2 != V2ByLength, conflict{"V2", "Versions", "there are no versions to choose from"}},
		{!k.Versions && k.SyscallInside == SyscallKillsV2, conflict{"SyscallInside", "Versions", "there is no V2"}},
		{!k.Versions && k.OverwriteIgnored, conflict{"OverwriteIgnored", "Versions", "there is no V2"}},
		{k.Versions && !k.LongAreas && k.V2 != V2ByFlag, conflict{"LongAreas", "Versions", "a long area is what asks for V2"}},
		{k.WritesCID != (k.CID != CIDNone), conflict{"CID", "WritesCID", "ids are dealt out to be written, and are written if there are any"}},
		{k.Entry == EntryNone && k.NoUserIRQ, conflict{"NoUserIRQ", "Entry", "without the generic entry code every way to user mode counts as one from an interrupt"}},
		{k.LongAreas && !power(k.LongAlign), conflict{"LongAlign", "LongAreas", "an alignment is a power of two"}},
		{k.Align != 0 && !power(k.Align), conflict{"Align", "FeatureSize", "an alignment is a power of two"}},
		{(k.Align == 0) != (k.FeatureSize == 0), conflict{"Align", "FeatureSize", "the auxiliary vector has both or none"}},
		{k.FeatureSize != 0 && k.FeatureSize < 20, conflict{"FeatureSize", "Align", "the first fields take 20 bytes"}},
	} {
		if c.wrong {
			out = append(out, c.conflict)
		}
	}
	return out
}
