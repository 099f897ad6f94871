package workload_test

import (
	"fmt"
	"log"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/workload"
)

// A kernel build: how often are the ids written by the old rule and by the new one?
func ExampleMeter() {
	text, _ := workload.BuiltIn("kernel-build")
	mix, err := workload.Parse("kernel-build.workload", text)
	if err != nil {
		log.Fatal(err)
	}
	mix.Generate = 100_000
	meter, err := workload.NewMeter([]emu.Kernel{emu.Linux("6.18", abi.AMD64), emu.Linux("6.19", abi.AMD64)})
	if err != nil {
		log.Fatal(err)
	}
	if err := mix.Run(meter.Apply); err != nil {
		log.Fatal(err)
	}
	for _, r := range meter.Results() {
		fmt.Printf("%s: %d exits, %d without work, ids written %d times\n", r.Kernel, r.Counters.Exit, r.Counters.NoWork, r.Counters.IDs)
	}
	// Output:
	// 6.18: 100000 exits, 98472 without work, ids written 1528 times
	// 6.19: 100000 exits, 99342 without work, ids written 58 times
}
