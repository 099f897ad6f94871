package emu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// ParseKernel reads a kernel's name: a release, then in any order an
// architecture, how much of the generic entry code it uses if that isn't what it
// does (generic, irq-only, none), v1 or v2 for what libc registers, debug, and
// slices for time slice extensions (slices-off: turned off by the command line)
// with the preemption model if it isn't lazy, each behind a slash: 6.18,
// 6.19/arm64, 6.19/irq-only, 7.3/v1/debug, 7.3/slices/preempt-rt. Behind them may
// be changes of rules ([Variant]), each behind a plus: 7.3+V2=flag.
func ParseKernel(name string) (Kernel, error) {
	name, changes, changed := strings.Cut(name, "+")
	words := strings.Split(name, "/")
	arch, rest := abi.AMD64, words[:0:0]
	for _, w := range words[1:] {
		if a, err := abi.ParseArch(w); err == nil {
			arch = a
		} else {
			rest = append(rest, w)
		}
	}
	k, err := LinuxRelease(words[0], arch)
	if err != nil {
		return k, err
	}
	for _, w := range rest {
		if e, ok := parseEntry(w); ok {
			k.useEntry(e)
		}
	}
	for _, w := range rest {
		switch w {
		case "generic", "irq-only", "none":
		case "v1":
			k.Legacy = true
		case "v2":
			if !k.hasV2() {
				return k, fmt.Errorf("kernel %s has no V2 (7.0.10 and later have, where the architecture uses the generic entry code)", words[0])
			}
		case "debug":
			k.Debug = true
		case "slices", "slices-off":
			k.Slices = SlicesOn
			if w == "slices-off" {
				k.Slices = SlicesOff
			}
			if !k.hasSlices() {
				return k, fmt.Errorf("kernel %s has no slices (7.0.10 and later have, on 386, amd64, loong64, riscv64 and s390x)", words[0])
			}
		default:
			model, ok := strings.CutPrefix(w, "preempt-")
			i := slices.Index(preemptionNames[:], model)
			if !ok || i < 0 {
				return k, fmt.Errorf("kernel %s: unknown word %q (an architecture, generic, irq-only, none, v1, v2, debug, slices)", words[0], w)
			}
			k.Preemption = Preemption(i)
		}
	}
	if k.Preemption != PreemptLazy && k.Slices == SlicesNone {
		return k, fmt.Errorf("kernel %s: the preemption model %s only matters to slices: %s/slices/preempt-%s", words[0], k.Preemption, words[0], k.Preemption)
	}
	if changed {
		return parseChanges(k, changes)
	}
	return k, nil
}

// Pattern is a set of kernels: "6.3.." (6.3 and later), "..6.18", "6.3..6.18",
// "7.3", each with /arch, /v1, /v2 or /slices to narrow it, and ! before it to exclude.
type Pattern struct {
	text     string
	not      bool
	from, to version
	arch     abi.Arch
	hasArch  bool
	version  int  // 0: any
	slices   bool // only with slices
}

// ParsePattern reads a pattern.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{text: text, to: version{1 << 16}}
	words := strings.Split(strings.TrimPrefix(text, "!"), "/")
	p.not = strings.HasPrefix(text, "!")
	from, to, isRange := strings.Cut(words[0], "..")
	var err error
	if from != "" {
		if p.from, err = parseVersion(from); err != nil {
			return p, err
		}
		if strings.Count(from, ".") == 1 {
			p.from[2] = 0
		}
	}
	if !isRange {
		to = from
	}
	if to != "" {
		if p.to, err = parseVersion(to); err != nil {
			return p, err
		}
		if strings.Count(to, ".") == 1 {
			p.to[2] = 1 << 16
		}
	}
	if from == "" && to == "" {
		return p, fmt.Errorf("kernel pattern %q names no release", text)
	}
	for _, w := range words[1:] {
		switch a, err := abi.ParseArch(w); {
		case err == nil:
			p.arch, p.hasArch = a, true
		case w == "v1":
			p.version = 1
		case w == "v2":
			p.version = 2
		case w == "slices":
			p.slices = true
		default:
			return p, fmt.Errorf("kernel pattern %q: unknown word %q (an architecture, v1, v2, slices)", text, w)
		}
	}
	return p, nil
}

func (p Pattern) String() string { return p.text }

func (p Pattern) match(k *Kernel) bool {
	v, err := parseVersion(k.Release)
	if err != nil || v.before(p.from) || p.to.before(v) {
		return false
	}
	if p.hasArch && p.arch != k.Arch || p.slices && k.Slices != SlicesOn {
		return false
	}
	return p.version == 0 || p.version == k.Version(k.AreaLen())
}

// Claims reports whether the patterns include the kernel: some pattern that
// doesn't exclude matches, or there is none of these, and no excluding one
// matches.
func Claims(patterns []Pattern, k Kernel) bool {
	in := true
	for _, p := range patterns {
		if !p.not {
			in = false
		}
	}
	for _, p := range patterns {
		if p.match(&k) {
			if p.not {
				return false
			}
			in = true
		}
	}
	return in
}

// DefaultKernels are one kernel of each family, newest point release, and both
// versions where there are versions.
func DefaultKernels() []Kernel { return DefaultKernelsOn(abi.AMD64) }

// DefaultKernelsOn is [DefaultKernels] on an architecture.
func DefaultKernelsOn(arch abi.Arch) []Kernel {
	var ks []Kernel
	for _, name := range []string{"5.10", "6.1", "6.18", "6.19", "7.3/v1", "7.3/v2"} {
		if entryOf(arch) == EntryNone && name == "7.3/v2" {
			continue
		}
		k, err := ParseKernel(name + "/" + arch.String())
		if err != nil {
			panic("emu: BUG: " + err.Error())
		}
		ks = append(ks, k)
	}
	return ks
}
