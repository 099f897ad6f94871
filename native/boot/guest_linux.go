package boot

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Init does nothing, unless this process is the init of a guest that
// [Machine.Run] booted. Then it runs the command and turns the machine off,
// without ever returning. Call it first thing in main.
func Init() {
	if os.Getpid() != 1 || os.Getenv(guestVariable) == "" {
		return
	}
	if err := guest(); err != nil {
		fmt.Println(initComplains + err.Error())
	}
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	os.Exit(1) // the kernel panics, which ends the machine, too
}

// guest is the life of a guest. Its error is one that the host could not be told.
func guest() error {
	mountAll()
	text, err := os.ReadFile(orderPath)
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	port, err := openPort(o.Output)
	if err != nil {
		return err
	}
	f := newFrameWriter(port)
	f.write(kindAlive, nil)
	go f.keepAlive(50*time.Millisecond, 2*time.Second)
	code, err := command(o, f)
	if err != nil {
		f.write(kindFailure, []byte(err.Error()))
	} else {
		f.write(kindExit, binary.LittleEndian.AppendUint32(nil, uint32(code)))
	}
	if err := f.close(); err != nil {
		return err
	}
	// The line must have got it all before the machine goes.
	return unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1)
}

// mountAll mounts what programs expect. What a kernel doesn't have isn't there.
func mountAll() {
	for _, m := range []struct{ kind, at string }{
		{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}, {"debugfs", "/sys/kernel/debug"},
	} {
		unix.Mount(m.kind, m.at, m.kind, 0, "")
	}
	// Two links that every /dev has and the kernel does not make.
	os.Symlink("/proc/self/fd", "/dev/fd")
	os.Mkdir("/dev/shm", 0o1777)
}

// openPort opens a serial port that passes on every byte as it is.
func openPort(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	raw := unix.Termios{Cflag: unix.CS8 | unix.CLOCAL | unix.CREAD | unix.B115200, Ispeed: unix.B115200, Ospeed: unix.B115200}
	raw.Cc[unix.VMIN] = 1
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &raw); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// command runs the command and returns its exit code when all that it left
// running is gone.
func command(o order, f *frameWriter) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	var copies sync.WaitGroup
	files := []*os.File{null}
	for _, k := range []kind{kindOut, kindErr} {
		r, w, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		files = append(files, w)
		copies.Go(func() { io.Copy(f.as(k), r) })
	}
	args := o.Args
	if args[0] == "" {
		args[0] = initPath
	}
	p, err := os.StartProcess(args[0], args, &os.ProcAttr{
		Dir: "/", Files: files, Sys: &unix.SysProcAttr{Setsid: true},
		Env: append([]string{"PATH=/usr/local/bin:/usr/bin:/bin:/sbin", "HOME=/root", "TMPDIR=/tmp"}, o.Env...),
	})
	for _, file := range files {
		file.Close()
	}
	if err != nil {
		return 0, plain(err)
	}
	code, err := reap(p.Pid)
	unix.Kill(-1, unix.SIGKILL) // not this process
	copies.Wait()
	return code, err
}

// plain says what an error of a system call is about without its name twice.
func plain(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("cannot run %s: %w", strings.TrimSpace(pathErr.Path), pathErr.Err)
	}
	return err
}

// reap waits for a child and meanwhile for all the orphans that init inherits.
func reap(child int) (code int, err error) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("waiting for the command: %w", err)
		case pid == child && status.Signaled():
			return 128 + int(status.Signal()), nil
		case pid == child:
			return status.ExitStatus(), nil
		}
	}
}
