//go:build amd64 || arm64

package native

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

// often is how often a process is looked at that runs freely.
const often = 250 * time.Millisecond

// hang waits until the process hangs, or over is closed: it has used so much processor
// time without making progress, or all of its threads have slept for eight looks
// without using any. How long that takes by a clock says nothing: the machine may be
// busy with something else.
func hang(pid int, progress *atomic.Uint64, most time.Duration, over <-chan struct{}) bool {
	const looks = 8
	look := time.NewTicker(often)
	defer look.Stop()
	was, since, last, slept := progress.Load(), time.Duration(0), time.Duration(-1), 0
	for {
		select {
		case <-over:
			return false
		case <-look.C:
		}
		used, asleep, ok := usage(pid)
		now := progress.Load()
		switch {
		case !ok:
			return false // it has ended
		case now != was:
			was, since, slept = now, used, 0
		case asleep && used == last:
			slept++
		default:
			slept = 0
		}
		if last = used; used-since >= most || slept >= looks {
			return true
		}
	}
}

// usage is how much processor time a process has used, and whether all of its threads
// sleep; not ok if there is none.
func usage(pid int) (used time.Duration, asleep, ok bool) {
	// What follows the name: S and so on; utime and stime are the 12th and 13th.
	fields := func(name string) [][]byte {
		b, err := os.ReadFile(name)
		if i := bytes.LastIndexByte(b, ')'); err == nil && i >= 0 {
			return bytes.Fields(b[i+1:])
		}
		return nil
	}
	of := fields(fmt.Sprintf("/proc/%d/stat", pid))
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(of) < 13 || len(threads) == 0 || of[0][0] == 'Z' {
		return 0, false, false
	}
	const tick = 10 * time.Millisecond
	for _, f := range of[11:13] {
		n, _ := strconv.Atoi(string(f))
		used += time.Duration(n) * tick
	}
	for _, name := range threads {
		if th := fields(name); th == nil || th[0][0] != 'S' {
			return used, false, true
		}
	}
	return used, true, true
}
