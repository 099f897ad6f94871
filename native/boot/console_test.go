package boot

import (
	"fmt"
	"strings"
	"testing"
)

// TestTail keeps the last lines, however they come, without what isn't text.
func TestTail(t *testing.T) {
	var b strings.Builder
	b.WriteString("\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1)\r\n\n\r\n")
	for i := range 30 {
		fmt.Fprintf(&b, "[    0.%06d] line %d\r\n", i, i)
	}
	b.WriteString("no end")
	for _, step := range []int{1, 7, 1 << 20} {
		tl := &tail{}
		for text := b.String(); text != ""; {
			n := min(step, len(text))
			tl.Write([]byte(text[:n]))
			text = text[n:]
		}
		got := tl.last()
		if len(got) != tailLines || got[0] != "[    0.000011] line 11" || got[len(got)-1] != "no end" {
			t.Errorf("in steps of %d: %q", step, got)
		}
	}
	tl := &tail{}
	tl.Write([]byte("\x1bc\x1b[2JSeaBIOS\r\n"))
	if got := tl.last(); len(got) != 1 || got[0] != "SeaBIOS" {
		t.Errorf("%q", got)
	}
}
