package native

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// debugSwitch is the file that turns the checks of rseq's debug mode on (6.19).
const debugSwitch = "/sys/kernel/debug/rseq/debug"

// TurnDebugOn turns the debug mode of the kernel's rseq on, for all processes,
// until it is turned off or the machine ends. It needs root, Linux 6.19 and
// debugfs.
func TurnDebugOn() error {
	err := os.WriteFile(debugSwitch, []byte("1\n"), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s isn't there: debug mode needs Linux 6.19 with CONFIG_DEBUG_FS, mounted at /sys/kernel/debug", debugSwitch)
	}
	return err
}
