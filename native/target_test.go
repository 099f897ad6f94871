package native

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rseqemu/rseqemu/conform"
)

// TestOtherSystemsSayWhy there is no target.
func TestOtherSystemsSayWhy(t *testing.T) {
	_, err := New()
	if runtime.GOOS == "linux" && isas[hostArch()] != nil {
		if err != nil && !errors.Is(err, ErrUnsupported) {
			t.Errorf("the error %v isn't ErrUnsupported", err)
		}
		return
	}
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "linux on amd64") {
		t.Errorf("the error is %v", err)
	}
}

// TestPointRelease is found in what uname tells.
func TestPointRelease(t *testing.T) {
	for _, tt := range []struct{ release, version, want string }{
		{"6.18.44-fc-v669", "#1 SMP PREEMPT_DYNAMIC @0", "6.18.44"},
		{"6.19.14+deb13-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.19.14-1~bpo13+1 (2026-05-01)", "6.19.14"},
		{"5.10.0-32-cloud-amd64", "#1 SMP Debian 5.10.223-1 (2024-08-10)", "5.10.223"},
		{"7.3-rc7", "#1", "7.3"},
		{"unknown", "", ""},
	} {
		if got := pointRelease(tt.release, tt.version); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.release, tt.version, got, tt.want)
		}
	}
}

// TestEndlessProgramIsEnded, and its process with it.
func TestEndlessProgramIsEnded(t *testing.T) {
	target, _ := here(t)
	cases, err := conform.Parse("f.txtar", []byte("-- program --\nfunc op()\nround:\n    jmp round\nthread: op\n-- SIG.endless --\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := target.Run(ctx, &cases[0]); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}
