// Package models has the two reference models on whose numbers of states five
// tools agree (Spin, rumur, TLC and two searches written for the purpose), each in
// Promela and as a program of this emulator.
//
//	                    states   transitions
//	list, 2 threads     65,994       227,580
//	list, 3         16,498,736    65,693,472
//	counter, 2          33,759       116,160
//	counter, 3       2,737,180    10,925,280
//	counter, 4     167,525,133   714,023,040
//
// The programs run on CPUs that are idle at first, with any number of
// preemptions and migrations: the models' choices. A machine remembers more than
// a model, and so has more states; the tests of this package say what each of them
// is a state of, and hold that the machine does what the model does and nothing else.
package models

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.rseq *.pml
var files embed.FS

func file(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic("models: BUG: " + err.Error())
	}
	return string(b)
}

// Promela returns a model's text: "list" or "counter". NT is the number of
// threads, MAXR that of retries; NOABORT is a kernel that aborts no section.
func Promela(name string) string { return file(name + ".pml") }

// List returns the list's program for that many threads, each of whose operations
// is given up after so many tries.
func List(threads, tries int) string {
	code, _, _ := strings.Cut(file("list.rseq"), "# Threads.\n")
	var b strings.Builder
	fmt.Fprintf(&b, "%s# Threads.\ndata node: u32[%d]\n\n", code, 2*threads)
	for i := range threads {
		node := "node"
		if i > 0 {
			node = fmt.Sprintf("node + %d", 8*i)
		}
		fmt.Fprintf(&b, "thread: push %s, %d; pop 0, %d\n", node, tries, tries)
	}
	b.WriteString("\ncpus 2\nbudget preempt=255 migrate=255\nalways got(pop) == ")
	for i := range threads {
		if i > 0 {
			b.WriteString(" + ")
		}
		fmt.Fprintf(&b, "(node[%d] == POPPED)", 2*i+1)
	}
	return b.String() + "\n"
}

// Counter returns the counter's program.
func Counter(threads, tries int) string {
	code, _, _ := strings.Cut(file("counter.rseq"), "# Threads.\n")
	line := fmt.Sprintf("thread: add %d; add %d\n", tries, tries)
	return code + "# Threads.\n" + strings.Repeat(line, threads) +
		"\ncpus 2\nbudget preempt=255 migrate=255\nalways sum(count) == got(add)\n"
}

// AskedList is the list's program as one would ask about it, with its assertion as
// instructions.
func AskedList(threads, tries int) string {
	code, _, _ := strings.Cut(file("asked_list.rseq"), "# Threads.\n")
	var b strings.Builder
	fmt.Fprintf(&b, "%s# Threads.\ndata node: u64[%d]\n\n", code, 2*threads)
	for i := range threads {
		fmt.Fprintf(&b, "thread: push node + %d, %d; pop 0, %d\n", 16*i, tries, tries)
	}
	return b.String() + "\ncpus 2\nbudget preempt=255 migrate=255\nfinal list(head, NEXT) + got(pop) == got(push)\n"
}

// AskedCounter is the counter's.
func AskedCounter(threads, tries int) string {
	code, _, _ := strings.Cut(file("asked_counter.rseq"), "# Threads.\n")
	line := fmt.Sprintf("thread: add %d; add %d\n", tries, tries)
	return code + "# Threads.\n" + strings.Repeat(line, threads) +
		"\ncpus 2\nbudget preempt=255 migrate=255\nfinal sum(count) == got(add)\n"
}
