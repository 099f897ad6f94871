package explore

import (
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
)

// ParseKernels reads a list of kernels with commas between them: names (6.18,
// 7.3/v1, 6.12/arm64), ranges of releases (6.3.., 6.3..6.18/arm64), "families"
// for one kernel of each family, "all" or all/arm64 for every release, and any
// of these behind ! to leave out.
func ParseKernels(text string) ([]emu.Kernel, error) {
	var out []emu.Kernel
	var not []emu.Pattern
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		if strings.HasPrefix(item, "!") {
			p, err := emu.ParsePattern(item)
			if err != nil {
				return nil, err
			}
			not = append(not, p)
			continue
		}
		ks, err := kernelSet(item)
		if err != nil {
			return nil, err
		}
		for _, k := range ks {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return slices.DeleteFunc(out, func(k emu.Kernel) bool { return !emu.Claims(not, k) }), nil
}

func kernelSet(item string) ([]emu.Kernel, error) {
	name, words, _ := strings.Cut(item, "/")
	switch {
	case item == "families":
		return emu.DefaultKernels(), nil
	case name == "all":
		// "0.." would name no release that is known; the first one does.
		item = strings.TrimSuffix(emu.Releases()[0]+"../"+words, "/")
	case !strings.Contains(name, ".."):
		k, err := emu.ParseKernel(item)
		return []emu.Kernel{k}, err
	}
	p, err := emu.ParsePattern(item)
	if err != nil {
		return nil, err
	}
	arch := abi.AMD64
	for _, w := range strings.Split(words, "/") {
		if a, err := abi.ParseArch(w); err == nil {
			arch = a
		}
	}
	var out []emu.Kernel
	for _, k := range Kernels(arch) {
		if emu.Claims([]emu.Pattern{p}, k) {
			out = append(out, k)
		}
	}
	return out, nil
}

// Kernels returns every release on an architecture, oldest first, and both
// versions of those that have versions.
func Kernels(arch abi.Arch) []emu.Kernel {
	var out []emu.Kernel
	for _, release := range emu.Releases() {
		k := emu.Linux(release, arch)
		if k.Versions && k.Version(k.AreaLen()) == 2 {
			v1 := k
			v1.Legacy = true
			out = append(out, v1)
		}
		out = append(out, k)
	}
	return out
}
