//go:build !linux || !amd64

package native

import (
	"context"
	"fmt"
	"runtime"

	"github.com/rseqemu/rseqemu/conform"
)

// Target is the kernel that this process runs on. It exists on linux/amd64.
type Target struct{}

// New says why there is no target.
func New() (*Target, error) {
	return nil, fmt.Errorf("%w: it needs linux/amd64, and this is %s/%s", ErrUnsupported, runtime.GOOS, runtime.GOARCH)
}

// Name implements [conform.Target].
func (t *Target) Name() string { return "no kernel" }

// Tier implements [conform.Target].
func (t *Target) Tier() conform.Tier { return 0 }

// Run implements [conform.Target].
func (t *Target) Run(context.Context, *conform.Case) (conform.Outcome, error) {
	return conform.Outcome{}, ErrUnsupported
}

// Ask is Run with what came of the repetitions.
func (t *Target) Ask(context.Context, *conform.Case) (Answer, error) {
	return Answer{}, ErrUnsupported
}

// AskAgain runs a case n times.
func (t *Target) AskAgain(context.Context, *conform.Case, int) (Answer, error) {
	return Answer{}, ErrUnsupported
}

// Once runs a case a single time.
func (t *Target) Once(context.Context, *conform.Case) (conform.Outcome, error) {
	return conform.Outcome{}, ErrUnsupported
}

// AreaLen is the length of the area that libc registers.
func (t *Target) AreaLen() uint32 { return 0 }

// Release is the kernel's, as uname tells it.
func (t *Target) Release() string { return "" }
