//go:build amd64 || arm64

package native

import (
	"os"
	"os/signal"
	"syscall"
)

// signals is the number of signals without the real-time ones, and one.
const signals = 32

// caught takes the signals that this process was told to ignore.
var caught = make(chan os.Signal, 1)

// startWithDefaults has tracees begin with the default action for every signal. One
// that is ignored stays so across execve, as SIGHUP is under nohup, and a case that
// ends by it wouldn't; one that is caught doesn't. Caught signals are dropped: they
// are ignored as before.
func startWithDefaults() {
	for s := syscall.Signal(1); s < signals; s++ {
		if signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
}
