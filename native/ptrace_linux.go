//go:build amd64 || arm64

package native

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// start runs an executable as a traced child of the calling thread. It stops
// before its first instruction.
func (t *took) start(p *process) (int, error) {
	return t.exec(p, &syscall.ProcAttr{Files: []uintptr{0}, Sys: &syscall.SysProcAttr{Ptrace: true}})
}

// exec runs an executable as a child of the calling thread. The child is made on
// its CPU, so that it comes to its first instruction without a migration, which
// an old kernel would remember. Its first file is no program.
func (t *took) exec(p *process, attr *syscall.ProcAttr) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	noProgram, err := noProgram()
	if err != nil {
		return 0, err
	}
	// Go moves files out of the way in the child, maybe to where the executable was: so it
	// is one of those that have a place there.
	attr.Files[0] = uintptr(noProgram)
	attr.Files = append(attr.Files, p.exe.Fd())
	path := fmt.Sprintf("/proc/self/fd/%d", len(attr.Files)-1)
	var back unix.CPUSet
	if err := unix.SchedGetaffinity(0, &back); err != nil {
		return 0, err
	}
	if err := setAffinity(0, t.cpus[0]); err != nil {
		return 0, err
	}
	defer unix.SchedSetaffinity(0, &back)
	defer runtime.KeepAlive(p)
	pid, err := syscall.ForkExec(path, []string{"rseqemu"}, attr)
	if err != nil {
		return 0, fmt.Errorf("starting the executable: %w", err)
	}
	return pid, nil
}

// noProgram is a file that is there and can't be executed.
var noProgram = sync.OnceValues(func() (int, error) { return memoryFile([]byte("no program")) })

// memoryFile makes a file that is nowhere but in memory.
func memoryFile(content []byte) (int, error) {
	fd, err := unix.MemfdCreate("rseqemu", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("memfd_create: %w", err)
	}
	if _, err := unix.Write(fd, content); err != nil {
		unix.Close(fd)
		return 0, fmt.Errorf("writing to a file in memory: %w", err)
	}
	return fd, nil
}

// wait waits for a change of a task that this thread traces.
func (tr *tracee) wait(pid int) (unix.WaitStatus, error) {
	for {
		var ws unix.WaitStatus
		_, err := unix.Wait4(pid, &ws, unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return ws, fmt.Errorf("wait4: %w", err)
		}
		return ws, nil
	}
}

// reap kills what is left of the process.
func (tr *tracee) reap() {
	// Nobody looks at it any more: one stop less on its way out. If it isn't
	// stopped now, it is on that way.
	unix.PtraceSetOptions(tr.pid, unix.PTRACE_O_EXITKILL)
	unix.Kill(tr.pid, unix.SIGKILL)
	for {
		var ws unix.WaitStatus
		if _, err := unix.Wait4(tr.pid, &ws, unix.WALL, nil); err != nil && err != unix.EINTR || ws.Exited() || ws.Signaled() {
			return
		}
		unix.PtraceCont(tr.pid, 0) // from its exit stop
	}
}

// asleep waits until the process sleeps in the system call at an address; false
// if it stops before. It looks so seldom that the process gets there meanwhile: who
// looks takes its CPU away.
func (tr *tracee) asleep(at ir.Addr) (bool, error) {
	behind := at + ir.Addr(tr.p.im.Instrs[tr.p.im.Index(at)].Len())
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); {
		nap := unix.NsecToTimespec(tr.p.nap / 16)
		unix.Nanosleep(&nap, nil) // this thread's own, which isn't late
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tr.pid))
		if err != nil {
			return false, err
		}
		// 123 (rseqemu) S …
		i := bytes.LastIndexByte(stat, ')')
		if i < 0 || len(stat) <= i+2 {
			return false, fmt.Errorf("/proc/%d/stat is %q", tr.pid, stat)
		}
		switch stat[i+2] {
		case 'S':
			if ip, err := tr.sleepsAt(); err != nil || ip == behind {
				return err == nil, err
			}
		case 't', 'T', 'Z', 'X':
			return false, nil
		}
	}
	return false, fmt.Errorf("the process neither sleeps nor stops")
}

// sleepsAt returns the ip of a process that sleeps, or 0 if it doesn't any more.
func (tr *tracee) sleepsAt() (ir.Addr, error) {
	// 35 0x… (six arguments) sp ip; or: running
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", tr.pid))
	if err != nil {
		return 0, err
	}
	words := strings.Fields(string(b))
	if len(words) != 9 {
		return 0, nil
	}
	ip, err := strconv.ParseUint(words[8], 0, 64)
	return ir.Addr(ip), err
}

// plant puts a breakpoint at an address.
func (tr *tracee) plant(at ir.Addr) error {
	over := make([]byte, len(host.breakpoint))
	for i := range over {
		b, ok := tr.load(at+ir.Addr(i), 1)
		if !ok {
			return fmt.Errorf("the code at %#x can't be read", at)
		}
		over[i] = byte(b)
	}
	tr.planted, tr.plantedOver = at, over
	return tr.poke(at, host.breakpoint)
}

func (tr *tracee) unplant() error { return tr.poke(tr.planted, tr.plantedOver) }

// poke writes to memory that the process itself can't write to. ptrace does that
// to one that is stopped, its mem file also to one that sleeps.
func (tr *tracee) poke(at ir.Addr, b []byte) error {
	_, err := unix.PtracePokeData(tr.pid, uintptr(at), b)
	if err == unix.ESRCH {
		var f *os.File
		if f, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", tr.pid), os.O_RDWR, 0); err == nil {
			_, err = f.WriteAt(b, int64(at))
			f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("planting a breakpoint: %w", err)
	}
	return nil
}

// load reads a number from the process's memory.
func (tr *tracee) load(at ir.Addr, w ir.Width) (uint64, bool) {
	var b [8]byte
	n := w.Bytes()
	local := []unix.Iovec{{Base: &b[0], Len: uint64(n)}}
	got, err := unix.ProcessVMReadv(tr.pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: n}}, 0)
	return binary.LittleEndian.Uint64(b[:]), err == nil && got == n
}

// store writes a number to the process's memory, stopped or not.
func (tr *tracee) store(at ir.Addr, w ir.Width, v uint64) error {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	local := []unix.Iovec{{Base: &b[0], Len: uint64(w.Bytes())}}
	if _, err := unix.ProcessVMWritev(tr.pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: w.Bytes()}}, 0); err != nil {
		return fmt.Errorf("process_vm_writev: %w", err)
	}
	return nil
}

// configuration is PTRACE_GET_RSEQ_CONFIGURATION. Its error is the kernel's answer.
func (tr *tracee) configuration() (abi.PtraceRSeqConfiguration, error) {
	var b [abi.PtraceRSeqConfigurationSize]byte
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, abi.PtraceGetRSeqConfiguration, uintptr(tr.pid),
		uintptr(len(b)), uintptr(unsafe.Pointer(&b[0])), 0, 0)
	if errno != 0 {
		return abi.PtraceRSeqConfiguration{}, abi.Errno(errno)
	}
	return abi.DecodePtraceRSeqConfiguration(b[:], binary.LittleEndian)
}
