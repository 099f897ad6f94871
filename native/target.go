package native

import (
	"errors"
	"regexp"
)

// ErrUnsupported is why there is no target, wrapped in what is missing: another
// operating system or architecture, no ptrace, no rseq.
var ErrUnsupported = errors.New("the native target doesn't run here")

// The release that a kernel's name begins with, and the one in what Debian adds to
// its version.
var (
	releaseOf = regexp.MustCompile(`^\d+\.\d+(\.\d+)?`)
	debianOf  = regexp.MustCompile(`\bDebian (\d+\.\d+\.\d+)-`)
)

// pointRelease is the release of a kernel by what uname tells. Debian's older
// kernels call themselves by the series, 5.10.0-32, and only their version has
// the point release: #1 SMP Debian 5.10.223-1 (2024-08-10).
func pointRelease(release, version string) string {
	if m := debianOf.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return releaseOf.FindString(release)
}
