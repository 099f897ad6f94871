package boot

import (
	"io"
	"regexp"
	"strings"
	"sync"
)

// tailLines is how many lines of the console are kept for an error.
const tailLines = 20

// tail keeps the last lines of what is written to it, and the one that says why
// it is the end.
type tail struct {
	copy  io.Writer // gets all, too, if not nil
	alive func()    // is called at every write, if not nil

	mu      sync.Mutex
	lines   []string
	partial string
	reason  string
}

// panicked begins what a kernel says last but for a long list of registers and
// calls.
const panicked = "Kernel panic - not syncing: "

func (t *tail) Write(b []byte) (int, error) {
	if t.alive != nil {
		t.alive()
	}
	if t.copy != nil {
		// Who looks on has no say: an error here must not end the guest.
		t.copy.Write(b)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	all := strings.Split(t.partial+string(b), "\n")
	t.partial = all[len(all)-1]
	// A line has an end somewhere, even if it hasn't.
	t.partial = t.partial[max(0, len(t.partial)-4096):]
	for _, line := range all[:len(all)-1] {
		if line = clean(line); line != "" {
			t.lines = append(t.lines, line)
			t.look(line)
		}
	}
	t.lines = t.lines[max(0, len(t.lines)-tailLines):]
	return len(b), nil
}

// look keeps a line that is a reason. A panic is never the consequence of
// another reason; QEMU complains if it can't start, and init if it can't use the
// line.
func (t *tail) look(line string) {
	if _, why, found := strings.Cut(line, panicked); found {
		t.reason = "the kernel panicked: " + why
	} else if strings.HasPrefix(line, "qemu") || strings.HasPrefix(line, initComplains) {
		t.reason = line
	}
}

// why returns the reason that was seen, or "".
func (t *tail) why() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reason
}

// last returns the last lines that are not empty.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string(nil), t.lines...)
	if line := clean(t.partial); line != "" {
		lines = append(lines, line)
	}
	return lines[max(0, len(lines)-tailLines):]
}

// escape is what a firmware draws its screen with.
var escape = regexp.MustCompile("\x1b(\\[[0-9;?=]*[A-Za-z]|c)")

// clean makes a line of the console fit for an error.
func clean(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, escape.ReplaceAllString(line, "")))
}
