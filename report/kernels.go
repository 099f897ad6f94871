package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
)

// KernelTable sets kernels side by side: a row for each thing in which their
// rules can differ.
type KernelTable struct {
	Kernels []string    `json:"kernels"`
	Rows    []KernelRow `json:"rows"`
}

// KernelRow is a field of [emu.Kernel] with its value on each kernel of the
// table.
type KernelRow struct {
	Field   string   `json:"field"`
	Meaning string   `json:"meaning"`
	Values  []string `json:"values"`
}

// kernelField says how a field is called and printed.
type kernelField struct {
	name, meaning string
	value         func(k *emu.Kernel) string
}

// kernelFields are all fields of emu.Kernel but its name, in its order.
var kernelFields = []kernelField{
	{"Arch", "architecture", func(k *emu.Kernel) string { return k.Arch.String() }},
	{"Family", "generation of the rules", func(k *emu.Kernel) string { return k.Family.String() }},
	{"Entry", "generic entry code", func(k *emu.Kernel) string { return k.Entry.String() }},
	{"FeatureSize", "AT_RSEQ_FEATURE_SIZE", func(k *emu.Kernel) string { return orNone(k.FeatureSize) }},
	{"Align", "AT_RSEQ_ALIGN", func(k *emu.Kernel) string { return orNone(k.Align) }},
	{"LongAreas", "areas over 32 bytes", func(k *emu.Kernel) string { return yes(k.LongAreas) }},
	{"LongAlign", "… aligned to", func(k *emu.Kernel) string {
		if !k.LongAreas {
			return "-"
		}
		return fmt.Sprint(k.LongAlign)
	}},
	{"StaleCleared", "registering clears rseq_cs", func(k *emu.Kernel) string { return yes(k.StaleCleared) }},
	{"SliceFlag", "slice flag of rseq()", func(k *emu.Kernel) string { return yes(k.SliceFlag) }},
	{"SliceCtrlCleared", "registering clears slice_ctrl", func(k *emu.Kernel) string { return yes(k.SliceCtrlCleared) }},
	{"UnregisterCPUIDStart", "cpu_id_start when unregistered", func(k *emu.Kernel) string { return fmt.Sprint(int32(k.UnregisterCPUIDStart)) }},
	{"InheritCloneVM", "clone(VM) keeps the registration", func(k *emu.Kernel) string { return yes(k.InheritCloneVM) }},
	{"PtraceConfig", "PTRACE_GET_RSEQ_CONFIGURATION", func(k *emu.Kernel) string { return yes(k.PtraceConfig) }},
	{"ExecMissRewrites", "execve of nothing writes ids", func(k *emu.Kernel) string { return yes(k.ExecMissRewrites) }},
	{"Notify", "rule on the way to user mode", func(k *emu.Kernel) string { return k.Notify.String() }},
	{"Flags", "NO_RESTART and other flags", func(k *emu.Kernel) string { return k.Flags.String() }},
	{"WritesCID", "writes node_id and mm_cid", func(k *emu.Kernel) string { return yes(k.WritesCID) }},
	{"Versions", "versions of a registration", versions},
	{"NoUserIRQ", "interrupts are missed (a bug)", func(k *emu.Kernel) string { return yes(k.NoUserIRQ) }},
	{"Debug", "debug checks", func(k *emu.Kernel) string { return yes(k.Debug) }},
	{"MembarrierRSeq", "membarrier for rseq", func(k *emu.Kernel) string { return yes(k.MembarrierRSeq) }},
	{"CID", "mm_cid is kept", func(k *emu.Kernel) string { return k.CID.String() }},
	{"SliceSyscall", "rseq_slice_yield", func(k *emu.Kernel) string { return yes(k.SliceSyscall) }},
	{"Slices", "time slice extensions", func(k *emu.Kernel) string { return noneIsDash(k.Slices.String()) }},
	{"Preemption", "preemption model", preemption},
	{"V2", "what asks for V2", func(k *emu.Kernel) string {
		if !k.Versions || k.Entry == emu.EntryNone {
			return "-"
		}
		return k.V2.String()
	}},
	{"SyscallInside", "a system call inside a section", func(k *emu.Kernel) string { return k.SyscallInside.String() }},
	{"IDsAlways", "ids are always written", func(k *emu.Kernel) string { return yes(k.IDsAlways) }},
	{"OverwriteIgnored", "overwriting V2's ids is ignored", func(k *emu.Kernel) string { return yes(k.OverwriteIgnored) }},
	{"MaskCleared", "event mask cleared outside, too", func(k *emu.Kernel) string { return yes(k.MaskCleared) }},
	{"MembarrierSelf", "membarrier is for the caller, too", func(k *emu.Kernel) string { return yes(k.MembarrierSelf) }},
	{"Legacy", "libc registers 32 bytes", func(k *emu.Kernel) string { return yes(k.AreaLen() == 32) }},
}

// versions are those that a registration can have where the kernel tells them apart:
// an architecture without generic entry code never gives V2.
func versions(k *emu.Kernel) string {
	switch {
	case !k.Versions:
		return "-"
	case k.Entry == emu.EntryNone:
		return "V1"
	}
	return "V1, V2"
}

// preemption is the model, which only slices depend on.
func preemption(k *emu.Kernel) string {
	if k.Slices == emu.SlicesNone && k.Preemption == emu.PreemptLazy {
		return "-"
	}
	return k.Preemption.String()
}

func noneIsDash(s string) string {
	if s == "none" {
		return "-"
	}
	return s
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func orNone(n uint32) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// CompareKernels makes the table of some kernels, with every field or only those
// in which they differ.
func CompareKernels(ks []emu.Kernel, onlyDifferent bool) *KernelTable {
	t := &KernelTable{Kernels: []string{}, Rows: []KernelRow{}}
	for i := range ks {
		t.Kernels = append(t.Kernels, ks[i].String())
	}
	for _, f := range kernelFields {
		row := KernelRow{Field: f.name, Meaning: f.meaning}
		differs := false
		for i := range ks {
			row.Values = append(row.Values, f.value(&ks[i]))
			differs = differs || row.Values[i] != row.Values[0]
		}
		if differs || !onlyDifferent {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// Text writes the table; values that differ from the kernel's to the left stand
// out.
func (t *KernelTable) Text(w io.Writer, st Style) error {
	first := 0
	width := make([]int, len(t.Kernels))
	for i, k := range t.Kernels {
		width[i] = len(k)
	}
	for _, r := range t.Rows {
		first = max(first, len([]rune(r.Meaning)))
		for i, v := range r.Values {
			width[i] = max(width[i], len(v))
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", first+2))
	for i, k := range t.Kernels {
		b.WriteString(st.Bold(k) + strings.Repeat(" ", width[i]+2-len(k)))
	}
	lines := []string{b.String()}
	for _, r := range t.Rows {
		b.Reset()
		b.WriteString(pad(r.Meaning, first))
		for i, v := range r.Values {
			text := v
			if i > 0 && v != r.Values[i-1] {
				text = st.Event(v)
			}
			b.WriteString(text + strings.Repeat(" ", width[i]+2-len(v)))
		}
		lines = append(lines, b.String())
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, strings.TrimRight(l, " ")); err != nil {
			return err
		}
	}
	return nil
}
