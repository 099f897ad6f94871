package emu

import (
	"fmt"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// TestSyscallByNumber: the number in r8 is the architecture's.
func TestSyscallByNumber(t *testing.T) {
	program := "func op(nr)\n    mov r8, r0\n    syscall r8\n    ret\nfunc forks_(nr)\n    mov r8, r0\n    syscall r8\nforked:\n    ret\n"
	for arch, nr := range map[abi.Arch]int{abi.AMD64: 39, abi.ARM64: 172, abi.RISCV64: 172, abi.S390X: 20} {
		k := Linux("6.18", arch)
		r := bootWith(t, fmt.Sprintf("%sthread: op %d; op 9999; op -1; op 0\n", program, nr), Config{Kernel: k}).run("t0 through")
		if got, want := r.observe("calls"), "1000 ENOSYS ENOSYS ENOSYS"; got != want {
			t.Errorf("%s: %s, want %s", arch, got, want)
		}
	}
	// It can be a fork, so that there is room for a child.
	r := boot(t, "6.18", program+"thread: forks_ 57\n").run("t0 to forked; t0 through; c0 run t1; t1 through")
	if !r.Done() {
		t.Error("the child hasn't ended")
	}
}

// TestUnknownSyscall: a kernel without slices doesn't have theirs, even from 7.0 on.
func TestUnknownSyscall(t *testing.T) {
	program := "func op()\n    syscall rseq_slice_yield\n    ret\nthread: op\n"
	onEvery(func(kernel string, _ int) {
		if got := boot(t, kernel, program).run("t0 through").observe("op"); got != "ENOSYS" {
			t.Errorf("%s: rseq_slice_yield: %s, want ENOSYS", kernel, got)
		}
	})
}
