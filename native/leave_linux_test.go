//go:build amd64 || arm64

package native

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
	"golang.org/x/sys/unix"
)

// TestWithoutPtraceTheOtherTiersRun, in a process to which the kernel refuses
// ptrace, as a container's seccomp filter does.
func TestWithoutPtraceTheOtherTiersRun(t *testing.T) {
	const name = "RSEQEMU_TEST_WITHOUT_PTRACE"
	if os.Getenv(name) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), name+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if err := refuse(unix.SYS_PTRACE); err != nil {
		t.Skipf("no filter can be installed: %v", err)
	}
	target, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if target.Untraced() == nil || target.Tier() != conform.TierSignals {
		t.Fatalf("tier %v; untraced: %v", target.Tier(), target.Untraced())
	}
	k, _, err := emu.Closest(target.Release(), host.arch)
	if err != nil {
		t.Skip(err)
	}
	count := compare(t, target, k)
	t.Log(count)
	if count[conform.Same] < 100 {
		t.Errorf("%d cases ran", count[conform.Same])
	}
}

// refuse has the kernel refuse a system call to all threads of this process with
// EPERM, for good.
func refuse(nr uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errors.New("seccomp: " + errno.Error())
	}
	return nil
}
