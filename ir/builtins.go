package ir

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rseqemu/rseqemu/abi"
)

// Builtin is a symbol that every program has without declaring it, under the
// kernel's name.
type Builtin struct {
	Name  string
	Value int64
}

// Builtins returns the built-in symbols: the offsets of struct rseq's fields,
// the flags and commands of the ABI's system calls, signals, and errnos. A
// program can't define a name that is one of them.
//
// An errno is there twice, as EBUSY and, since that is what a failed system
// call leaves in r0, as -EBUSY. The value of RSEQ_SIG depends on the
// architecture and that of percpu_shift on the program; both are 0 here and
// known after linking. The slice is the caller's.
func Builtins() []Builtin { return slices.Clone(builtins()) }

// The names of the built-in symbols that the linker gives a value.
const (
	sigSymbol   = "RSEQ_SIG"
	shiftSymbol = "percpu_shift"
)

var builtins = sync.OnceValue(func() []Builtin {
	all := slices.Clone(fixedBuiltins)
	for s := abi.Signal(1); s <= abi.SIGSYS; s++ {
		all = append(all, Builtin{s.String(), int64(s)})
	}
	// A name says that the number has one: the others print as "errno 4000".
	for e := abi.Errno(1); e <= maxErrno; e++ {
		if name := e.String(); strings.HasPrefix(name, "E") {
			all = append(all, Builtin{name, int64(e)}, Builtin{"-" + name, -int64(e)})
		}
	}
	return all
})

// maxErrno is the greatest error that a system call's result can hold.
const maxErrno = 4095

// builtinSymbols is the table that a link starts with.
var builtinSymbols = sync.OnceValue(func() map[string]Addr {
	m := make(map[string]Addr, len(builtins()))
	for _, b := range builtins() {
		m[b.Name] = Addr(b.Value)
	}
	return m
})

// newSymbols returns a symbol table that holds the built-in symbols.
func newSymbols() map[string]Addr { return maps.Clone(builtinSymbols()) }

// isBuiltin reports whether name is a built-in symbol.
func isBuiltin(name string) bool {
	_, ok := builtinSymbols()[name]
	return ok
}

var fixedBuiltins = []Builtin{
	{"cpu_id_start", abi.OffCPUIDStart},
	{"cpu_id", abi.OffCPUID},
	{"rseq_cs", abi.OffRSeqCS},
	{"flags", abi.OffFlags},
	{"node_id", abi.OffNodeID},
	{"mm_cid", abi.OffMMCID},
	{"slice_ctrl", abi.OffSliceCtrl},
	{"slice_request", abi.OffSliceRequest},
	{"slice_granted", abi.OffSliceGranted},

	{sigSymbol, 0},
	{shiftSymbol, 0},

	{"RSEQ_CPU_ID_UNINITIALIZED", int64(abi.CPUIDUninitialized)},
	{"RSEQ_CPU_ID_REGISTRATION_FAILED", int64(abi.CPUIDRegistrationFailed)},
	{"RSEQ_FLAG_UNREGISTER", abi.RSeqFlagUnregister},
	{"RSEQ_FLAG_SLICE_EXT_DEFAULT_ON", abi.RSeqFlagSliceExtDefaultOn},
	{"RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT", abi.RSeqCSFlagNoRestartOnPreempt},
	{"RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL", abi.RSeqCSFlagNoRestartOnSignal},
	{"RSEQ_CS_FLAG_NO_RESTART_ON_MIGRATE", abi.RSeqCSFlagNoRestartOnMigrate},
	{"RSEQ_CS_FLAG_SLICE_EXT_AVAILABLE", abi.RSeqCSFlagSliceExtAvailable},
	{"RSEQ_CS_FLAG_SLICE_EXT_ENABLED", abi.RSeqCSFlagSliceExtEnabled},

	{"MEMBARRIER_CMD_QUERY", abi.MembarrierQuery},
	{"MEMBARRIER_CMD_GLOBAL", abi.MembarrierGlobal},
	{"MEMBARRIER_CMD_GLOBAL_EXPEDITED", abi.MembarrierGlobalExpedited},
	{"MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED", abi.MembarrierRegisterGlobalExpedited},
	{"MEMBARRIER_CMD_PRIVATE_EXPEDITED", abi.MembarrierPrivateExpedited},
	{"MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED", abi.MembarrierRegisterPrivateExpedited},
	{"MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE", abi.MembarrierPrivateExpeditedSyncCore},
	{"MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE", abi.MembarrierRegisterPrivateExpeditedSyncCore},
	{"MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ", abi.MembarrierPrivateExpeditedRSeq},
	{"MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ", abi.MembarrierRegisterPrivateExpeditedRSeq},
	{"MEMBARRIER_CMD_GET_REGISTRATIONS", abi.MembarrierGetRegistrations},
	{"MEMBARRIER_CMD_FLAG_CPU", abi.MembarrierCmdFlagCPU},

	{"PR_RSEQ_SLICE_EXTENSION", abi.PrctlRSeqSliceExtension},
	{"PR_RSEQ_SLICE_EXTENSION_GET", abi.PrctlRSeqSliceExtensionGet},
	{"PR_RSEQ_SLICE_EXTENSION_SET", abi.PrctlRSeqSliceExtensionSet},
	{"PR_RSEQ_SLICE_EXT_ENABLE", abi.PrctlRSeqSliceExtEnable},

	{"CLONE_VM", abi.CloneVM},
	{"CLONE_FS", abi.CloneFS},
	{"CLONE_FILES", abi.CloneFiles},
	{"CLONE_SIGHAND", abi.CloneSighand},
	{"CLONE_PTRACE", abi.ClonePtrace},
	{"CLONE_VFORK", abi.CloneVfork},
	{"CLONE_PARENT", abi.CloneParent},
	{"CLONE_THREAD", abi.CloneThread},
	{"CLONE_SYSVSEM", abi.CloneSysvsem},
	{"CLONE_SETTLS", abi.CloneSettls},
	{"CLONE_PARENT_SETTID", abi.CloneParentSettid},
	{"CLONE_CHILD_CLEARTID", abi.CloneChildCleartid},
	{"CLONE_CHILD_SETTID", abi.CloneChildSettid},
}
