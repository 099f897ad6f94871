// Package lint finds what looks wrong in the compiled critical sections of an
// ELF file, without running them.
//
//	o, err := elf.OpenFile("libfoo.so")
//	…
//	for _, s := range lint.File(o, lint.Options{}).Sections {
//		for _, f := range s.Findings {
//			fmt.Println(f.Where, f.Severity, f.Message, f.Rule)
//		}
//	}
//
// Each struct rseq_cs of the file is a section, and each section has a verdict:
// its findings, or none. [Rules] lists what is looked for and why it is wrong.
// Where a rule is also one of package ir/vet, which does the same for programs
// as text, the names are the same.
//
// # How it knows
//
// Code is decoded where control goes and nowhere else: from the beginning of the
// function that a section is in, from start_ip, and from abort_ip, which nothing
// but the kernel's descriptor leads to. A sweep over all bytes would take
// signatures for instructions. Over that graph it follows which registers hold
// known numbers, the thread pointer, or the same unknown value, so that it knows
// the store to rseq_cs when it sees it, and by its address the loads of cpu_id.
//
// # What a finding is worth
//
// An error is what some kernel punishes, or a section that can't do what a
// section is for. A warning is what is wrong in most programs, but may be meant. A
// note says what a reader may want to know. Where something can't be decided
// nothing is said, but that: a section with an instruction that isn't lifted has
// a warning for it, and none of the findings that need the whole section.
//
// # Bounds
//
// At most maxInstrs instructions of a function are looked at, and time grows with
// the code around the sections, not with the file.
//
// # Non-goals
//
// It doesn't ask whether a data structure is right; that takes a specification
// and a search. It follows no value through memory, but for constants, and no call.
package lint
