//go:build !linux || (!amd64 && !arm64)

package native

import (
	"context"
	"fmt"
	"runtime"

	"github.com/rseqemu/rseqemu/conform"
)

// Target is the kernel that this process runs on. It exists on linux, on amd64 and arm64.
type Target struct{}

// New says why there is no target.
func New() (*Target, error) {
	return nil, fmt.Errorf("%w: it needs linux on amd64 or arm64, and this is %s/%s", ErrUnsupported, runtime.GOOS, runtime.GOARCH)
}

// Name implements [conform.Target].
func (t *Target) Name() string { return "no kernel" }

// Tier implements [conform.Target].
func (t *Target) Tier() conform.Tier { return 0 }

// Run implements [conform.Target].
func (t *Target) Run(context.Context, *conform.Case) (conform.Outcome, error) {
	return conform.Outcome{}, ErrUnsupported
}

// AtOnce is how many cases can be run at the same time.
func (t *Target) AtOnce() int { return 0 }

// Untraced is why nothing can be traced here.
func (t *Target) Untraced() error { return nil }

// AreaLen is the length of the area that libc registers.
func (t *Target) AreaLen() uint32 { return 0 }

// Release is the kernel's, with its point release.
func (t *Target) Release() string { return "" }

// BuiltWith is what is to be added to the kernel's release to name how it was built.
func (t *Target) BuiltWith() string { return "" }

// Uname is what the machine calls itself.
func (t *Target) Uname() string { return "" }
