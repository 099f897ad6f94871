package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/rseqemu/rseqemu/abi"
)

// Machine is what is booted. Only Kernel must be set.
type Machine struct {
	Kernel    string            // the file of a kernel image, a vmlinuz
	Arch      abi.Arch          // AMD64 or ARM64
	CPUs      int               // 2 if 0
	MemoryMiB int               // enough for the files if 0
	Files     map[string]string // path in the guest → file of the host
	Env       []string          // NAME=VALUE for the command, besides PATH, HOME and TMPDIR
	Append    string            // more of the kernel's command line
	Counted   bool              // time goes by with the instructions, one a nanosecond, and not as it does here
	Silence   time.Duration     // how long a guest may say nothing before it counts as hung; a minute if 0
	Console   io.Writer         // what kernel and firmware print, as it comes, if not nil
}

// Error is a guest that did not do what it was started for.
type Error struct {
	Kernel  string   // the file
	Reason  string   // one line
	Console []string // the last lines that it printed
	err     error
}

func (e *Error) Error() string { return e.Kernel + ": " + e.Reason }

// Unwrap returns the context's error if that ended the guest.
func (e *Error) Unwrap() error { return e.err }

// errSilent is why a guest was killed.
var errSilent = errors.New("silent")

// Run boots the machine with init, a static executable for its architecture
// whose main calls [Init], and has it run a command: args[0] is a path in the
// guest, "" or /init being init itself. What the command writes goes to stdout
// and stderr as it comes. It returns the command's exit code, which is 128 more
// than the signal if one killed it, or an [*Error] if the guest did not get
// there. When Run returns there is no guest any more, nor a file of it.
func (m *Machine) Run(ctx context.Context, init string, args []string, stdout, stderr io.Writer) (int, error) {
	if len(args) == 0 {
		return 0, errors.New("boot: no command")
	}
	if err := m.checkImage(); err != nil {
		return 0, err
	}
	v, err := vmOf(m.Arch)
	if err != nil {
		return 0, err
	}
	if err := checkInit(init, v); err != nil {
		return 0, err
	}
	program, err := v.find()
	if err != nil {
		return 0, err
	}
	initrd, err := m.initrd(v, init, args)
	if err != nil {
		return 0, err
	}
	defer os.Remove(initrd)
	size, err := os.Stat(initrd)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(program, v.flags(m, initrd, size.Size())...)
	return m.run(ctx, cmd, stdout, stderr, sync.OnceFunc(func() { os.Remove(initrd) }))
}

// initrd writes the initramfs and returns the file's name.
func (m *Machine) initrd(v vm, init string, args []string) (name string, err error) {
	f, err := os.CreateTemp("", "rseqemu-initrd-*")
	if err != nil {
		return "", err
	}
	err = writeInitramfs(f, init, order{Args: args, Env: m.Env, Output: v.output}, m.Files)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// run runs QEMU, whose standard output is the guest's second serial port and
// whose standard error the first. It calls started when the guest speaks: by then
// QEMU has read its files, and what is removed can't be left behind.
func (m *Machine) run(ctx context.Context, cmd *exec.Cmd, stdout, stderr io.Writer, started func()) (int, error) {
	// A child that dies with its parent dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	p := &pulse{}
	p.beat()
	console := &tail{copy: m.Console, alive: p.beat}
	frames, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	cmd.Stderr = console
	cmd.SysProcAttr = alone()
	if err := cmd.Start(); err != nil {
		return 0, err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	go m.watch(ctx, p, cancel)

	code, err := readFrames(frames, p.during(stdout), p.during(stderr), func() { p.beat(); started() })
	// It is of no further use, whether it knows that or not.
	cmd.Process.Kill()
	cmd.Wait()
	if err == nil {
		return code, nil
	}
	return 0, m.failure(ctx, err, console)
}

// watch ends a guest that says nothing for too long.
func (m *Machine) watch(ctx context.Context, p *pulse, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if p.silent(m.silence()) {
				cancel(errSilent)
				return
			}
		}
	}
}

func (m *Machine) silence() time.Duration {
	if m.Silence > 0 {
		return m.Silence
	}
	return time.Minute
}

// failure says why a guest ended before the command did.
func (m *Machine) failure(ctx context.Context, err error, console *tail) error {
	e := &Error{Kernel: m.Kernel, Console: console.last()}
	var write writeError
	var guest guestError
	cause := context.Cause(ctx)
	switch {
	case errors.As(err, &write):
		return write.error
	case errors.As(err, &guest):
		e.Reason = string(guest)
	case errors.Is(cause, errSilent):
		e.Reason = fmt.Sprintf("the guest said nothing for %v", m.silence())
	case cause != nil:
		e.Reason, e.err = "the guest was stopped: "+cause.Error(), cause
	case err != io.ErrUnexpectedEOF:
		e.Reason = err.Error()
	case console.why() != "":
		e.Reason = console.why()
	default:
		e.Reason = "the guest ended before its command did"
	}
	return e
}
