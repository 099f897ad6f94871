package explore_test

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

var memoryModels = []emu.MemoryModel{emu.SC, emu.TSO, emu.ARM}

// verdicts says on which memory models a program is broken: "arm", or "none".
func verdicts(t *testing.T, source, bounds string) string {
	t.Helper()
	var broken []string
	for _, model := range memoryModels {
		p := parse(t, source)
		cfg := on(t, "6.18", bounds)
		cfg.Memory = model
		r := exhaust(t, p, cfg, explore.Limits{})
		switch {
		case r.Failure != nil:
			broken = append(broken, model.String())
			follow(t, p, cfg, r.Failure, propsOf(t, p))
		case !r.Complete:
			t.Errorf("%s: %s", model, r.Why)
		}
	}
	if broken == nil {
		return "none"
	}
	return strings.Join(broken, " ")
}

// TestACommitThatPublishesIsARelease, and who reads what it publishes needs an
// order, too: an acquire, or that the address depends on it. A branch is none.
func TestACommitThatPublishesIsARelease(t *testing.T) {
	release := example(t, "publish.rseq").String()
	edit := func(s string, oldNew ...string) string {
		for i := 0; i < len(oldNew); i += 2 {
			if !strings.Contains(s, oldNew[i]) {
				t.Fatalf("%q isn't in\n%s", oldNew[i], s)
			}
			s = strings.ReplaceAll(s, oldNew[i], oldNew[i+1])
		}
		return s
	}
	commit := []string{"st.8.rel [r3], r0", "st.8 [r3], r0"}
	acquire := []string{"ld.8.acq r2, [head]", "ld.8 r2, [head]"}
	// The payload is where it is, whatever the head says.
	fixed := append([]string{"ld.8  r0, [r2 + VALUE]", "ld.8 r0, [node + 8]"}, acquire...)
	for name, tt := range map[string]struct {
		source, broken string
	}{
		"release, acquire":            {release, "none"},
		"release, address":            {edit(release, acquire...), "none"},
		"release, branch":             {edit(release, fixed...), "arm"},
		"plain, acquire":              {edit(release, commit...), "arm"},
		"plain, address":              {edit(edit(release, commit...), acquire...), "arm"},
		"plain behind fence, address": {edit(edit(release, "st.8.rel [r3], r0", "fence.w\n    st.8 [r3], r0"), acquire...), "none"},
	} {
		if got := verdicts(t, tt.source, "preempt=1"); got != tt.broken {
			t.Errorf("%s: broken on %s, want %s", name, got, tt.broken)
		}
	}
	if plain := example(t, "publish-plain.rseq").String(); verdicts(t, plain, "preempt=1") != "arm" {
		t.Error("examples/publish-plain.rseq is not broken on arm alone")
	}
}

// TestKernelsBarriers: a thread that stores before it loads, without a fence,
// agrees with another one that has a barrier where the kernel makes it.
func TestKernelsBarriers(t *testing.T) {
	const dekker = `
data x: u64
data y: u64
data seen: u64

func light()
    st.8  [x], 1
    LIGHT
    ld.8  r0, [y]
    bne   r0, 0, out
    xadd  r1, [seen], r2
out:
    ret

func heavy()
    mov   r0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ
    mov   r1, 0
    syscall membarrier
    st.8  [y], 1
    HEAVY
    ld.8  r0, [x]
    bne   r0, 0, out
    mov   r2, 1
    xadd  r1, [seen], r2
out:
    ret

thread: LIGHT1
thread: heavy
final seen < 2
`
	membarrier := func(cmd string) string {
		return "mov r0, MEMBARRIER_CMD_" + cmd + "\n    mov r1, 0\n    mov r2, 0\n    syscall membarrier"
	}
	for name, tt := range map[string]struct{ light, heavy, bounds, broken string }{
		"nothing":                    {"nop", "nop", "none", "tso arm"},
		"a fence on one side":        {"nop", "fence", "none", "tso arm"},
		"fences":                     {"fence", "fence", "none", "none"},
		"a system call on each side": {"syscall gettid", "syscall gettid", "none", "none"},
		"membarrier, expedited":      {"nop", membarrier("PRIVATE_EXPEDITED"), "none", "none"},
		"membarrier, rseq":           {"nop", membarrier("PRIVATE_EXPEDITED_RSEQ"), "none", "none"},
		"membarrier, global":         {"nop", membarrier("GLOBAL"), "none", "none"},
		"membarrier on both sides":   {membarrier("PRIVATE_EXPEDITED"), membarrier("PRIVATE_EXPEDITED"), "none", "none"},
		"no such membarrier":         {"nop", membarrier("PRIVATE_EXPEDITED + 0x4000"), "none", "tso arm"},
		"preemption":                 {"nop", "fence", "preempt=1", "tso arm"},
	} {
		source := strings.NewReplacer("LIGHT1", "light", "LIGHT", tt.light, "HEAVY", tt.heavy).Replace(dekker)
		source = strings.Replace(source, "xadd  r1, [seen], r2", "mov r2, 1\n    xadd  r1, [seen], r2", 1)
		if got := verdicts(t, source, tt.bounds); got != tt.broken {
			t.Errorf("%s: broken on %s, want %s", name, got, tt.broken)
		}
	}
}
