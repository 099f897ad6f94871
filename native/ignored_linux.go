//go:build amd64 || arm64

package native

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// caught takes the signals that this process was told to ignore.
var caught = make(chan os.Signal, 1)

// startWithDefaults has tracees begin with the default action for every signal. One
// that is ignored stays so across execve, as SIGHUP is under nohup, and a case that
// ends by it wouldn't; one that is caught doesn't. Caught signals are dropped: they
// are ignored as before.
func startWithDefaults() {
	mask := ignored()
	for s := syscall.Signal(1); s <= 64; s++ {
		if mask>>(s-1)&1 != 0 {
			signal.Notify(caught, s)
		}
	}
}

// ignored is the kernel's mask of the signals that this process ignores; nothing if
// it doesn't tell. What Go says of it isn't all: it knows of those ignored from the
// beginning and by itself.
func ignored() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if mask, ok := strings.CutPrefix(line, "SigIgn:"); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return n
		}
	}
	return 0
}
