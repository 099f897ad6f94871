package native

import (
	"errors"
	"regexp"

	"github.com/rseqemu/rseqemu/conform"
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

// cpusOfLane is what it takes to run one more case at the same time: two CPUs that
// the case has for itself, and one for what watches it.
const cpusOfLane = conform.CPUs + 1

// GuestCPUs is how many CPUs a guest has that a [Target] runs in: as few as keep
// the two that a case is on quiet.
const GuestCPUs = cpusOfLane

// GuestEnv is the environment of a guest's command for the same: no more threads
// of Go's than are busy, and less collecting of garbage in a machine that is gone
// in a minute.
func GuestEnv() []string { return []string{"GOMAXPROCS=2", "GOGC=400"} }
