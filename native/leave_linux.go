//go:build amd64 || arm64

package native

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// view is how a process's memory is looked at.
func (t *took) view(p *process, load func(ir.Addr, ir.Width) (uint64, bool)) conform.View {
	return conform.View{
		Image: p.im,
		Load:  load,
		HostCPU: func(c int) int {
			if c < len(t.cpus) {
				return t.cpus[c]
			}
			return -1
		},
		Entries: p.handlers,
	}
}

// leave runs the process of a case that nobody traces, and looks at the memory
// that it leaves behind. One that is killed, or ends itself, leaves none: then
// only the signal is known.
func (l *lane) leave(ctx context.Context, c *conform.Case, p *process) (conform.Outcome, error) {
	var out conform.Outcome
	if makesTasks(p.im) {
		return out, &conform.Skip{Reason: "a child can't be told from its parent, as nothing can be traced"}
	}
	left, err := memoryFile(nil)
	if err != nil {
		return out, err
	}
	memory := os.NewFile(uintptr(left), "what is left")
	defer memory.Close()
	pid, err := l.exec(p, &syscall.ProcAttr{
		Files: []uintptr{leftFile: memory.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return out, err
	}
	unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	stop := context.AfterFunc(limited, func() { unix.Kill(-pid, unix.SIGKILL) })
	var ws unix.WaitStatus
	for {
		if _, err = unix.Wait4(pid, &ws, 0, nil); err != unix.EINTR {
			break
		}
	}
	late := !stop()
	switch {
	case ctx.Err() != nil:
		return out, fmt.Errorf("%s: %w", c.Name, ctx.Err())
	case late:
		return out, fmt.Errorf("%s: no end after %v", c.Name, longest)
	case err != nil:
		return out, err
	case ws.Signaled():
		return conform.Outcome{End: abi.Signal(ws.Signal()).String(), Blind: true}, nil
	case ws.ExitStatus() != 0:
		return conform.Outcome{End: fmt.Sprintf("exit %d", ws.ExitStatus()), Blind: true}, nil
	}
	mem := make([]byte, p.leftSize())
	switch _, err := memory.ReadAt(mem, 0); {
	case err == io.EOF: // the program itself has ended the process
		return conform.Outcome{Blind: true}, nil
	case err != nil:
		return out, err
	}
	v := l.view(p, func(at ir.Addr, w ir.Width) (uint64, bool) { return p.leftAt(mem, at, w) })
	v.Auxv = func(entry uint64) (uint64, bool) { return auxv("self", entry) }
	return out, finish(v, c, &out)
}

// leftSize is how much memory the process leaves.
func (p *process) leftSize() int {
	n := 0
	for _, s := range p.left {
		n += len(s.data)
	}
	return n
}

// leftAt reads a number from the memory that the process left.
func (p *process) leftAt(mem []byte, at ir.Addr, w ir.Width) (uint64, bool) {
	for _, s := range p.left {
		if at >= s.at && int(at-s.at)+w.Bytes() <= len(s.data) {
			var b [8]byte
			copy(b[:w.Bytes()], mem[at-s.at:])
			return binary.LittleEndian.Uint64(b[:]), true
		}
		mem = mem[len(s.data):]
	}
	return 0, false
}
