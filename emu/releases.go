package emu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// version orders releases: 6.12.107 is {6, 12, 107}.
type version [3]int

func (v version) before(w version) bool { return slices.Compare(v[:], w[:]) < 0 }

// series is a line of releases. Points are the point releases that were booted
// and measured, the last of them standing for the series; where two behave
// differently (differs) no other point release is accepted, since nobody has
// looked where between them the change is.
type series struct {
	major, minor int
	points       []int
	differs      bool
}

var allSeries = []series{
	{4, 18, nil, false}, {4, 19, nil, false}, {5, 0, nil, false}, {5, 4, nil, false}, {5, 5, nil, false},
	{5, 10, []int{223}, false}, {5, 15, nil, false}, {6, 0, nil, false},
	{6, 1, []int{176}, true}, {6, 2, nil, false}, {6, 3, nil, false}, {6, 6, nil, false},
	{6, 12, []int{107}, true}, {6, 16, nil, false}, {6, 17, nil, false},
	{6, 18, []int{15}, false}, {6, 19, []int{6, 14}, false},
	{7, 0, []int{4, 7, 9, 10, 12, 13}, true}, {7, 1, []int{3, 13}, false}, {7, 2, []int{6, 13}, false}, {7, 3, []int{4}, false},
}

// Releases returns every release that [Linux] knows by its short name, oldest
// first, with the point releases that differ from their series' last.
func Releases() []string {
	var names []string
	for _, s := range allSeries {
		name := fmt.Sprintf("%d.%d", s.major, s.minor)
		if s.differs {
			for _, p := range s.points[:len(s.points)-1] {
				names = append(names, fmt.Sprintf("%s.%d", name, p))
			}
		}
		names = append(names, name)
	}
	return names
}

// Linux returns the profile of a release on an architecture. A release
// without a point release means the last one that was measured. It panics on a
// name that [LinuxRelease] refuses, as it is meant for constants.
func Linux(release string, arch abi.Arch) Kernel {
	k, err := LinuxRelease(release, arch)
	if err != nil {
		panic("emu: " + err.Error())
	}
	return k
}

// LinuxRelease is [Linux] for a name that comes from outside.
func LinuxRelease(release string, arch abi.Arch) (Kernel, error) {
	v, err := parseVersion(release)
	if err != nil {
		return Kernel{}, err
	}
	if !arch.Valid() {
		return Kernel{}, fmt.Errorf("kernel %s: unknown architecture", release)
	}
	return profile(release, v, arch), nil
}

// Closest returns the profile of a release of which nobody may have looked at
// this very point: "6.18.44". If the release isn't known it is the latest known
// one before it, and exact is false.
func Closest(release string, arch abi.Arch) (k Kernel, exact bool, err error) {
	if k, err = LinuxRelease(release, arch); err == nil {
		return k, true, nil
	}
	var v version
	for i, p := range strings.SplitN(release, ".", len(v)) {
		if v[i], err = strconv.Atoi(p); err != nil {
			return Kernel{}, false, fmt.Errorf("%q is no release", release)
		}
	}
	found := ""
	for _, s := range allSeries {
		for _, p := range append([]int{0}, s.points...) {
			if w := (version{s.major, s.minor, p}); !v.before(w) && (p > 0 || !s.differs) {
				found = fmt.Sprintf("%d.%d.%d", s.major, s.minor, p)
			}
		}
	}
	if found == "" {
		return Kernel{}, false, fmt.Errorf("Linux %s is older than 4.18 and has no rseq", release)
	}
	k, err = LinuxRelease(found, arch)
	return k, false, err
}

func parseVersion(release string) (version, error) {
	var v version
	parts := strings.Split(release, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return v, fmt.Errorf("unknown kernel %q (%s)", release, strings.Join(Releases(), ", "))
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return v, fmt.Errorf("unknown kernel %q (%s)", release, strings.Join(Releases(), ", "))
		}
		v[i] = int(n)
	}
	for _, s := range allSeries {
		if s.major != v[0] || s.minor != v[1] {
			continue
		}
		switch {
		case len(parts) == 2 && len(s.points) > 0:
			v[2] = s.points[len(s.points)-1]
		case s.differs && len(parts) == 3 && !slices.Contains(s.points, v[2]):
			return v, fmt.Errorf("kernel %s was not measured, and its series changed; measured: %s", release, s.measured())
		}
		return v, nil
	}
	return v, fmt.Errorf("unknown kernel %q (%s)", release, strings.Join(Releases(), ", "))
}

func (s series) measured() string {
	var names []string
	for _, p := range s.points {
		names = append(names, fmt.Sprintf("%d.%d.%d", s.major, s.minor, p))
	}
	return strings.Join(names, ", ")
}

// profile states what each release changed, one switch a change. The table of
// measured behaviour is the test of this function.
func profile(release string, v version, arch abi.Arch) Kernel {
	k := Kernel{Release: release, Arch: arch, Family: Versioned, Entry: entryOf(arch), CID: CIDPerTask}
	since := func(major, minor, point int) bool { return !v.before(version{major, minor, point}) }
	switch {
	case !since(6, 0, 0):
		k.Family = Original
	case !since(6, 3, 0):
		k.Family = Strict
	case !since(6, 19, 0):
		k.Family = Extensible
	case !since(7, 0, 10):
		k.Family = Optimized
	}

	k.FeatureSize, k.Align = abi.FeatureSize(v[0], v[1])
	k.LongAreas = since(6, 3, 0)
	k.LongAlign = abi.RSeqOrigSize
	if since(7, 0, 0) {
		k.LongAlign = k.Align
	}
	// The clearing of a stale rseq_cs came with 6.16 and went to the stable
	// series in mid-2025; it is what makes an unmapped area EFAULT.
	k.StaleCleared = since(6, 16, 0) || v[0] == 6 && (v[1] == 12 || v[1] == 1 || v[1] == 6)
	k.SliceFlag = since(7, 0, 0)
	k.SliceSyscall = since(7, 0, 0)
	k.SliceCtrlCleared = since(7, 0, 0) && !since(7, 0, 10)
	if since(6, 19, 0) && !since(7, 0, 7) {
		k.UnregisterCPUIDStart = abi.CPUIDUninitialized
	}
	k.InheritCloneVM = !since(5, 5, 0)
	k.PtraceConfig = since(5, 13, 0)
	k.ExecMissRewrites = since(6, 3, 0) && !since(6, 8, 0)

	switch {
	case since(6, 19, 0):
		k.Notify, k.Flags = NotifyNew, FlagsIgnored
	case since(6, 3, 0), v == version{6, 1, 176}:
		k.Flags = FlagsFatal
	case since(6, 0, 0):
		k.Flags = FlagsNoRestartFatal
	}
	k.WritesCID = since(6, 3, 0)
	k.Versions = since(7, 0, 10)
	// Booted: 6.19.14 and 7.0.13 never abort on arm64, 7.1.3 does.
	k.NoUserIRQ = k.Entry == EntryIRQ && since(6, 19, 0) && !since(7, 1, 0)
	k.MembarrierRSeq = since(5, 10, 0)
	switch {
	case !since(6, 3, 0):
		k.CID = CIDNone
	case !since(6, 19, 0):
		k.CID = CIDPerCPU
	}
	return k
}

func entryOf(arch abi.Arch) Entry {
	switch arch {
	case abi.ARM64, abi.ARM64BE:
		return EntryIRQ
	case abi.AMD64, abi.I386, abi.S390X, abi.RISCV64, abi.LoongArch64, abi.PPC64, abi.PPC64LE:
		return EntryGeneric
	}
	return EntryNone
}
