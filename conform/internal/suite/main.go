package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

func main() {
	t := time.Now()
	cs := conform.Cases()
	fmt.Println(len(cs), time.Since(t))
	t = time.Now()
	n := 0
	e := conform.Emulator(emu.Linux("7.3", abi.AMD64))
	for i := range cs {
		if cs[i].Group() == "PERCPU" {
			continue
		}
		n++
		e.Run(context.Background(), &cs[i])
	}
	fmt.Println(n, time.Since(t))
}
