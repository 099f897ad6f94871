package boot

import (
	"io"
	"sync/atomic"
	"time"
)

// pulse knows when a guest last gave a sign of life.
type pulse struct {
	last    atomic.Int64 // in nanoseconds
	waiting atomic.Bool  // for somebody else, so that nothing is read from the guest
}

func (p *pulse) beat() { p.last.Store(time.Now().UnixNano()) }

// silent reports whether the guest said nothing for that long.
func (p *pulse) silent(d time.Duration) bool {
	return !p.waiting.Load() && time.Now().UnixNano()-p.last.Load() > int64(d)
}

// during returns a writer that can take its time, such as a pager: a guest whose
// words nobody takes is not silent.
func (p *pulse) during(w io.Writer) io.Writer { return patient{p, w} }

type patient struct {
	p *pulse
	w io.Writer
}

func (w patient) Write(b []byte) (int, error) {
	w.p.waiting.Store(true)
	defer w.p.waiting.Store(false)
	defer w.p.beat()
	return w.w.Write(b)
}
