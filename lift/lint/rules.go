package lint

// Severity says how bad a finding is.
type Severity uint8

// The severities, in the words of SARIF.
const (
	Error Severity = iota
	Warning
	Note
)

func (s Severity) String() string { return [...]string{"error", "warning", "note"}[s] }

// Rule is one kind of thing that is looked for.
type Rule struct {
	ID       string // doesn't change
	Severity Severity
	// Doc says what is found, and why it is wrong.
	Doc string
}

// Rules returns every rule, in a fixed order. The slice is the caller's.
func Rules() []Rule { return append([]Rule(nil), rules...) }

// rules go from the descriptor over the way into a section and through it to
// the ways out.
var rules = []Rule{
	{"version-not-zero", Error, "A descriptor whose version isn't 0, the only one there is. Kernels up to 6.18 kill the thread; later ones look at it only when they are being debugged."},
	{"flags-not-zero", Error, "A descriptor with flags. Only kernels up to 5.x honour the no-restart bits; 6.0 to 6.18 kill the thread, and later ones restart in spite of them."},
	{"post-commit-offset", Error, "A section that is empty, wraps around the address space, or ends beyond the code that it begins in. Inside is what satisfies ip - start_ip < post_commit_offset."},
	{"not-an-instruction", Error, "A start_ip or abort_ip that isn't in code, or a post_commit_ip in the middle of an instruction."},
	{"abort-inside", Error, "An abort_ip inside its own section. Kernels up to 6.18 kill the thread; later ones continue there with rseq_cs cleared, in a section that is no longer protected."},
	{"wrong-signature", Error, "An abort_ip without the architecture's signature in the four bytes before it. Every kernel kills the thread when it aborts."},
	{"misaligned-descriptor", Warning, "A descriptor whose address isn't a multiple of 32, which the ABI asks for."},
	{"duplicate-descriptor", Warning, "Two descriptors of the same code: one of them was meant for other code, or is defined twice."},
	{"overlapping-sections", Warning, "Two sections that share instructions without being the same. Only the one in rseq_cs is restarted."},
	{"not-in-pointer-array", Warning, "A descriptor that isn't in __rseq_cs_ptr_array although the file has one: debuggers find sections by it, and stop inside of this one."},
	{"stray-pointer", Warning, "An entry of __rseq_cs_ptr_array or __rseq_exit_point_array that is of no descriptor in __rseq_cs."},

	{"never-armed", Error, "A section whose descriptor nothing in its function stores: the kernel never hears of it, and restarts nothing."},
	{"armed-too-early", Error, "Instructions between the store to rseq_cs and start_ip. An interruption there finds the ip outside of the section and clears rseq_cs, and the section then runs without protection."},
	{"jump-into-section", Warning, "A branch into the middle of a section from outside, past the store to rseq_cs before start_ip."},

	{"no-cpu-check", Warning, "A section that stores and never uses cpu_id (or mm_cid) inside. A migration before start_ip isn't restarted, and goes unnoticed."},
	{"store-before-check", Error, "A store on a way on which cpu_id hasn't been compared yet. The thread may be on another CPU than the one whose data this is, and no abort takes the store back."},
	{"no-commit-store", Error, "A section without a store before post_commit_ip. A section takes effect by the store at its end, the commit; one without changes nothing, or changes it where nothing is restarted."},
	{"late-post-commit", Error, "An instruction between the last store of a section and post_commit_ip. An interruption there restarts a section that has committed, and it takes effect twice."},
	{"syscall-in-section", Error, "A system call inside a section. From Linux 6.19 on one that blocks aborts nothing, so that others run in the middle; a kernel that is being debugged kills the thread."},
	{"call-in-section", Error, "A call inside a section. The kernel clears rseq_cs if it interrupts in the function, and what follows the call then runs without protection."},
	{"ret-in-section", Warning, "A return inside a section. An interruption at the return itself restarts an operation that is finished."},
	{"indirect-jump-in-section", Warning, "A jump to a register inside a section: whether it stays where the kernel restarts can't be told."},
	{"trap-in-section", Warning, "A trap inside a section. Delivering its signal aborts the section first, so that the handler sees abort_ip as the place."},
	{"endless-loop", Error, "A loop inside a section that nothing in it can end: what its branches test doesn't change."},
	{"unbounded-loop", Warning, "A loop inside a section that no counter ends: it waits for memory. The longer a section takes the more often it is aborted, and who could change the memory on this CPU doesn't run."},
	{"long-section", Note, "A section of more instructions than the budget. A section that takes longer than a time slice never commits."},
	{"unsupported-instruction", Warning, "An instruction that isn't lifted. What depends on the whole section isn't said of this one."},

	{"undeclared-exit", Note, "A way out of the section that isn't in __rseq_exit_point_array although the file has one: a debugger that steps over the section by it loses the thread."},
	{"abort-as-success", Error, "An abort handler that goes on at post_commit_ip and changes nothing. The caller takes an operation that was aborted for one that took effect."},
}

var ruleByID = func() map[string]*Rule {
	m := map[string]*Rule{}
	for i := range rules {
		m[rules[i].ID] = &rules[i]
	}
	return m
}()
