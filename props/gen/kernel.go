package gen

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"pgregory.net/rapid"
)

// arches are one of each entry class and both byte orders.
var arches = []abi.Arch{abi.AMD64, abi.ARM64, abi.S390X, abi.RISCV64, abi.ARM}

// Kernel draws a release, an architecture and what libc registers. It shrinks
// to the newest release on amd64 with the longest area.
func Kernel() *rapid.Generator[emu.Kernel] {
	releases := emu.Releases()
	return rapid.Custom(func(t *rapid.T) emu.Kernel {
		i := rapid.IntRange(0, len(releases)-1).Draw(t, "release, newest first")
		arch := rapid.SampledFrom(arches).Draw(t, "architecture")
		k := emu.Linux(releases[len(releases)-1-i], arch)
		k.Legacy = rapid.Bool().Draw(t, "legacy area")
		return k
	})
}

// DefaultKernel draws one of emu.DefaultKernels.
func DefaultKernel() *rapid.Generator[emu.Kernel] { return rapid.SampledFrom(emu.DefaultKernels()) }

// Budget draws how many events of each class a run may have, at most two of
// each. It shrinks to none.
func Budget() *rapid.Generator[emu.Budget] {
	return rapid.Custom(func(t *rapid.T) emu.Budget {
		var b emu.Budget
		for i := range b {
			b[i] = rapid.Uint8Range(0, 2).Draw(t, emu.EventClass(i).String())
		}
		return b
	})
}
