package workload

import (
	"maps"
	"slices"
	"strings"
)

// What the events of a trace are to us.

type lineKind uint8

const (
	lineUnknown lineKind = iota
	lineSilent           // known, and says nothing that others don't
	lineSwitch
	lineBorn
	lineEnter
	lineExit
	lineIRQ
	lineFault
	lineSignal
	lineUpdate
	lineFixup
)

var lineKinds = map[string]lineKind{
	"sched_switch":       lineSwitch,
	"sched_process_fork": lineBorn,
	"sched_wakeup_new":   lineBorn,
	"sys_enter":          lineEnter,
	"sys_exit":           lineExit,
	"page_fault_user":    lineFault,
	"signal_deliver":     lineSignal,
	"rseq_update":        lineUpdate,
	"rseq_ip_fixup":      lineFixup,

	"irq_handler_entry":          lineIRQ,
	"local_timer_entry":          lineIRQ,
	"reschedule_entry":           lineIRQ,
	"call_function_entry":        lineIRQ,
	"call_function_single_entry": lineIRQ,
	"irq_work_entry":             lineIRQ,
	"ipi_entry":                  lineIRQ,
	"x86_platform_ipi_entry":     lineIRQ,

	"sched_migrate_task": lineSilent, // sched_switch says where it runs
	"sched_wakeup":       lineSilent, "sched_waking": lineSilent, "sched_process_exit": lineSilent,
	"sched_process_exec": lineSilent, "sched_process_free": lineSilent, "sched_process_wait": lineSilent,
	"sched_stat_runtime": lineSilent, "signal_generate": lineSilent,
	"irq_handler_exit": lineSilent, "local_timer_exit": lineSilent, "reschedule_exit": lineSilent,
	"call_function_exit": lineSilent, "call_function_single_exit": lineSilent, "irq_work_exit": lineSilent,
	"ipi_exit": lineSilent, "x86_platform_ipi_exit": lineSilent, "page_fault_kernel": lineSilent,
	"softirq_raise": lineSilent, "softirq_entry": lineSilent, "softirq_exit": lineSilent,
}

func kindOf(event string) lineKind {
	k, ok := lineKinds[event]
	switch {
	case ok:
		return k
	case strings.HasPrefix(event, "sys_enter_"):
		return lineEnter
	case strings.HasPrefix(event, "sys_exit_"):
		return lineExit
	}
	return lineUnknown
}

// kernelThreads is how the comms of kernel threads begin. There is no other sign of
// them in a trace.
var kernelThreads = []string{
	"kworker/", "ksoftirqd/", "migration/", "rcu_", "rcuc/", "rcub/", "rcuog/", "rcuop/", "rcuos/", "cpuhp/",
	"kthreadd", "kswapd", "kcompactd", "khugepaged", "ksmd", "khungtaskd", "kauditd", "oom_reaper", "kdevtmpfs",
	"watchdog/", "watchdogd", "irq/", "jbd2/", "idle_inject/", "swapper/", "kblockd", "xfsaild/", "btrfs-", "scsi_eh_", "nfsd",
}

func isKernelThread(comm string) bool {
	return slices.ContainsFunc(kernelThreads, func(k string) bool { return strings.HasPrefix(comm, k) })
}

// maxUnknown bounds the names of unknown events that are kept apart.
const maxUnknown = 100

// Summary is what a trace had, and what of it couldn't be used.
type Summary struct {
	Lines         uint64   `json:"lines"`
	Nanos         [2]int64 `json:"nanoseconds"` // of the first and the last event
	CPUs          int      `json:"cpus"`        // that had events
	Threads       uint64   `json:"threads"`     // of user code, that did something
	KernelThreads uint64   `json:"kernel_threads"`

	Switches   uint64 `json:"switches"`
	Enters     uint64 `json:"sys_enter"`
	Exits      uint64 `json:"sys_exit"`
	Interrupts uint64 `json:"interrupts"` // and page faults
	Signals    uint64 `json:"signals"`    // that have a handler

	// What the traced kernel did, if the trace has its rseq_update and rseq_ip_fixup.
	Updates uint64 `json:"rseq_update"`
	Fixups  uint64 `json:"rseq_ip_fixup"`
	// Unregistered are threads without an rseq_update in a trace that has some.
	Unregistered uint64 `json:"unregistered"`

	Lost         uint64        `json:"lost"`         // events that the trace says are lost
	LostReports  uint64        `json:"lost_reports"` // places where it says so
	Gaps         uint64        `json:"gaps"`         // a thread was where the trace doesn't say it went
	Cut          uint64        `json:"cut"`          // the last line, if it ends too early
	Unknown      uint64        `json:"unknown"`
	UnknownNames []NamedNumber `json:"unknown_names,omitempty"` // by name
}

// NamedNumber is how often there was something.
type NamedNumber struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

func (r *tracer) summary() Summary {
	s := r.sum
	for i := range r.cpus {
		if r.cpus[i].seen {
			s.CPUs++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.unknown)) {
		s.UnknownNames = append(s.UnknownNames, NamedNumber{name, r.unknown[name]})
	}
	return s
}
