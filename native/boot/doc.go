// Package boot boots a Linux kernel in QEMU and runs a command in it.
package boot
