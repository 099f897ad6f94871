// Package boot boots a Linux kernel in QEMU and runs a command in it.
//
// A kernel's rules are found out by asking that kernel, and the one at hand is
// one of many. [Machine.Run] starts an image with a static executable as its
// init, which runs a command and sends back what that writes. A distribution's
// kernel does as it is: neither its modules nor a disk are needed, nor rights.
//
//	m := &boot.Machine{Kernel: "vmlinuz-6.18.15-amd64", Arch: abi.AMD64}
//	code, err := m.Run(ctx, self, []string{"", "version"}, os.Stdout, os.Stderr)
//
// # The guest
//
// Its only file system is an initramfs with init, the files that the machine
// names, and the command line. Init is usually the program itself: its main
// calls [Init] first, which returns unless it is the first process of a guest.
// There it mounts what programs expect (dev, proc, sys, tmp and debugfs), runs
// the command as a child, kills what that left behind, and turns the machine off.
//
// # The lines
//
// The kernel's messages go to the first serial port, which is QEMU's standard
// error here: the last of them are in [Error], for when a guest panics, hangs or
// does not start. What the command writes goes to the second, compressed, with a
// checksum, and with a sign of life every now and then, so that a guest that
// hangs is told from a command that takes its time. A context bounds the latter.
//
// # The CPU
//
// QEMU emulates it. KVM would be faster, but needs rights, and what is asked
// should not depend on the machine that asks. Emulated CPUs run at the same
// time, and time goes by as it does here: how long something takes in a guest
// says nothing, and a busy host makes it longer. Where a guest is to get something
// done in microseconds instructions can be counted instead ([Machine.Counted]): one
// takes a nanosecond, whatever the host does, and a guest that sleeps takes no time.
//
// # Non-goals
//
// There is no network, no disk, and no input to the command. It is no way to
// keep a guest: one command, and it is gone.
package boot
