package conform_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/conform"
)

// TestWhatOthersAssertIsAsked: each assertion of the tests that others have for
// restartable sequences, and each rule that nobody had a test for, has a case, or
// several with that beginning.
func TestWhatOthersAssertIsAsked(t *testing.T) {
	for source, rows := range map[string][][2]string{
		"selftests syscall_errors_test": {
			{"flags -1", "REG.flags-each"}, {"area + 1", "REG.align-32"}, {"length 31", "REG.len-short"},
			{"address -4096", "REG.kernel-half"}, {"register", "REG.ok"}, {"again", "REG.again-differences"},
			{"unregister with sig + 1", "UNREG.differences"}, {"unregister", "UNREG.twice"}, {"unregister again", "UNREG.twice"},
		},
		"selftests basic_test":      {{"the ids follow the affinity", "IDS.setaffinity"}, {"cpu_id and node_id are getcpu's", "IDS.getcpu-migrated"}},
		"selftests legacy_check":    {{"rewritten by a sleep, in and after a handler", "V1.legacy-check"}},
		"selftests check_optimized": {{"the feature size can be registered", "AUXV.size"}},
		"selftests param_test": {
			{"-T i: an increment that is interrupted counts once", "COUNTER."}, {"-T r: a membarrier aborts", "MB.fence-cpu"},
			{"-k: raise", "SYSCALL.raise"}, {"-s: sleep", "SYSCALL.sleep"},
		},
		"selftests slice_test": {{"prctl", "SLICE.prctl"}, {"rseq_slice_yield", "SLICE.yield-returns-0"}},
		"librseq fork_test":    {{"a child's registration is its parent's", "INH.fork"}, {"a child's ids", "INH.fork-ids"}},
		"librseq unregistered_test": {
			{"cpu_id is -1", "IDS.unregistered"},
		},
		"gVisor": {
			{"Unaligned", "REG.align-32"}, {"Register", "REG.ok"}, {"DoubleRegister", "REG.again-differences"},
			{"RegisterUnregister", "UNREG.twice"}, {"UnregisterDifferentPtr", "UNREG.differences"},
			{"UnregisterDifferentSignature", "UNREG.differences"}, {"CPU", "IDS.getcpu"}, {"Abort", "CS.abort-signal"},
			{"AbortBefore", "CS.before-start"}, {"AbortSignature", "CS.sig-first-byte"}, {"AbortPreCommit", "CS.abort-inside-signed"},
			{"AbortClearsCS", "CS.abort-signal"}, {"InvalidAbortClearsCS", "STALE.signal"},
			{"MembarrierResetsCpuIdStart", "V1.membarrier-rewrites"},
		},
		"rr rseq.c": {
			{"system calls with rseq_cs set and the ip outside", "STALE.syscall"}, {"an abort clears rseq_cs", "CS.abort-same-cpu"},
			{"execve", "EXEC.register-again"}, {"a thread doesn't inherit", "INH.clone-thread"},
		},
		"CRIU": {{"what ptrace tells", "PT.config"}, {"not registered", "PT.not-registered"}, {"the area is written to", "RO.migrate"}},
		"the kernel's bugs": {
			{"unknown flags on unregister", "REG.flags-and-unregister"}, {"vfork kept the registration", "INH.vfork-own"},
			{"cpu_id of a new task", "INH.fork-ids"}, {"MEMBARRIER_CMD_QUERY", "MB.query-bits"}, {"a stale rseq_cs", "REG.stale-rseq_cs"},
			{"registered after EFAULT", "REG.efault-not-active"}, {"unregister fails", "UNREG.twice"},
			{"cpu_id_start after unregister", "UNREG.fields"}, {"mm_cid after an execve that fails", "EXEC.failed"},
			{"abort on the same CPU, arm64", "CS.abort-same-cpu"}, {"cpu_id_start not rewritten", "V1.rewrite-after-switch"},
			{"mm_cids that two threads share", "MMCID.unique"},
		},
		"nobody": {
			{"precedence of errors", "REG.precedence"}, {"… when registered", "REG.again-precedence"}, {"lengths by release", "REG.len-64-aligned"},
			{"alignment by release", "REG.len-32-aligned"}, {"what registering writes", "LAYOUT.len-64"}, {"what unregistering writes", "LAYOUT.unregistered-64"},
			{"V1 and V2", "V2.no-rewrite"}, {"when rseq_cs is cleared", "STALE.preempt"}, {"which descriptors kill", "STALE.sleep-version"},
			{"clone's flags", "INH.clone-vm"}, {"membarrier's errors", "MB.flags"}, {"read-only fields", "RO.migrate"},
			{"system calls inside", "SYSCALL.getpid"}, {"debug mode", "DEBUG.syscall-inside"}, {"auxiliary vector", "AUXV.align"},
		},
	} {
		for _, r := range rows {
			if len(conform.Find(r[1])) == 0 {
				t.Errorf("%s, %s: there is no case %s", source, r[0], r[1])
			}
		}
	}
}
