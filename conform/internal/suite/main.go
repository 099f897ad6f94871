// Command suite asks the emulator that it was built with the cases of some files. It is
// built anew with each mutation of the emulator:
//
//	suite OUTCOMES cases/*.txtar      writes the outcomes
//	suite -as OUTCOMES cases/*.txtar  reads them, and exits with 1 where one isn't the same
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"iter"
	"log"
	"os"
	"strings"
	"time"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// kernels are one of each that behaves in a way of its own and was recorded, those
// that tell most first. A mutation of a rule that none of them has shows nowhere.
var kernels = strings.Fields(`7.3 7.3/slices 6.18 5.10.223 7.3/debug 6.1.176 6.12.107 6.16 6.19.14 7.0.4 7.0.7 7.0.9
	7.3/slices/preempt-rt 6.19.14/debug 6.18/arm64 6.19.14/arm64 7.0.13/arm64 7.3/arm64`)

// patience is how long one run may take, which takes a fraction of a millisecond.
const patience = 10 * time.Second

func main() {
	log.SetFlags(0)
	as := flag.Bool("as", false, "compare")
	flag.Parse()
	cases, err := parse(flag.Args()[1:])
	switch {
	case err != nil:
	case *as:
		err = compare(flag.Arg(0), cases)
	default:
		err = write(flag.Arg(0), cases)
	}
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
}

func parse(files []string) ([]conform.Case, error) {
	var all []conform.Case
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		cases, err := conform.Parse(f, src)
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	return all, nil
}

// outcomes runs the cases and yields pairs like "CS.empty on 7.3" and "calls
// return 1; then rseq_cs=op.empty".
func outcomes(cases []conform.Case) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range kernels {
			for i := range cases {
				run := cases[i].Name + " on " + name
				if !yield(run, ask(run, name, &cases[i])) {
					return
				}
			}
		}
	}
}

// ask runs a case. A mutated emulator can go round for ever, and panic.
func ask(run, kernel string, c *conform.Case) (answer string) {
	defer time.AfterFunc(patience, func() {
		fmt.Printf("%s: no end\n", run)
		os.Exit(1)
	}).Stop()
	defer func() {
		if p := recover(); p != nil {
			answer = fmt.Sprintf("panic: %v", p)
		}
	}()
	k, err := emu.ParseKernel(kernel)
	if err != nil {
		return err.Error()
	}
	o, err := conform.Emulator(k).Run(context.Background(), c)
	if err != nil {
		return err.Error()
	}
	return o.String()
}

func write(file string, cases []conform.Case) error {
	var b strings.Builder
	for run, answer := range outcomes(cases) {
		fmt.Fprintf(&b, "%s: %s\n", run, strings.ReplaceAll(answer, "\n", " "))
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// compare stops at the third difference.
func compare(file string, cases []conform.Case) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	different := 0
	for run, answer := range outcomes(cases) {
		if !lines.Scan() {
			return fmt.Errorf("%s ends before %s: %v", file, run, lines.Err())
		}
		before, want, _ := strings.Cut(lines.Text(), ": ")
		if before != run {
			return fmt.Errorf("%s has %s where %s is", file, before, run)
		}
		if answer = strings.ReplaceAll(answer, "\n", " "); answer == want {
			continue
		}
		fmt.Printf("%s: %s; right is: %s\n", run, answer, want)
		if different++; different == 3 {
			break
		}
	}
	if different > 0 {
		os.Exit(1)
	}
	return nil
}
