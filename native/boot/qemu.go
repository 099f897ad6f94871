package boot

import (
	"debug/elf"
	"fmt"
	"os/exec"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// vm is how a machine of one architecture is made.
type vm struct {
	arch    abi.Arch
	program string
	debian  string      // the package that has the program
	machine elf.Machine // the architecture's number in executables
	board   []string    // machine, CPU and serial ports: the console, then the frames
	append  string      // the kernel's command line
	output  string      // the serial port for the frames, in the guest
}

// vmOf returns how a machine of that architecture is made.
//
// KVM is left out on purpose: it needs rights, and the same kernel on the same
// emulated CPU is the same everywhere. The CPU has everything but five levels of
// page tables (arm64: addresses of 52 bits), so that TASK_SIZE is the same as on
// most machines; cmpxchg16b, which QEMU 7.2 gets wrong once in a while: Linux 6.12
// panics in its allocator; and quick copies of bytes, which QEMU makes one by one.
func vmOf(arch abi.Arch) (vm, error) {
	switch arch {
	case abi.AMD64:
		return vm{
			arch: arch, program: "qemu-system-x86_64", debian: "qemu-system-x86", machine: elf.EM_X86_64,
			board:  []string{"-machine", "pc", "-cpu", "max,la57=off,cx16=off,erms=off", "-serial", "chardev:console", "-serial", "chardev:output"},
			append: "console=ttyS0 tsc=reliable",
			output: "/dev/ttyS1",
		}, nil
	case abi.ARM64:
		return vm{
			arch: arch, program: "qemu-system-aarch64", debian: "qemu-system-arm", machine: elf.EM_AARCH64,
			board:  []string{"-machine", "virt", "-cpu", "max,pauth-impdef=on,lpa2=off", "-serial", "chardev:console", "-device", "pci-serial,chardev=output"},
			append: "console=ttyAMA0",
			output: "/dev/ttyS0",
		}, nil
	}
	return vm{}, fmt.Errorf("%v can't be booted, only %v and %v can", arch, abi.AMD64, abi.ARM64)
}

// find returns the path of the program.
func (v vm) find() (string, error) {
	file, err := exec.LookPath(v.program)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: it is in Debian's package %s, or in your system's package of QEMU", v.program, v.debian)
	}
	return file, nil
}

// threads is how QEMU's threads are to the guest's CPUs: one for each, or one for all
// if instructions are counted.
func (m *Machine) threads() string {
	if m.Counted {
		return "single"
	}
	return "multi"
}

// flags is the command line of QEMU.
func (v vm) flags(m *Machine, initrd string, initrdSize int64) []string {
	cpus, memory := m.CPUs, m.MemoryMiB
	if cpus == 0 {
		cpus = 2
	}
	if memory == 0 {
		// The archive and its files are there at the same time for a moment, and
		// the files may take half of what is there.
		memory = 512 + 4*int(initrdSize>>20)
	}
	line := []string{v.append, "quiet", "panic=-1", guestMark}
	if m.Append != "" {
		line = append(line, m.Append)
	}
	flags := append([]string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-accel", "tcg,thread=" + m.threads(),
		"-smp", fmt.Sprint(cpus), "-m", fmt.Sprint(memory),
		"-chardev", "file,id=console,path=/dev/stderr",
		"-chardev", "stdio,id=output,signal=off",
	}, v.board...)
	if m.Counted {
		flags = append(flags, "-icount", "shift=0,sleep=off")
	}
	return append(flags, "-kernel", m.Kernel, "-initrd", initrd, "-append", strings.Join(line, " "))
}
