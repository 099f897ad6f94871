package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rseqemu/rseqemu/abi"
)

// TestMain is the init of the guests that the tests boot, and in these the
// command as well.
func TestMain(m *testing.M) {
	Init()
	if do := os.Getenv("BOOT_TEST"); do != "" {
		command1(do)
		return
	}
	os.Exit(m.Run())
}

// command1 is a command in a guest.
func command1(do string) {
	switch do {
	case "talk":
		fmt.Println("args", len(os.Args), os.Args[1:], "processors", runtime.NumCPU())
		text, _ := os.ReadFile("/files/greeting")
		os.Stdout.Write(text)
		fmt.Fprintln(os.Stderr, "to stderr")
		os.Exit(7)
	case "spam":
		for i := range 100_000 {
			fmt.Printf("{\"line\": %d}\n", i)
		}
	case "sleep":
		time.Sleep(33 * time.Second)
	case "killed":
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			self.Kill()
		}
	case "panic":
		os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0)
		select {}
	case "reset":
		os.WriteFile("/proc/sysrq-trigger", []byte("b"), 0)
	}
}

// guestOf returns a machine with the kernel that RSEQEMU_KERNEL names.
func guestOf(t *testing.T, do string) (m *Machine, self string) {
	t.Helper()
	kernel := os.Getenv("RSEQEMU_KERNEL")
	if kernel == "" {
		t.Skip("RSEQEMU_KERNEL names no kernel image to boot")
	}
	arch, err := ArchOf(kernel)
	if err != nil {
		t.Fatal(err)
	}
	if arch.String() != runtime.GOARCH || runtime.GOOS != "linux" {
		t.Skipf("the test is for %s/%s and can't be the init of a guest for %v", runtime.GOOS, runtime.GOARCH, arch)
	}
	if self, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	t.Cleanup(func() {
		if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return &Machine{Kernel: kernel, Arch: arch, Env: []string{"BOOT_TEST=" + do}, Silence: 30 * time.Second}, self
}

func TestACommandInAGuest(t *testing.T) {
	m, self := guestOf(t, "talk")
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("hello\x00\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Files, m.CPUs = map[string]string{"/files/greeting": file}, 3
	var out, errOut bytes.Buffer
	code, err := m.Run(t.Context(), self, []string{"", "a b", "\"c\""}, &out, &errOut)
	if err != nil || code != 7 {
		t.Fatalf("exit code %d, %v", code, err)
	}
	if want := "args 3 [a b \"c\"] processors 3\nhello\x00\r\n"; out.String() != want || errOut.String() != "to stderr\n" {
		t.Errorf("got %q and %q, want %q", &out, &errOut, want)
	}
}

func TestMuchOutput(t *testing.T) {
	m, self := guestOf(t, "spam")
	var out, want bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&want, "{\"line\": %d}\n", i)
	}
	if code, err := m.Run(t.Context(), self, []string{"/init"}, &out, io.Discard); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v", code, err)
	}
	if !bytes.Equal(out.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes came, %d were written", out.Len(), want.Len())
	}
}

// TestASilentCommand is not one of a guest that hangs.
func TestASilentCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("it is silent for half a minute")
	}
	m, self := guestOf(t, "sleep")
	if code, err := m.Run(t.Context(), self, []string{""}, io.Discard, io.Discard); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v", code, err)
	}
}

func TestAKilledCommand(t *testing.T) {
	m, self := guestOf(t, "killed")
	if code, err := m.Run(t.Context(), self, []string{""}, io.Discard, io.Discard); err != nil || code != 128+9 {
		t.Errorf("exit code %d, %v", code, err)
	}
}

// TestGuestsThatEndEarly say why.
func TestGuestsThatEndEarly(t *testing.T) {
	for _, c := range []struct{ do, program, want string }{
		{"panic", "", "the kernel panicked: sysrq triggered crash"},
		{"reset", "", "the guest ended before its command did"},
		{"talk", "/none", "cannot run /none: no such file or directory"},
	} {
		t.Run(c.do+c.program, func(t *testing.T) {
			m, self := guestOf(t, c.do)
			_, err := m.Run(t.Context(), self, []string{c.program}, io.Discard, io.Discard)
			var guest *Error
			if !errors.As(err, &guest) || guest.Reason != c.want || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestAContextEndsAGuest at once.
func TestAContextEndsAGuest(t *testing.T) {
	m, self := guestOf(t, "sleep")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	_, err := m.Run(ctx, self, []string{""}, io.Discard, io.Discard)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 4*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// TestAGuestThatHangs: what looks like a kernel and isn't one never says a word.
func TestAGuestThatHangs(t *testing.T) {
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skip("qemu-system-x86_64 is not installed")
	}
	image := make([]byte, 1<<16)
	copy(image[0x1f1:], "\x04")     // sectors of the part in real mode
	copy(image[0x200:], "\xeb\xfe") // it jumps to itself
	copy(image[0x202:], "HdrS\x06\x02")
	image[0x211] = 1                        // the rest goes above 1 MiB
	copy(image[0x22c:], "\xff\xff\xff\x7f") // and the initramfs anywhere
	dir := t.TempDir()
	kernel, init := filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "init")
	if err := errors.Join(os.WriteFile(kernel, image, 0o600), os.WriteFile(init, staticInit(), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cpus int
		want string
	}{
		{2, "the guest said nothing for 2s"},
		{5000, "qemu-system-x86_64: Invalid SMP CPUs 5000"},
	} {
		m := &Machine{Kernel: kernel, Arch: abi.AMD64, Silence: 2 * time.Second, CPUs: c.cpus}
		_, err := m.Run(t.Context(), init, []string{""}, io.Discard, io.Discard)
		var guest *Error
		if !errors.As(err, &guest) || !strings.HasPrefix(guest.Reason, c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// staticInit is the header of a static executable for amd64 and no more.
func staticInit() []byte {
	h := make([]byte, 64)
	copy(h, "\x7fELF\x02\x01\x01")
	h[16], h[18], h[20], h[52], h[54] = 2, 62, 1, 64, 56
	return h
}

// TestWhatCantBeBooted is said before anything is started.
func TestWhatCantBeBooted(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	kernel, armKernel := file("x86", at(0x202, "HdrS")), file("arm", at(56, "ARM\x64"))
	init := file("init", string(staticInit()))
	t.Setenv("PATH", dir)
	for _, c := range []struct {
		m    Machine
		init string
		want string
	}{
		{Machine{Kernel: filepath.Join(dir, "none")}, init, "none"},
		{Machine{Kernel: init}, init, "no kernel image but an ELF file"},
		{Machine{Kernel: armKernel}, init, "is a kernel for arm64, not amd64"},
		{Machine{Kernel: armKernel, Arch: abi.RISCV64}, init, "is a kernel for arm64, not riscv64"},
		{Machine{Kernel: kernel}, kernel, "x86 can't be the init of a guest: it is no Linux executable"},
		{Machine{Kernel: armKernel, Arch: abi.ARM64}, init, "init can't be the init of a guest for arm64: it is for EM_X86_64"},
		{Machine{Kernel: kernel}, init, "qemu-system-x86_64 is not installed: it is in Debian's package qemu-system-x86"},
	} {
		_, err := c.m.Run(t.Context(), c.init, []string{""}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want …%s…", err, c.want)
		}
	}
}
