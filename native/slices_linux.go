//go:build amd64 || arm64

package native

import (
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"golang.org/x/sys/unix"
)

// BuiltWith is what is to be added to the kernel's release to name how it was built:
// "/slices" if it grants time slices, "/slices-off" if it only could, and "/preempt-rt" behind
// that if it is one for real time.
func (t *Target) BuiltWith() string {
	words := slicesOf()
	if words != "" && strings.Contains(t.uname, " PREEMPT_RT ") {
		words += "/preempt-rt"
	}
	return words
}

// slicesOf finds out whether the kernel grants time slices. This process isn't
// registered, and so can't turn them on where it could otherwise.
func slicesOf() string {
	prctl := func(command, value uintptr) unix.Errno {
		_, _, errno := unix.Syscall6(unix.SYS_PRCTL, abi.PrctlRSeqSliceExtension, command, value, 0, 0, 0)
		return errno
	}
	switch {
	case prctl(abi.PrctlRSeqSliceExtensionGet, 0) != 0:
		return ""
	case prctl(abi.PrctlRSeqSliceExtensionSet, abi.PrctlRSeqSliceExtEnable) == unix.Errno(abi.ENOTSUPP):
		return "/slices-off"
	}
	return "/slices"
}
