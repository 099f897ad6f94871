//go:build amd64 || arm64

package native

import (
	"os/signal"
	"syscall"
	"testing"

	"github.com/rseqemu/rseqemu/conform"
)

// TestNohupChangesNoAnswer: a signal that this process ignores ends a thread of a case
// by default all the same.
func TestNohupChangesNoAnswer(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	target, k := here(t)
	for _, c := range conform.Cases() {
		if c.Name != "SIG.default-action" {
			continue
		}
		for r := range conform.Check(t.Context(), target, []conform.Case{c}, conform.Emulator(k)) {
			if !r.Status.OK() {
				t.Errorf("%s: %s", r.Status, r.Detail)
			}
		}
	}
}
