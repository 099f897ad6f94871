package main

import (
	"os"

	"github.com/rseqemu/rseqemu/native/boot"
)

func main() {
	boot.Init() // in a guest that conform booted, this program is init
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
