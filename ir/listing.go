package ir

import (
	"fmt"
	"strings"
)

// String returns a listing of the image: where every function, label,
// instruction, descriptor and byte of data is. It is for people and for golden
// files; nothing reads it back.
func (im *Image) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s for %v\n", im.Prog.Name, im.Arch)
	next := 0
	for _, f := range im.Funcs {
		fmt.Fprintf(&b, "\n%#x %s:\n", uint64(f.Entry), f.Name)
		next = im.listFunc(&b, f, next)
	}
	if im.Restorer != 0 {
		fmt.Fprintf(&b, "\n%#x restorer\n", uint64(im.Restorer))
	}
	for _, s := range im.Sections {
		fmt.Fprintf(&b, "\n%#x %s: version=%d flags=%#x start_ip=%#x post_commit_offset=%#x abort_ip=%#x\n",
			uint64(s.Addr), s.Name, s.CS.Version, s.CS.Flags, s.CS.StartIP, s.CS.PostCommitOffset, s.CS.AbortIP)
	}
	listBytes(&b, "rodata", RodataBase, im.Rodata)
	listBytes(&b, "data", DataBase, im.Data)
	listBytes(&b, fmt.Sprintf("percpu, 1<<%d apart", im.PerCPUShift), PerCPUBase, im.PerCPU)
	listBytes(&b, fmt.Sprintf("thread, tp at %#x", uint64(im.TP(0))), ThreadBase, im.Thread)
	return b.String()
}

// listFunc lists a function whose first instruction is the i-th or a later one,
// and returns the index of the one after it.
func (im *Image) listFunc(b *strings.Builder, f PlacedFunc, i int) int {
	labels := f.Labels
	for at := f.Entry; at < f.End; {
		for len(labels) > 0 && labels[0].Addr == at {
			fmt.Fprintf(b, "        %s:\n", labels[0].Name)
			labels = labels[1:]
		}
		if im.Index(at) < 0 {
			word := im.Arch.ByteOrder().Uint32(im.Code[at-CodeBase:])
			fmt.Fprintf(b, "%#x     sig %#x\n", uint64(at), word)
			at += 4
			continue
		}
		fmt.Fprintf(b, "%#x     %v", uint64(at), im.Source[i])
		if resolved, source := fmt.Sprintf("%+v", im.Instrs[i]), im.Source[i].String(); resolved != source {
			fmt.Fprintf(b, "  # %s", resolved)
		}
		b.WriteByte('\n')
		at += Addr(im.Instrs[i].Len())
		i++
	}
	for _, l := range labels {
		fmt.Fprintf(b, "%#x %s:\n", uint64(l.Addr), l.Name)
	}
	return i
}

// listBytes lists memory in lines of sixteen bytes, without those that are all
// zero.
func listBytes(b *strings.Builder, what string, base Addr, mem []byte) {
	if len(mem) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%#x %s: %d bytes\n", uint64(base), what, len(mem))
	for off := 0; off < len(mem); off += 16 {
		line := mem[off:min(off+16, len(mem))]
		if strings.Trim(string(line), "\x00") != "" {
			fmt.Fprintf(b, "%#x  % x\n", uint64(base)+uint64(off), line)
		}
	}
}
