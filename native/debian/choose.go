package debian

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// pack is a package that has a kernel.
type pack struct {
	name    string
	version string
	release Release // the upstream part of the version
	size    int64
}

// names is a regular expression of the packages that may have a kernel for
// virtual machines: the signed ones, those that are to be signed, and, since
// 6.19, those that the signed ones only refer to.
func names(arch abi.Arch) string {
	return fmt.Sprintf(`^linux-(image|binary)-[0-9].*-cloud-%v(-unsigned)?$`, arch)
}

// smallest is less than a kernel and more than a package that only refers to
// another one.
const smallest = 1 << 20

// parsePacks reads what apt-cache show prints, and leaves out what has no kernel
// in it.
func parsePacks(text []byte) []pack {
	var packs []pack
	var p pack
	add := func() {
		if p.name != "" && p.size >= smallest && p.release != (Release{}) {
			packs = append(packs, p)
		}
		p = pack{}
	}
	in := bufio.NewScanner(bytes.NewReader(text))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		line := in.Text()
		if line == "" {
			add()
			continue
		}
		field, value, _ := strings.Cut(line, ": ")
		switch field {
		case "Package":
			p.name = value
		case "Version":
			p.version, p.release = value, upstream(value)
		case "Size":
			p.size, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	add()
	return packs
}

// upstream returns the release that a package's version begins with, and none
// for a release candidate.
func upstream(version string) Release {
	text, _, _ := strings.Cut(version, "-")
	r, err := ParseRelease(text)
	switch {
	case err != nil:
		return Release{}
	case !r.whole():
		r.Point = 0 // 6.12-1 would be 6.12 itself
	}
	return r
}

// choose returns the package with the newest release that is wanted. Of two with
// the same it is the one with less around the kernel.
func choose(packs []pack, want Release) (pack, bool) {
	packs = slices.DeleteFunc(slices.Clone(packs), func(p pack) bool { return !want.has(p.release) })
	if len(packs) == 0 {
		return pack{}, false
	}
	return slices.MaxFunc(packs, func(a, b pack) int {
		if c := a.release.compare(b.release); c != 0 {
			return c
		}
		return int(b.size - a.size)
	}), true
}

// releases lists those that there are, in order and once.
func releases(packs []pack) string {
	var all []Release
	for _, p := range packs {
		all = append(all, p.release)
	}
	slices.SortFunc(all, Release.compare)
	var out []string
	for _, r := range slices.Compact(all) {
		out = append(out, r.String())
	}
	return strings.Join(out, ", ")
}
