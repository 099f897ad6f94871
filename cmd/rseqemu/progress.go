package main

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
)

// progress is a line on a terminal that says how far searches are; on anything
// else it says nothing.
type progress struct {
	out *output

	mu    sync.Mutex
	under []underWay
	last  time.Time // when the line was written
	shown bool
}

// underWay is a search and how far it is.
type underWay struct{ kernel, text string }

const progressEvery = 100 * time.Millisecond

func newProgress(out *output) *progress { return &progress{out: out, last: time.Now()} }

// search is told how far a kernel's search is.
func (p *progress) search(k emu.Kernel, r *explore.Result) {
	if !p.out.tty {
		return
	}
	text := report.Count(r.States, "state") + ", " + report.Count(r.Events, "event")
	if r.States == 0 {
		text = report.Count(r.Runs, "run")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.under, func(u underWay) bool { return u.kernel == k.String() })
	if i < 0 {
		i = len(p.under)
		p.under = append(p.under, underWay{kernel: k.String()})
	}
	p.under[i].text = text
	if time.Since(p.last) >= progressEvery {
		p.show()
	}
}

// maxProgress keeps the line on one line of a terminal.
const maxProgress = 78

func (p *progress) show() {
	var parts []string
	for _, u := range p.under {
		parts = append(parts, u.kernel+": "+u.text)
	}
	line := strings.Join(parts, "   ")
	p.out.printf("\r\x1b[K  %s", line[:min(len(line), maxProgress)])
	p.last, p.shown = time.Now(), true
}

// clear takes the line away, and searches that are done out of it.
func (p *progress) clear(done ...emu.Kernel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range done {
		p.under = slices.DeleteFunc(p.under, func(u underWay) bool { return u.kernel == k.String() })
	}
	if p.shown {
		p.out.printf("\r\x1b[K")
		p.shown = false
	}
}
