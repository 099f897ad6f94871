//go:build !linux || (!amd64 && !arm64)

package native

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Here says why nothing can be run here.
func Here() (*Host, error) {
	return nil, fmt.Errorf("%w: it needs linux on amd64 or arm64, and this is %s/%s", ErrUnsupported, runtime.GOOS, runtime.GOARCH)
}

// RunFree says why nothing can be run here.
func (h *Host) RunFree(context.Context, *ir.Program, uint64, *os.File, *atomic.Uint64, time.Duration) (abi.Signal, error) {
	_, err := Here()
	return 0, err
}
