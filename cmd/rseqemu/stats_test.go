package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// TestStatsStopped: Ctrl-C prints what is known so far.
func TestStatsStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	trace := strings.Repeat("a-1 [000] 1.0: sys_enter: NR 1\na-1 [000] 1.0: sys_exit: NR 1\n", 5000)
	for _, args := range [][]string{{"stats", "idle"}, {"stats", "-"}} {
		var out, errOut bytes.Buffer
		a := &app{in: strings.NewReader(trace), out: newOutput(&out), err: newOutput(&errOut)}
		if code := a.run(ctx, args); code != exitNoAnswer || errOut.Len() > 0 {
			t.Errorf("%v: exit code %d, %s", args, code, &errOut)
		}
		if want := "note: stopped by Ctrl-C; this is what came before\n"; !strings.Contains(out.String(), want) {
			t.Errorf("%v: %s", args, &out)
		}
	}
}
